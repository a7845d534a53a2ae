/**
 * What the core needs from the runtime it is on. One implementation per host lives in
 * `src/runtime/<host>/`; nothing else may name a host.
 */

import type { ContextManager, Sampler, TextMapPropagator } from '@opentelemetry/api';
import type { ResourceDetector, Surroundings } from '../api/resource/detector.ts';
import type { Encoding, LateCompressor } from '../compress/compress.ts';
import type { LateParts } from '../compress/policy.ts';
import type { Remake } from '../deliver/deliver.ts';
import type { RecordedSignal, Transport, TransportOptions } from '../deliver/transport.ts';
import type { MetricsExports } from '../engine/generated/contract.ts';
import type { EngineSources } from '../engine/select.ts';
import type { Variables } from '../options/env.ts';
import type { PrometheusReader } from '../prometheus/reader.ts';

export interface Host extends Surroundings {
  /** For messages and `health()`: `node`, `deno`, `bun`, `browser`, `workerd`, `edge`. */
  readonly name: string;
  /** Monotonic milliseconds with a fraction, from any origin. */
  now(): number;
  /** Monotonic seconds and nanoseconds from any origin, where that is faster than `now()`. */
  readonly hrtime?: () => [number, number];
  /** Milliseconds since the Unix epoch, by the wall clock. */
  unixNow(): number;
  /** Unix milliseconds, with a fraction, at the zero of `now()`, as far as the host knows. */
  originMs(): number;
  /**
   * Calls back once after `delayMs`. The timer does not keep the process alive unless
   * `keepAlive`. Returns a function that cancels it.
   */
  setTimer(callback: () => void, delayMs: number, keepAlive?: boolean): () => void;
  /** Calls back soon, after the current tick's work, without keeping the process alive. */
  soon(callback: () => void): void;
  /** Compresses with the host's own gzip, for engines that have none. */
  gzip(bytes: Uint8Array<ArrayBuffer>): Uint8Array | Promise<Uint8Array>;
  /**
   * Encodings, besides gzip, that the host makes by itself whatever the engine, so that the binary
   * `codecs` is not needed for them. Default none.
   */
  readonly native?: readonly Encoding[];
  /** What compresses as gzip by the core does not. Loaded when it is first called; may reject. */
  compressor(parts: LateParts): Promise<LateCompressor>;
  /** Makes other payloads of one that was refused as it is. Loaded when it is first called. */
  readonly remake: Remake;
  /** A transport for OTLP/HTTP. */
  httpTransport(options: TransportOptions): Transport;
  /** A transport for OTLP/gRPC, where the host has HTTP/2. */
  grpcTransport?(options: TransportOptions): Transport;
  /**
   * The transport that the environment asks for in place of OTLP's for a signal, where the host can
   * have it so: undefined for OTLP, `none` when nothing is to be sent.
   */
  exporter?(
    signal: RecordedSignal,
    env: Host['env'],
    warn: (line: string) => void,
    wired: WiredExporters,
  ): Transport | 'none' | undefined;
  /**
   * Makes a reader that Prometheus asks, for `OTEL_METRICS_EXPORTER`. Loaded when it is called.
   */
  prometheus?(): Promise<PrometheusReader>;
  /** Options of the agent that the environment asks for (`TransportOptions.agent`). */
  agentFromEnv?(env: Host['env'], warn: (line: string) => void, signal?: RecordedSignal): object;
  /** What the environment says for options that are left out, where the host has one. */
  variables?(env: Host['env'], warn: (line: string) => void, signal?: RecordedSignal): Variables;
  /** A new context manager, the best the host can have. */
  contextManager(): HostContext;
  /** Where the engines' binaries come from on this host. */
  readonly engines: EngineSources;
  /** The same for the binary `metrics`, which is opened by the first meter. */
  readonly metrics: EngineSources<MetricsExports>;
  /** Resource detectors of this host, which are all asked unless others are wanted. */
  readonly detectors: readonly ResourceDetector[];
  /**
   * The propagator that the environment asks for, where the host can have it so: undefined for
   * the default.
   */
  propagator?(env: Host['env'], warn: (line: string) => void): TextMapPropagator | undefined;
  /**
   * The sampler that the environment asks for, where the host can have it so: undefined for the
   * default. What polls is ended by `shutdown`.
   */
  sampler?(
    env: Host['env'],
    warn: (line: string) => void,
    serviceName: string,
  ): (Sampler & { shutdown?(): void }) | undefined;
  /** Shows one line to whoever runs the program (stderr, console.warn). */
  warn(line: string): void;
  /**
   * Watches for the end of the process or page. `flush` is called when there is still time for
   * asynchronous work, `lost` when there is none; returns a function that stops watching.
   */
  onExit(hooks: ExitHooks): () => void;
}

/** What an exporter named by the environment is where it is not the host's. */
export interface WiredExporters {
  readonly otlp: () => Transport;
  /**
   * Called once where metrics are to be exposed to Prometheus, which asks for them: nothing is sent.
   * Without it that name is not known.
   */
  readonly prometheus?: () => void;
}

/** A context manager, and what `health()` says of it; both may change as the host loads more. */
export interface HostContext {
  readonly manager: ContextManager;
  /** Follows asynchronous work, or only the call stack. */
  readonly kind: 'async-local-storage' | 'stack';
  /** Where it comes from, or what stands in the way of a better one. */
  readonly reason: string;
}

export interface ExitHooks {
  /**
   * Delivers what is queued; resolves when done, or when its deadline passes: with `false` then,
   * and is not asked again at this exit.
   */
  flush(): Promise<boolean>;
  /**
   * Last synchronous call: count and show what cannot be delivered any more. May come twice;
   * what has been shown is not shown again.
   */
  lost(): void;
}
