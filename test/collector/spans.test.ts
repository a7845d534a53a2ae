import {
  AlwaysOnSampler,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { describe, expect, it } from 'vitest';
import { complaints, record, SCOPE, TRACES } from './spans.mjs';

/** As they would arrive when nothing goes wrong. */
function arrivedSpans() {
  const provider = new TracerProvider({
    sampler: new AlwaysOnSampler(),
    spanProcessors: [new SimpleSpanProcessor({ exporter: new InMemorySpanExporter() })],
  });
  const expected = record(provider.getTracer('any')) as Record<string, unknown>[];
  const resource = { attributes: { 'service.name': 'shop' } };
  const arrived = expected.map((span) => ({ ...structuredClone(span), resource, scope: SCOPE }));
  return { expected, arrived };
}

describe('what the suite against the official collector compares', () => {
  it('finds nothing when everything arrives, in whatever order', () => {
    const { expected, arrived } = arrivedSpans();
    expect(expected).toHaveLength(2 * TRACES);
    expect(complaints([...arrived].reverse(), expected, 'shop')).toEqual([]);
  });

  it.each([
    ['name', { name: 'other' }],
    ['attributes', { attributes: { n: 0 } }],
    ['startTimeUnixNano', { startTimeUnixNano: 1n }],
    ['parentSpanId', { parentSpanId: 'ffffffffffffffff' }],
    ['events', { events: [] }],
    ['links', { links: [] }],
    ['status', { status: { code: 1, message: '' } }],
    ['unknown', { unknown: 1 }],
    ['scope.version', { scope: { ...SCOPE, version: '2' } }],
    ['service.name', { resource: { attributes: {} } }],
  ])('finds another %s', (field, changed) => {
    const { expected, arrived } = arrivedSpans();
    Object.assign(arrived[0]!, changed);
    expect(complaints(arrived, expected, 'shop')).toEqual([
      expect.stringContaining(`GET /0 ${expected[0]!['spanId']}: ${field}: sent `),
    ]);
  });

  it('finds spans that are missing, or there twice, and does not go on for ever', () => {
    const { expected, arrived } = arrivedSpans();
    expect(complaints(arrived.slice(1), expected, 'shop')).toEqual([
      '599 spans arrived, 600 were sent',
      expect.stringMatching(/^GET \/0 \w{16}: did not arrive$/),
    ]);
    expect(complaints([...arrived, arrived[0]], expected, 'shop')).toHaveLength(1);
    const none = complaints([], expected, 'shop');
    expect(none).toHaveLength(11);
    expect(none.at(-1)).toBe('… and 591 more');
  });
});
