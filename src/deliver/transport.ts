/**
 * What travels and what may come back. A transport is the only thing that differs between
 * protocols and hosts; everything above it is the same for all.
 */

import type { BodyEncoding as Encoding } from '../compress/encoding.ts';
import type { HttpEndpoint } from './endpoint.ts';

export const SIGNALS = ['traces', 'metrics', 'logs', 'profiles'] as const;

export type Signal = (typeof SIGNALS)[number];

/** Signals that this package records. */
export type RecordedSignal = Exclude<Signal, 'profiles'>;

/** A Content-Encoding, in gRPC a grpc-encoding (where `snappy` is framed). */
export type { Encoding };

/** One encoded request. Immutable: encoded once, compressed once, whatever happens on the wire. */
export interface Payload {
  readonly signal: Signal;
  /** The request body as it goes on the wire. Never a view of engine memory. */
  readonly body: Uint8Array;
  /** The body's Content-Encoding; `identity` sends no such header. */
  readonly encoding: Encoding;
  readonly contentType: string;
  /** Records inside: spans, log records, data points. */
  readonly records: number;
  /** Size before compression, bytes. */
  readonly rawBytes: number;
}

/** How one attempt ended. Failures are values here, never exceptions. */
export type Outcome =
  /** Accepted whole. `warning` is the server's message when it accepted with one. */
  | { readonly kind: 'delivered'; readonly warning?: string }
  /** Accepted in part; `rejected` records were not. Never retried (OTLP: Partial Success). */
  | { readonly kind: 'partial'; readonly rejected: number; readonly message: string }
  /**
   * Worth another attempt: after the back-off, and not before `delayMs` when the server said so
   * (Retry-After). `atOnce`: the pooled connection had gone stale while idle, which says nothing
   * about the endpoint; send again without waiting.
   */
  | {
      readonly kind: 'retryable';
      readonly reason: string;
      readonly delayMs?: number;
      readonly atOnce?: boolean;
    }
  /** Refused for good, unless the payload can be sent in the form that `remedy` names. */
  | {
      readonly kind: 'rejected';
      readonly reason: string;
      readonly status?: number;
      readonly remedy?: Remedy;
    };

/**
 * What may help where a payload is refused as it is: `split`, it is too large (HTTP 413);
 * `recode`, its encoding is not understood (HTTP 415, or a 400 to a compressed one).
 */
export type Remedy = 'split' | 'recode';

/** What is made of a payload that is refused as it is: its halves, or the same in that encoding. */
export type Form = 'split' | 'gzip' | 'identity';

/** Answers that are worth another attempt. */
export interface RetryableAnswers {
  /** HTTP statuses. Default 429, 502, 503 and 504 (OTLP/HTTP: Retryable Response Codes). */
  readonly httpStatuses: readonly number[];
  /**
   * Names of gRPC codes. Default CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE and
   * DATA_LOSS (OTLP/gRPC: Failures); RESOURCE_EXHAUSTED always is one with a RetryInfo.
   */
  readonly grpcCodes: readonly string[];
}

/** Connections of a transport at this moment. */
export interface Connections {
  /**
   * - `idle`: none is open, and none is needed.
   * - `connecting`: the first one is being made.
   * - `ready`: at least one is open.
   * - `failing`: the last one could not be made, or broke.
   */
  readonly state: 'idle' | 'connecting' | 'ready' | 'failing';
  readonly open: number;
  /** Of those, how many have requests on them. */
  readonly busy: number;
}

export interface Transport {
  /** What `health()` shows as its endpoint, where that is no URL: `console`, `file:traces.jsonl`. */
  readonly name?: string;
  /** Whatever is configured, bodies come uncompressed: what reads them here would only inflate them. */
  readonly compression?: 'none';
  /** Where it speaks gRPC: encodings have other names there. */
  readonly protocol?: 'grpc';
  /** Sends one payload once. Resolves with how it ended and never rejects. */
  send(payload: Payload): Promise<Outcome>;
  /** The state of its connections, where it has its own. */
  connections?(): Connections | undefined;
  /** Closes pooled connections. Attempts in flight are cut and resolve `retryable`. */
  close(): void;
}

/** Makes an agent for `http:` or `https:`. */
export type MakeAgent = (protocol: string) => object | Promise<object>;

/** What a host needs to know to make a transport for one endpoint. */
export interface TransportOptions {
  /** Full URL requests are posted to, e.g. `http://localhost:4318/v1/traces`. */
  readonly url: string;
  /** The same for each of several signals, which differ in path and query only. Default `url` for all. */
  readonly urls?: Partial<Record<Signal, string>>;
  readonly headers: Readonly<Record<string, string>>;
  /** Asked before every attempt for the endpoint as it is then, or for why there is none. */
  readonly askEndpoint?: (signal: Signal) => Promise<HttpEndpoint | Outcome>;
  /**
   * On Node: options of the `http.Agent` or `https.Agent` that pools connections, TLS included; or
   * an agent, which stays its maker's to destroy; or what makes one, for a protocol.
   */
  readonly agent?: object | MakeAgent;
  /** Answers worth another attempt. */
  readonly retryable?: Partial<RetryableAnswers>;
  /** The User-Agent; empty sends none (browsers set their own, and ours would cost a preflight). */
  readonly userAgent: string;
  /** One attempt's time limit in milliseconds, connecting included. */
  readonly timeoutMs: number;
  /** Connections kept open at most. */
  readonly maxConnections: number;
  /** Response bytes read at most, after decompression; more is a non-retryable failure. */
  readonly maxResponseBytes: number;
}
