import { describe, expect, it } from 'vitest';
import { describeSpans, difference } from './compare.mjs';

const TRACE = 'a'.repeat(32);

const string = (value: string) => ({ type: 'string', value });
const int = (value: number) => ({ type: 'int', value: BigInt(value) });

function span(changes: Record<string, unknown> = {}) {
  return {
    traceId: TRACE,
    spanId: '1'.repeat(16),
    parentSpanId: '',
    traceState: '',
    flags: 0x101,
    name: 'GET',
    kind: 3,
    startTimeUnixNano: 5n,
    endTimeUnixNano: 9n,
    attributes: [{ key: 'n', value: int(1) }],
    droppedAttributesCount: 0,
    events: [{ name: 'e', attributes: [], droppedAttributesCount: 0 }],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    status: { code: 2, message: 'no' },
    scope: {
      name: 'lib',
      version: '1',
      schemaUrl: '',
      attributes: [],
      droppedAttributesCount: 0,
    },
    ...changes,
  };
}

const root = span();
const child = span({ spanId: '2'.repeat(16), parentSpanId: root.spanId, name: 'child' });
const link = {
  traceId: TRACE,
  spanId: root.spanId,
  traceState: '',
  flags: 0x101,
  attributes: [],
  droppedAttributesCount: 0,
};

const compared = (a: unknown[], b: unknown[]) => difference(describeSpans(a), describeSpans(b));

describe('comparing the spans of two runs', () => {
  it.each([
    ['ids', [root, child], [renamed(root), renamed(child)]],
    ['order', [root, child], [child, root]],
    ['times', [root], [span({ startTimeUnixNano: 70n, endTimeUnixNano: 71n })]],
    ['the random flag', [root], [span({ flags: 0x103 })]],
    ['ports', [withAttribute('server.port', int(1))], [withAttribute('server.port', int(2))]],
    [
      'ports in texts',
      [withAttribute('url', string('http://127.0.0.1:4001/a'))],
      [withAttribute('url', string('http://127.0.0.1:4002/a'))],
    ],
    [
      'stack frames',
      [withAttribute('exception.stacktrace', string('E: x\n    at a\n    at b'))],
      [withAttribute('exception.stacktrace', string('E: x\n    at c'))],
    ],
  ])('takes %s for the same', (_what, a, b) => {
    expect(compared(a, b)).toEqual([]);
  });

  it.each([
    ['name', { name: 'POST' }],
    ['kind', { kind: 2 }],
    ['status', { status: { code: 1, message: '' } }],
    ['status message', { status: { code: 2, message: 'yes' } }],
    ['attribute', { attributes: [{ key: 'n', value: int(2) }] }],
    ['type of an attribute', { attributes: [{ key: 'n', value: { type: 'double', value: 1 } }] }],
    ['missing attribute', { attributes: [] }],
    ['key that is there twice', { attributes: [...root.attributes, ...root.attributes] }],
    ['dropped attributes', { droppedAttributesCount: 1 }],
    ['missing event', { events: [] }],
    ['name of an event', { events: [{ ...root.events[0], name: 'f' }] }],
    ['attribute of an event', { events: [{ ...root.events[0], attributes: root.attributes }] }],
    ['link', { links: [link] }],
    ['scope version', { scope: { ...root.scope, version: '2' } }],
    ['sampled flag', { flags: 0x100 }],
    ['flag for a remote parent', { flags: 0x301 }],
    ['trace state', { traceState: 'a=b' }],
    ['id of zeros', { traceId: '0'.repeat(32) }],
    ['end before the start', { endTimeUnixNano: 1n }],
    ['missing start', { startTimeUnixNano: 0n }],
    ['parent that did not arrive', { parentSpanId: '3'.repeat(16) }],
  ])('finds another %s', (_what, changes) => {
    expect(compared([root], [span(changes)])).not.toEqual([]);
  });

  it('finds a span too many, another parent, another trace, another link', () => {
    expect(compared([root], [root, child])).not.toEqual([]);
    const orphan = { ...child, parentSpanId: '' };
    expect(compared([root, child], [root, orphan])).not.toEqual([]);
    const elsewhere = { ...orphan, traceId: 'b'.repeat(32) };
    expect(compared([root, orphan], [root, elsewhere])).not.toEqual([]);
    const linked = (spanId: string) => span({ links: [{ ...link, spanId }] });
    expect(compared([linked(root.spanId), child], [linked(child.spanId), child])).not.toEqual([]);
  });

  it('marks what only one has', () => {
    const lines = compared([root], [span({ name: 'POST' })]);
    expect(lines.filter((line: string) => !line.startsWith(' '))).toEqual(['-   GET', '+   POST']);
  });

  it('tells a missing stack from one with frames', () => {
    const stack = (text: string) => [withAttribute('exception.stacktrace', string(text))];
    expect(compared(stack('E: x\n    at a'), stack('E: x'))).not.toEqual([]);
    expect(compared(stack('E: x\n    at a'), stack('E: y\n    at a'))).not.toEqual([]);
  });
});

function withAttribute(key: string, value: unknown) {
  return span({ attributes: [{ key, value }] });
}

function renamed({ spanId, parentSpanId, ...rest }: ReturnType<typeof span>) {
  const other = (id: string) => id.replaceAll('1', '7').replaceAll('2', '8');
  const ids = { spanId: other(spanId), parentSpanId: other(parentSpanId) };
  return { ...rest, ...ids, traceId: 'c'.repeat(32) };
}
