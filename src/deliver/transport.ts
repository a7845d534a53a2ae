/**
 * What travels and what may come back. A transport is the only thing that differs between
 * protocols and hosts; everything above it is the same for all.
 */

import type { HttpEndpoint } from './endpoint.ts';

export type Signal = 'traces';

/** One encoded request. Immutable: encoded once, compressed once, whatever happens on the wire. */
export interface Payload {
  readonly signal: Signal;
  /** The request body as it goes on the wire. Never a view of engine memory. */
  readonly body: Uint8Array;
  /** The body's Content-Encoding; `identity` sends no such header. */
  readonly encoding: 'identity' | 'gzip';
  readonly contentType: string;
  /** Records (spans) inside. */
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
  /** Refused for good. */
  | { readonly kind: 'rejected'; readonly reason: string; readonly status?: number };

export interface Transport {
  /** What `health()` shows as its endpoint, where that is no URL: `console`, `file:traces.jsonl`. */
  readonly name?: string;
  /** Whatever is configured, bodies come uncompressed: what reads them here would only inflate them. */
  readonly compression?: 'none';
  /** Sends one payload once. Resolves with how it ended and never rejects. */
  send(payload: Payload): Promise<Outcome>;
  /** Closes pooled connections. Attempts in flight are cut and resolve `retryable`. */
  close(): void;
}

/** Makes an agent for `http:` or `https:`. */
export type MakeAgent = (protocol: string) => object | Promise<object>;

/** What a host needs to know to make a transport for one endpoint. */
export interface TransportOptions {
  /** Full URL requests are posted to, e.g. `http://localhost:4318/v1/traces`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Asked before every attempt for the endpoint as it is then, or for why there is none. */
  readonly askEndpoint?: () => Promise<HttpEndpoint | Outcome>;
  /**
   * On Node: options of the `http.Agent` or `https.Agent` that pools connections, TLS included; or
   * an agent, which stays its maker's to destroy; or what makes one, for a protocol.
   */
  readonly agent?: object | MakeAgent;
  /** The User-Agent; empty sends none (browsers set their own, and ours would cost a preflight). */
  readonly userAgent: string;
  /** One attempt's time limit in milliseconds, connecting included. */
  readonly timeoutMs: number;
  /** Connections kept open at most. */
  readonly maxConnections: number;
  /** Response bytes read at most, after decompression; more is a non-retryable failure. */
  readonly maxResponseBytes: number;
}
