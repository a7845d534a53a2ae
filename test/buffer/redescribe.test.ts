import { describe, expect, it } from 'vitest';
import { describe as describeAttributes } from '../../src/api/trace/attributes.ts';
import { RecordingTracerProvider } from '../../src/api/trace/provider.ts';
import { Group } from '../../src/buffer/record.ts';
import type { EngineName } from '../../src/engine/select.ts';
import { attributeOf, decoded } from '../support/encode-everywhere.ts';
import { ENGINE_NAMES, type TraceRig, traceRig } from '../support/engines.ts';
import { spansOf } from '../support/trace-model.ts';

const URL_A = 'https://example.org/a';
const URL_B = 'https://example.org/b';
const RING_BYTES = 1 << 17;

/** A rig whose provider's resource is at hand. */
function rigOf(name: EngineName) {
  const rig = traceRig(name, { ringBytes: RING_BYTES });
  const resource = new Group(describeAttributes({ at: 'start' }), { schemaUrl: URL_A });
  const provider = new RecordingTracerProvider(rig.shared, resource);
  return {
    rig,
    resource,
    end: (scope: string, span: string, text = '') =>
      provider.getTracer(scope).startSpan(span).setAttribute('text', text).end(),
    redescribe: (attributes: object, schemaUrl = URL_B) =>
      rig.ring.redescribe(resource, describeAttributes(attributes), schemaUrl),
  };
}

/** Resources of a request: URL, attributes as strings, and the names of their spans by scope. */
function resourcesIn(request: Uint8Array) {
  return decoded(request).map(({ schemaUrl, attributes, scopes }) => ({
    schemaUrl,
    attributes: Object.fromEntries(
      attributes.map(([key, value]) => [key, Object.values(value)[0]]),
    ),
    spans: scopes.map(({ name, spans }) => [name, ...spans.map((span) => span.name)]),
  }));
}

/** Distinct texts until the string table has no room left. */
function fillTable({ ring }: TraceRig): void {
  for (let i = 0; !ring.strings.full; i++) ring.strings.add(`${i}`.padEnd(128, '.'));
}

describe.each(ENGINE_NAMES)('a resource described anew, on the engine %s', (name) => {
  it('is that of the spans that wait and of those that follow', () => {
    const { rig, end, redescribe } = rigOf(name);
    end('a', '1');
    end('b', '2');
    expect(redescribe({ at: 'end', more: 1 })).toBe('written');
    end('a', '3');
    end('c', '4');
    expect(resourcesIn(rig.encode())).toEqual([
      {
        schemaUrl: URL_B,
        attributes: { at: 'end', more: 1n },
        spans: [
          ['a', '1', '3'],
          ['b', '2'],
          ['c', '4'],
        ],
      },
    ]);
  });

  it('is that of spans in either half of the string table', () => {
    const { rig, end, redescribe } = rigOf(name);
    end('a', '1');
    end('b', '2');
    fillTable(rig);
    end('a', '3');
    expect(rig.ring.strings.epoch).toBe(1);
    expect(redescribe({ at: 'end' })).toBe('written');
    end('b', '4');
    const [only, ...others] = resourcesIn(rig.encode());
    expect(others).toEqual([]);
    expect(only).toMatchObject({ schemaUrl: URL_B, attributes: { at: 'end' } });
    // A scope in both halves is two groups.
    expect(only!.spans).toEqual([
      ['a', '1'],
      ['b', '2'],
      ['a', '3'],
      ['b', '4'],
    ]);
  });

  it('is written when no span of it was recorded yet, and after its spans have gone', () => {
    const { rig, end, redescribe } = rigOf(name);
    expect(redescribe({ at: 'before' })).toBe('written');
    end('a', '1');
    expect(resourcesIn(rig.encode())).toMatchObject([{ attributes: { at: 'before' } }]);
    expect(redescribe({ at: 'between' })).toBe('written');
    end('a', '2');
    expect(resourcesIn(rig.encode())).toMatchObject([{ attributes: { at: 'between' } }]);
  });

  it('leaves the spans of another resource and texts under way alone', () => {
    const { rig, end, redescribe } = rigOf(name);
    const other = rig.providerOf({ attributes: { at: 'other' } });
    const long = 'ä'.repeat(300);
    end('a', '1', `${long}1`);
    other.getTracer('a').startSpan('2').setAttribute('text', `${long}2`).end();
    expect(rig.ring.uncommitted).toBe(2);
    expect(redescribe({ at: 'x'.repeat(2000) })).toBe('written');
    end('a', '3', `${long}3`);
    const request = rig.encode();
    expect(resourcesIn(request)).toMatchObject([
      { attributes: { at: 'x'.repeat(2000) }, spans: [['a', '1', '3']] },
      { attributes: { at: 'other' }, spans: [['a', '2']] },
    ]);
    for (const span of spansOf(decoded(request))) {
      expect(attributeOf(span.attributes, 'text')).toEqual({ string: long + span.name });
    }
  });

  it('waits while the ring is full, and all is as it was', () => {
    const { rig, resource, end, redescribe } = rigOf(name);
    for (let i = 0; rig.last !== 'full'; i++) end('a', `${i}`);
    const { written } = rig.outcomes;
    expect(redescribe({ at: 'end' })).toBe('full');
    expect(resource.schemaUrl).toBe(URL_A);
    const [first] = resourcesIn(rig.encode());
    expect(first).toMatchObject({ schemaUrl: URL_A, attributes: { at: 'start' } });
    expect(first!.spans[0]).toHaveLength(1 + written);
    expect(redescribe({ at: 'end' })).toBe('written');
    end('a', 'last');
    expect(resourcesIn(rig.encode())).toMatchObject([{ attributes: { at: 'end' } }]);
  });

  it('waits while the string table is full, and all is as it was', () => {
    const { rig, end, redescribe } = rigOf(name);
    end('a', '1');
    fillTable(rig);
    end('a', '2');
    // Both halves are in use now.
    fillTable(rig);
    expect(redescribe({ at: 'x'.repeat(200) })).toBe('full');
    expect(resourcesIn(rig.encode())).toMatchObject([
      { schemaUrl: URL_A, attributes: { at: 'start' } },
      { schemaUrl: URL_A, attributes: { at: 'start' } },
    ]);
    expect(redescribe({ at: 'end' })).toBe('written');
    end('a', '3');
    expect(resourcesIn(rig.encode())).toMatchObject([{ attributes: { at: 'end' } }]);
  });

  it('is refused when it is larger than a record may be, and spans still are taken', () => {
    const { rig, end, redescribe } = rigOf(name);
    end('a', '1');
    expect(redescribe({ at: 'x'.repeat(RING_BYTES) })).toBe('too_large');
    end('b', '2');
    expect(rig.outcomes).toEqual({ written: 2, full: 0, too_large: 0 });
    expect(resourcesIn(rig.encode())).toMatchObject([
      {
        schemaUrl: URL_A,
        attributes: { at: 'start' },
        spans: [
          ['a', '1'],
          ['b', '2'],
        ],
      },
    ]);
  });
});
