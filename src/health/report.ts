import type { Detection } from '../api/resource/detection.ts';
import type { Deliver, DeliverStats, DropCause } from '../deliver/deliver.ts';
import type { Connections, Encoding } from '../deliver/transport.ts';
import type { EngineName } from '../engine/select.ts';
import type { Pipeline } from '../pipeline.ts';

/** Why spans were given up; each span that was recorded and not sent is under one of these. */
export type TraceDropCause = keyof Pipeline['dropped'] | DropCause;

/**
 * The state of one signal. At any moment
 * `recorded = sent + rejected + queued + the sum of dropped`.
 */
export interface SignalHealth {
  /** Spans that ended and were to be exported. */
  readonly recorded: number;
  /** In the ring, being compressed, waiting or in flight. */
  readonly queued: number;
  /** Accepted by the server. */
  readonly sent: number;
  /** Refused by the server for good, those of partial successes included. */
  readonly rejected: number;
  readonly dropped: Readonly<Record<TraceDropCause, number>>;
  /** Calls on spans that had ended; they did nothing. */
  readonly lateCalls: number;
  /** Bytes of accepted requests before compression. */
  readonly bytesRaw: number;
  /** Bytes of accepted requests as sent. */
  readonly bytesCompressed: number;
  readonly requests: number;
  readonly retries: number;
}

/** What `telemetry.health()` answers. Holds no secrets. */
export interface Health {
  readonly engine: { readonly name: EngineName | 'loading'; readonly reason: string };
  readonly signals: { readonly traces: SignalHealth };
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
    readonly ring: { readonly bytes: number; readonly used: number; readonly records: number };
    readonly strings: { readonly strings: number; readonly bytes: number; readonly epoch: number };
    /** Bodies of requests waiting or in flight, bytes. */
    readonly queueBytes: number;
  };
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

/** Adds up what the pipeline and delivery have counted. */
export function traceHealth(pipeline: Pipeline, deliver: Deliver): SignalHealth {
  const stats = deliver.stats();
  return {
    recorded: pipeline.recorded,
    queued: pipeline.queued + stats.queuedRecords,
    sent: stats.sent,
    rejected: stats.rejected,
    dropped: { ...pipeline.dropped, ...stats.dropped },
    lateCalls: pipeline.late.calls,
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
