/**
 * Rows of the specification's compliance matrix about attributes and their limits, from
 * `start()` to what arrives.
 */

import { readFileSync } from 'node:fs';
import type { Attributes, Span, SpanOptions } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import type { StartOptions } from '../../../src/options/options.ts';
import { ENGINE_NAMES } from '../../support/engines.ts';
import { started } from '../../support/telemetry.ts';
import { spansOf } from '../../support/trace-model.ts';
import { readCanonical } from '../../support/wire.ts';

interface Setting {
  readonly options?: StartOptions;
  readonly env?: Record<string, string>;
  readonly atStart?: SpanOptions;
}

/** One span, as it arrives. */
async function one(work: (span: Span) => void, { options, env = {}, atStart }: Setting = {}) {
  const { arrived, tracer, transport } = started({ compression: 'none', ...options }, { env });
  const span = tracer.startSpan('s', atStart);
  work(span);
  span.end();
  const spans = await arrived();
  expect(spans).toHaveLength(1);
  return { ...spans[0]!, body: transport.payloads[0]!.body };
}

const any = (value: unknown) => value as never;
const context = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };
const numbered = (count: number): Attributes =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]));
const doc = (name: string) =>
  readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');

/** The span's only attribute as it is on the wire: the kind of its AnyValue and the content. */
async function sentValue(value: unknown) {
  const { body } = await one((span) => span.setAttribute('k', any(value)));
  return spansOf(readCanonical(body))[0]!.attributes[0]![1];
}

describe('Span attributes', () => {
  it('SetAttribute: sets an attribute, and the last value of a key wins', async () => {
    const { attributes } = await one((span) => {
      expect(span.setAttribute('a', 'first')).toBe(span);
      span.setAttribute('b', 1).setAttribute('a', 'second');
    });
    expect(Object.entries(attributes)).toEqual([
      ['a', 'second'],
      ['b', 1],
    ]);
  });

  it('String type: is sent as string_value', async () => {
    expect(await sentValue('text')).toEqual({ string: 'text' });
    expect(await sentValue('')).toEqual({ string: '' });
  });

  it('Boolean type: is sent as bool_value', async () => {
    expect(await sentValue(true)).toEqual({ bool: true });
    expect(await sentValue(false)).toEqual({ bool: false });
  });

  it('Double floating-point type: is sent as double_value, bit for bit', async () => {
    for (const value of [0.1, -1.5, 5e-324, Number.MAX_VALUE, 2 ** 53, -0, Infinity, NaN]) {
      expect(await sentValue(value)).toStrictEqual({ double: value });
    }
  });

  it('Signed int64 type: is sent as int_value, from the smallest to the largest', async () => {
    const integers = [0, 1, -1, 2 ** 31, -(2 ** 31) - 1, 2 ** 53 - 1, 1 - 2 ** 53];
    for (const value of [...integers, 2n ** 63n - 1n, -(2n ** 63n)]) {
      expect(await sentValue(value)).toEqual({ int: BigInt(value) });
    }
  });

  it('Array of primitives (homogeneous): keeps its elements and their order', async () => {
    const arrays = {
      strings: ['b', 'a', ''],
      booleans: [true, false],
      integers: [3, -1, 0],
      doubles: [0.5, -1.25],
      empty: [],
    };
    const { attributes } = await one((span) => span.setAttributes(arrays));
    expect(attributes).toEqual(arrays);
  });

  it('`null` values documented as invalid/undefined: sent as an empty value', async () => {
    expect(doc('limits.md')).toMatch(/`null`[^.]*no valid attribute value/);
    expect(await sentValue(null)).toEqual({ empty: true });
    const { attributes } = await one((span) => {
      span.setAttribute('null', any(null)).setAttribute('undefined', undefined as never);
      span.setAttribute('inside', ['a', null, undefined, 'b']);
    });
    // In an array both keep their place.
    expect(attributes).toEqual({ null: null, inside: ['a', null, null, 'b'] });
  });

  it('Unicode support for keys and string values: both arrive as they were', async () => {
    const texts = [
      'größe',
      '漢字',
      'עברית',
      '🎉👩‍👩‍👧',
      '\u0000\u007f\u0080\u07ff\u0800\uffff\u{10ffff}',
      'e\u0301',
    ];
    const given = Object.fromEntries(texts.map((text) => [text, [text, `x${text}`.repeat(20)]]));
    const { attributes } = await one((span) => span.setAttributes(given));
    expect(attributes).toEqual(given);
  });

  it('Documentation defines adding attributes at span creation as preferred: samplers see only those', async () => {
    expect(doc('limits.md')).toMatch(/attributes at the creation of a span[^.]*prefer/);
    const seen: unknown[] = [];
    const sampler = {
      shouldSample: (...[, , , , attributes]: unknown[]) => {
        seen.push({ ...(attributes as object) });
        return { decision: 2 };
      },
    };
    const { attributes } = await one((span) => span.setAttribute('later', 2), {
      options: { sampler },
      atStart: { attributes: { early: 1 } },
    });
    expect(seen).toEqual([{ early: 1 }]);
    expect(attributes).toEqual({ early: 1, later: 2 });
  });
});

describe('SpanLimits', () => {
  it('attribute collection size limit: 128 by default, the first stay, the rest is counted', async () => {
    const byDefault = await one((span) => span.setAttributes(numbered(130)));
    expect(byDefault.attributes).toEqual(numbered(128));
    expect(byDefault.droppedAttributesCount).toBe(2);
    const limited = await one(
      (span) => {
        span.setAttribute('k1', 'again').setAttribute('c', 1);
      },
      { options: { limits: { attributes: 2 } }, atStart: { attributes: numbered(3) } },
    );
    expect(limited.attributes).toEqual({ k0: 0, k1: 'again' });
    expect(limited.droppedAttributesCount).toBe(2);
  });

  it('events collection size limit: 128 by default, the rest is counted', async () => {
    const add = (count: number) => (span: Span) => {
      for (let i = 0; i < count; i++) span.addEvent(`e${i}`);
    };
    const byDefault = await one(add(131));
    expect(byDefault.events).toHaveLength(128);
    expect(byDefault.droppedEventsCount).toBe(3);
    const limited = await one(add(3), { options: { limits: { events: 2 } } });
    expect(limited.events.map(({ name }) => name)).toEqual(['e0', 'e1']);
    expect(limited.droppedEventsCount).toBe(1);
  });

  it('links collection size limit: 128 by default, the rest is counted', async () => {
    const links = Array.from({ length: 131 }, (_, i) => ({ context, attributes: { i } }));
    const byDefault = await one((span) => span.addLinks(links.slice(1)), {
      atStart: { links: links.slice(0, 1) },
    });
    expect(byDefault.links.map(({ attributes }) => attributes['i'])).toEqual([
      ...Array(128).keys(),
    ]);
    expect(byDefault.droppedLinksCount).toBe(3);
    const limited = await one((span) => span.addLinks(links.slice(0, 3)), {
      options: { limits: { links: 2 } },
    });
    expect(limited.links).toHaveLength(2);
    expect(limited.droppedLinksCount).toBe(1);
  });

  it('each event and each link has a limit of its own', async () => {
    const { events, links } = await one(
      (span) => span.addEvent('e', numbered(4)).addLink({ context, attributes: numbered(4) }),
      { options: { limits: { attributesPerEvent: 3, attributesPerLink: 1, attributes: 0 } } },
    );
    expect(events[0]).toMatchObject({ attributes: numbered(3), droppedAttributesCount: 1 });
    expect(links[0]).toMatchObject({ attributes: numbered(1), droppedAttributesCount: 3 });
  });

  it('may be raised: thousands of attributes, each of which can be set again', async () => {
    const count = 5000;
    const { attributes, droppedAttributesCount } = await one(
      (span) => {
        span.setAttributes(numbered(count + 1));
        for (let i = count - 1; i >= 0; i -= 2) span.setAttribute(`k${i}`, -i);
      },
      { options: { limits: { attributes: count }, ringBytes: 1 << 24 } },
    );
    const expected = Array.from({ length: count }, (_, i) => [`k${i}`, i % 2 ? -i : i]);
    expect(attributes).toEqual(Object.fromEntries(expected));
    expect(droppedAttributesCount).toBe(1);
  });
});

describe('Attribute Limits', () => {
  const limited = (value: unknown, limits: NonNullable<StartOptions['limits']>) =>
    one((span) => span.setAttribute('k', any(value)).addEvent('e', any({ k: value })), {
      options: { limits },
    }).then(({ attributes, events }) => {
      expect(events[0]?.attributes).toEqual(attributes);
      return attributes['k'];
    });

  it('AttributeValueLengthLimit cuts strings and bytes, in arrays and maps too, and nothing else', async () => {
    const value = {
      long: 'long text',
      short: 'abc',
      list: ['long text', ['long text'], 123456],
      map: { 'a long key': 'long text' },
      bytes: new Uint8Array([1, 2, 3, 4, 5]),
      number: 123456,
      flag: true,
    };
    expect(await limited(value, { attributeValueLength: 4 })).toEqual({
      long: 'long',
      short: 'abc',
      list: ['long', ['long'], 123456],
      map: { 'a long key': 'long' },
      bytes: new Uint8Array([1, 2, 3, 4]),
      number: 123456,
      flag: true,
    });
    expect(await limited('text', { attributeValueLength: 0 })).toBe('');
    expect(await limited('x'.repeat(70_000), {})).toBe('x'.repeat(70_000));
  });

  it('AttributeValueLengthLimit counts characters and halves none', async () => {
    const cut = (text: string, attributeValueLength: number) =>
      limited(text, { attributeValueLength });
    expect(await cut('🎉🎉🎉', 3)).toBe('🎉🎉🎉');
    expect(await cut('🎉🎉🎉🎉', 3)).toBe('🎉🎉🎉');
    expect(await cut('a🎉b🎉c', 4)).toBe('a🎉b🎉');
    expect(await cut('äöüß', 3)).toBe('äöü');
    expect(await cut('\ud800\ud800\ud800', 2)).toBe('\ufffd\ufffd');
    expect(await cut('\udc00\ud83c\udf89x', 2)).toBe('\ufffd🎉');
  });

  const nest = (wrap: (inner: unknown) => unknown, levels: number, core: unknown = 'core') => {
    let value = core;
    for (let i = 0; i < levels; i++) value = wrap(value);
    return value;
  };
  const WRAPS: [string, (inner: unknown) => unknown][] = [
    ['arrays', (inner) => [inner]],
    ['maps', (inner) => ({ inner })],
    ['arrays of maps', (inner) => [{ inner }, 'beside']],
  ];

  it.each(WRAPS)(
    'AttributeValueDepthLimit: %s deeper than 64 are empty values',
    async (_, wrap) => {
      const per = Array.isArray(wrap(0)) && typeof (wrap(0) as unknown[])[0] === 'object' ? 2 : 1;
      expect(await limited(nest(wrap, 64 / per), {})).toEqual(nest(wrap, 64 / per));
      // Plain values are at any depth; the array or map that is too deep is replaced.
      expect(await limited(nest(wrap, 64 / per, ['too deep']), {})).toEqual(
        nest(wrap, 64 / per, null),
      );
      expect(await limited(nest(wrap, 64 / per, new Uint8Array(2)), {})).toEqual(
        nest(wrap, 64 / per, new Uint8Array(2)),
      );
    },
  );

  it('AttributeValueDepthLimit can be changed', async () => {
    const value = { a: [1, { b: [2] }], c: 'text' };
    const cut = (attributeValueDepth: number) => limited(value, { attributeValueDepth });
    expect(await cut(1)).toEqual({ a: null, c: 'text' });
    expect(await cut(2)).toEqual({ a: [1, null], c: 'text' });
    expect(await cut(3)).toEqual({ a: [1, { b: null }], c: 'text' });
    expect(await cut(4)).toEqual(value);
  });

  it.each(ENGINE_NAMES)(
    'AttributeValueDepthLimit: the deepest arrives whole from %s',
    async (engine) => {
      const { spans, telemetry } = await (async () => {
        const { arrived, tracer, telemetry } = started({
          engine,
          limits: { attributeValueDepth: 100 },
        });
        const span = tracer.startSpan('s');
        for (const [name, wrap] of WRAPS.slice(0, 2)) {
          span
            .setAttribute(name, any(nest(wrap, 100)))
            .setAttribute(`${name} +`, any(nest(wrap, 101)));
        }
        span.addEvent('e', any({ k: nest(WRAPS[1]![1], 100) })).end();
        return { spans: await arrived(), telemetry };
      })();
      expect(telemetry.health().engine.name).toBe(engine);
      expect(spans).toHaveLength(1);
      for (const [name, wrap] of WRAPS.slice(0, 2)) {
        expect(spans[0]?.attributes[name]).toEqual(nest(wrap, 100));
        expect(spans[0]?.attributes[`${name} +`]).toEqual(nest(wrap, 100, null));
      }
      expect(spans[0]?.events[0]?.attributes['k']).toEqual(nest(WRAPS[1]![1], 100));
    },
  );

  it('values that contain themselves end at the limit, or are dropped and counted', async () => {
    const once: unknown[] = ['x'];
    once.push(once);
    const twice: unknown[] = [];
    twice.push(twice, twice);
    const { attributes, droppedAttributesCount } = await one(
      (span) => span.setAttributes({ once: any(once), twice: any(twice), after: 1 }),
      { options: { limits: { attributeValueDepth: 3 } } },
    );
    expect(attributes['once']).toEqual(['x', ['x', ['x', null]]]);
    expect(attributes['after']).toBe(1);
    const byDefault = await one((span) => span.setAttribute('twice', any(twice)));
    expect(byDefault).toMatchObject({ attributes: {}, droppedAttributesCount: 1 });
    expect(droppedAttributesCount).toBe(0);
  });

  it('resources and scopes are exempt', async () => {
    const many = { ...numbered(200), long: 'x'.repeat(100) };
    const { arrived, telemetry } = started({
      limits: { attributes: 1, attributeValueLength: 2, attributeValueDepth: 1 },
      resource: many,
    });
    const tracer = telemetry.tracerProvider.getTracer('t', '', any({ attributes: many }));
    tracer.startSpan('s', { attributes: many }).end();
    const [span] = await arrived();
    expect(span?.resource.attributes).toMatchObject(many);
    expect(span?.scope.attributes).toEqual(many);
    expect(span).toMatchObject({ attributes: { k0: 0 }, droppedAttributesCount: 200 });
  });
});

describe('limits in the environment', () => {
  const all = (span: Span) => {
    const attributes = { a: 'long text', b: 'x', c: 3 };
    span.setAttributes(attributes);
    for (let i = 0; i < 3; i++) span.addEvent('e', attributes).addLink({ context, attributes });
  };
  const kept = async (env: Record<string, string>, limits?: StartOptions['limits']) => {
    const { attributes, events, links } = await one(all, {
      env,
      options: { limits: limits ?? {} },
    });
    return {
      attributes: Object.keys(attributes).length,
      events: events.length,
      links: links.length,
      perEvent: Object.keys(events[0]?.attributes ?? {}).length,
      perLink: Object.keys(links[0]?.attributes ?? {}).length,
      lengths: [attributes, events[0]?.attributes, links[0]?.attributes].map(
        (some) => `${some?.['a']}`.length,
      ),
    };
  };
  const ALL = { attributes: 3, events: 3, links: 3, perEvent: 3, perLink: 3, lengths: [9, 9, 9] };

  it.each<[string, string, Partial<typeof ALL>]>([
    ['OTEL_ATTRIBUTE_COUNT_LIMIT', '2', { attributes: 2, perEvent: 2, perLink: 2 }],
    ['OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT', '4', { lengths: [4, 4, 4] }],
    ['OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', '2', { attributes: 2 }],
    ['OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT', '4', { lengths: [4, 4, 4] }],
    ['OTEL_SPAN_EVENT_COUNT_LIMIT', '2', { events: 2 }],
    ['OTEL_SPAN_LINK_COUNT_LIMIT', '2', { links: 2 }],
    ['OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT', '2', { perEvent: 2 }],
    ['OTEL_LINK_ATTRIBUTE_COUNT_LIMIT', '2', { perLink: 2 }],
  ])('%s', async (name, value, expected) => {
    expect(await kept({})).toEqual(ALL);
    expect(await kept({ [name]: value })).toEqual({ ...ALL, ...expected });
  });

  it('of one kind come before the general ones, options before all', async () => {
    const env = {
      OTEL_ATTRIBUTE_COUNT_LIMIT: '1',
      OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '2',
      OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT: '3',
      OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '1',
      OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: '2',
    };
    expect(await kept(env)).toEqual({
      ...ALL,
      ...{ attributes: 2, perEvent: 3, perLink: 1, lengths: [2, 2, 2] },
    });
    const limits = { attributes: 3, attributesPerLink: 3, attributeValueLength: 5 };
    expect(await kept(env, limits)).toEqual({ ...ALL, lengths: [5, 5, 5] });
  });
});
