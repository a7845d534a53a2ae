import type { Decoded } from './decode.ts';
import { countDecoded, keptOf } from './points.ts';
import type {
  ReceivedLogRecord,
  ReceivedMetric,
  ReceivedRequest,
  ReceivedSpan,
} from './received.ts';

/** What the store may hold; the oldest requests go first, with all that came in them. */
export interface StoreLimits {
  readonly maxSpans: number;
  readonly maxBytes: number;
  readonly maxRequests: number;
}

/** Requests kept besides the limit on their bytes: refused and empty ones weigh nothing. */
export const MAX_REQUESTS = 10_000;

interface Entry {
  readonly request: ReceivedRequest;
  decoded: Decoded;
}

/** A bounded queue of requests. Log records and data points count against `maxSpans` like spans. */
export interface Store {
  add(request: ReceivedRequest, decoded: Decoded): void;
  clear(): void;
  spans(): ReceivedSpan[];
  logRecords(): ReceivedLogRecord[];
  metrics(): ReceivedMetric[];
  requests(): ReceivedRequest[];
  evicted(): { requests: number; records: number };
}

export function createStore(limits: StoreLimits): Store {
  let entries: Entry[] = [];
  let records = 0;
  let bytes = 0;
  const evicted = { requests: 0, records: 0 };

  function evict(): void {
    let first = 0;
    const over = () =>
      records > limits.maxSpans ||
      bytes > limits.maxBytes ||
      entries.length - first > limits.maxRequests;
    while (first < entries.length - 1 && over()) {
      const entry = entries[first++]!;
      records -= countDecoded(entry.decoded);
      bytes -= bytesOf(entry.request);
      evicted.records += countDecoded(entry.decoded);
      evicted.requests++;
    }
    entries.splice(0, first);
    // One request alone is more than the store holds: keep its newest records.
    const last = entries[0];
    if (last !== undefined && records > limits.maxSpans) {
      const excess = records - limits.maxSpans;
      last.decoded = keptOf(last.decoded, excess, records);
      records -= excess;
      evicted.records += excess;
    }
  }

  return {
    add(request, decoded) {
      entries.push({ request, decoded });
      records += countDecoded(decoded);
      bytes += bytesOf(request);
      evict();
    },
    clear() {
      entries = [];
      records = bytes = evicted.requests = evicted.records = 0;
    },
    spans: () => entries.flatMap(({ decoded }) => decoded.spans),
    logRecords: () => entries.flatMap(({ decoded }) => decoded.logRecords),
    metrics: () => entries.flatMap(({ decoded }) => decoded.metrics),
    requests: () => entries.map((entry) => entry.request),
    evicted: () => ({ ...evicted }),
  };
}

/** Decoded objects take several times the bytes they came in; a kept body takes its own. */
function bytesOf({ rawBytes, body }: ReceivedRequest): number {
  return rawBytes + (body?.length ?? 0);
}
