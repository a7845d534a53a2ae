import type { ReceivedSpan } from '../../../src/workbench/collector/index.ts';

export interface SpanSketch {
  readonly parent?: string;
  readonly name?: string;
  readonly service?: string;
  readonly error?: boolean;
  /** Names of events and when they happened, in milliseconds like `fromMs`. */
  readonly events?: readonly (readonly [string, number])[];
}

const EPOCH = 1_700_000_000_000_000_000n;

const nano = (ms: number) => EPOCH + BigInt(Math.round(ms * 1e6));

/** A received span that lasted from `fromMs` to `toMs` of some trace. */
export function receivedSpan(
  spanId: string,
  [fromMs, toMs]: readonly [number, number],
  sketch: SpanSketch = {},
): ReceivedSpan {
  const { parent = '', name = spanId, service = 'shop', error = false, events = [] } = sketch;
  const none = { droppedAttributesCount: 0, attributes: {} };
  return {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    ...{ spanId, parentSpanId: parent, traceState: '', flags: 1, name, kind: 1 },
    ...{ startTimeUnixNano: nano(fromMs), endTimeUnixNano: nano(toMs), ...none },
    events: events.map(([event, ms]) => ({ timeUnixNano: nano(ms), name: event, ...none })),
    ...{ droppedEventsCount: 0, links: [], droppedLinksCount: 0 },
    status: { code: error ? 2 : 0, message: '' },
    scope: { name: '', version: '', schemaUrl: '', ...none },
    resource: { ...none, attributes: { 'service.name': service }, entityRefs: [], schemaUrl: '' },
  };
}
