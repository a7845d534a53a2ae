import type { Detection } from '../api/resource/detection.ts';
import type { DeliverStats, DropCause, SignalStats } from '../deliver/deliver.ts';
import type { Connections, Encoding, RecordedSignal } from '../deliver/transport.ts';
import type { EngineName } from '../engine/select.ts';
import type { Pipeline } from '../pipeline.ts';

/** Why records were given up; each that was recorded and not sent is under one of these. */
export type RecordDropCause = keyof Pipeline['dropped'] | DropCause;

/**
 * The state of one signal. At any moment
 * `recorded = sent + rejected + queued + the sum of dropped`.
 */
export interface SignalHealth {
  /** Spans that ended, or log records that were emitted, and were to be exported; data points collected. */
  readonly recorded: number;
  /** In the ring, being compressed, waiting or in flight. */
  readonly queued: number;
  /** Accepted by the server. */
  readonly sent: number;
  /** Refused by the server for good, those of partial successes included. */
  readonly rejected: number;
  readonly dropped: Readonly<Record<RecordDropCause, number>>;
  /** Bytes of accepted requests before compression. */
  readonly bytesRaw: number;
  /** Bytes of accepted requests as sent. */
  readonly bytesCompressed: number;
  readonly requests: number;
  readonly retries: number;
}

export interface TraceHealth extends SignalHealth {
  /** Calls on spans that had ended; they did nothing. */
  readonly lateCalls: number;
}

/** Records are data points: of each collection as many as there are series. */
export interface MetricsHealth extends SignalHealth {
  /** Series there are at this moment. */
  readonly series: number;
  /** Measurements that are not where they belong, since start. */
  readonly measurements: {
    /** Counted with the overflow series, since there were too many series. */
    readonly overflowed: number;
    /** NaN, negative where that cannot be, or no number. */
    readonly invalid: number;
    /** Not counted at all. */
    readonly dropped: Readonly<Record<'engine_loading' | 'no_memory' | 'after_shutdown', number>>;
  };
  /** Memory of all series, and what there is for them at most (`metrics.maxBytes`). */
  readonly cells: { readonly usedBytes: number; readonly maxBytes: number };
}

/** What `telemetry.health()` answers. Holds no secrets. */
export interface Health {
  readonly engine: { readonly name: EngineName | 'loading'; readonly reason: string };
  readonly signals: {
    readonly traces: TraceHealth;
    readonly logs: SignalHealth;
    readonly metrics: MetricsHealth;
  };
  /** Resource detectors; what one finds that has `timed_out` or `failed` is missing. */
  readonly detectors: Detection['detectors'];
  readonly context: ContextHealth;
  readonly endpoints: readonly EndpointHealth[];
  /**
   * Values that option `redact` has kept back since start: left out, masked, masked in part.
   * Undefined without that option.
   */
  readonly redacted:
    | { readonly dropped: number; readonly masked: number; readonly rewritten: number }
    | undefined;
  readonly memory: {
    /** Linear memory of the engine, bytes. */
    readonly engineBytes: number;
    readonly ring: RingHealth;
    /** That of log records. */
    readonly logRing: RingHealth;
    readonly strings: { readonly strings: number; readonly bytes: number; readonly epoch: number };
    /** Bodies of requests waiting or in flight, bytes. */
    readonly queueBytes: number;
  };
}

export interface RingHealth {
  readonly bytes: number;
  readonly used: number;
  readonly records: number;
}

/** How the active span follows the program. */
export interface ContextHealth {
  /**
   * `async-local-storage` follows asynchronous work, `stack` only calls: a context ends at the
   * first `await`. `none`: not registered. `foreign`: another SDK's was registered first.
   */
  readonly manager: 'async-local-storage' | 'stack' | 'none' | 'foreign';
  readonly reason: string;
}

export interface EndpointHealth {
  /** What goes there; its URL is that of the first. */
  readonly signals?: readonly RecordedSignal[];
  /** Without user, password and query; of an exporter that has none, its name (`console`). */
  readonly url: string;
  readonly state: 'ok' | 'failing';
  readonly inFlight: number;
  /** Requests that may be in flight at this moment (`queue.concurrency`). */
  readonly limit: number;
  /** What requests are compressed with now; `identity`: they are not. */
  readonly encoding: Encoding;
  /** What it was found not to take (docs/compression.md). */
  readonly refusedEncodings: readonly Encoding[];
  /** Its connections, where the host tells of them (Node). */
  readonly connections: Connections | undefined;
  /** What the last failed attempt said. */
  readonly lastError: string | undefined;
  readonly lastWarning: string | undefined;
}

/** What `flush()` and `shutdown()` answer. */
export interface FlushReport {
  /** Everything recorded before the call was answered by the server or given up. */
  readonly complete: boolean;
  /** Totals since start. */
  readonly recorded: number;
  readonly sent: number;
  readonly rejected: number;
  readonly dropped: number;
  readonly queued: number;
  readonly lastError: string | undefined;
}

/** The state of the one endpoint that delivery has. */
export function endpointHealth(
  url: string,
  { encoding }: { readonly encoding: Encoding },
  stats: DeliverStats,
): EndpointHealth {
  const { failing, inFlight, limit, connections, lastError, lastWarning } = stats;
  const { refusedEncodings } = stats;
  const state = failing ? 'failing' : 'ok';
  return {
    ...{ url, state, inFlight, limit, encoding, refusedEncodings },
    ...{ connections, lastError, lastWarning },
  };
}

/** Adds up what a pipeline and delivery have counted. */
export function signalHealth(
  pipeline: Pick<Pipeline, 'recorded' | 'queued' | 'dropped'>,
  stats: SignalStats,
): SignalHealth {
  return {
    recorded: pipeline.recorded,
    queued: pipeline.queued + stats.queuedRecords,
    sent: stats.sent,
    rejected: stats.rejected,
    dropped: { ...pipeline.dropped, ...stats.dropped },
    bytesRaw: stats.sentRawBytes,
    bytesCompressed: stats.sentBytes,
    requests: stats.requests,
    retries: stats.retries,
  };
}

export function totalDropped({ dropped }: SignalHealth): number {
  return Object.values(dropped).reduce((sum, count) => sum + count, 0);
}

/** A URL as it may be shown. */
export function shownUrl(text: string): string {
  const url = new URL(text);
  return `${url.protocol}//${url.host}${url.pathname}`;
}
