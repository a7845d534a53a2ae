import type { ContextManager } from '@opentelemetry/api';
import { gzipSync } from 'fflate';
import { StackContextManager } from '../api/context/stack.ts';
import type { ResourceDetector } from '../api/resource/detector.ts';
import type { Transport, TransportOptions } from '../deliver/transport.ts';
import * as portable from '../engine/generated/core-portable.js';
import * as portableMetrics from '../engine/generated/metrics-portable.js';
import { inlinedEngines } from '../engine/inlined.ts';
import { metricsSources } from '../engine/inlined-metrics.ts';
import type { EngineSources } from '../engine/select.ts';
import { variablesOf } from '../options/env.ts';
import type { ExitHooks, Host } from '../runtime/host.ts';
import { compressor } from '../runtime/web/late-compressor.ts';
import { remade } from '../slow-path.ts';
import { type InMemoryTransport, inMemoryTransport } from './in-memory-transport.ts';
import { inflated } from './inflated.ts';

/** What a fake host has that others have not; everything has a default. */
export interface FakeHostOptions {
  /** Environment variables. Default none. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What random numbers start from. Default 1. */
  readonly seed?: number;
  /** The wall clock at the start, Unix milliseconds. Default 2026-01-01T00:00:00Z. */
  readonly unixMs?: number;
  /** Engines in place of the real ones: sources that throw, or that load late. */
  readonly engines?: Partial<EngineSources>;
  /** Compression in place of a real and synchronous one. */
  readonly gzip?: Host['gzip'];
  /** Encodings that it makes by itself. Default none. */
  readonly native?: Host['native'];
  /** What compresses in other encodings than gzip, in place of the real one. */
  readonly compressor?: Host['compressor'];
  /** Whether it can send OTLP/gRPC, which goes to memory like everything else. Default false. */
  readonly grpc?: boolean;
  /** Resource detectors of the host. Default none, but the one that makes an instance id. */
  readonly detectors?: readonly ResourceDetector[];
  /** Makes context managers. Default: one that follows the call stack only. */
  readonly contextManager?: () => ContextManager;
}

/** A host whose clock stands still until told, which sends to memory and keeps its warnings. */
export interface FakeHost extends Host {
  /** Where everything goes unless `start` is given another transport. */
  readonly transport: InMemoryTransport;
  /** What the transport was made for: URL, headers, time limits. */
  readonly transportOptions: TransportOptions | undefined;
  readonly warnings: readonly string[];
  /** Timers and callbacks that wait for their time. */
  readonly pending: number;
  /** Runs what is due now, and what that makes due, until nothing is. */
  settle(): Promise<void>;
  /** Lets `ms` milliseconds pass, stopping at every timer on the way. */
  advance(ms: number): Promise<void>;
  /** Moves the wall clock alone, as setting a machine's time does. */
  moveWallClock(ms: number): void;
  /** The process ends by itself: asks to flush; resolves whether all of it was delivered. */
  exitGracefully(): Promise<boolean>;
  /** The process ends at once: there is only time to count. */
  exitNow(): void;
}

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** Turns of the microtask queue within which every chain of promises of ours comes to rest. */
const MICROTASK_TURNS = 64;

/** A host for tests: deterministic, without time, network or process of its own. */
export function fakeHost(options: FakeHostOptions = {}): FakeHost {
  const transport = inMemoryTransport();
  const warnings: string[] = [];
  const timers = new Set<Timer>();
  const exits = new Set<ExitHooks>();
  let soon: (() => void)[] = [];
  let transportOptions: TransportOptions | undefined;
  let now = 1000;
  let originMs = (options.unixMs ?? Date.UTC(2026, 0, 1)) - now;
  let random = (options.seed ?? 1) | 0 || 1;

  function toMemory(asked: TransportOptions): Transport {
    // Those of traces, where signals go to different places.
    if (asked.urls === undefined || 'traces' in asked.urls) transportOptions = asked;
    return transport;
  }

  async function settle(): Promise<void> {
    for (;;) {
      for (let i = 0; i < MICROTASK_TURNS; i++) await Promise.resolve();
      const due = soon;
      soon = [];
      for (const timer of timers) {
        if (timer.at > now) continue;
        timers.delete(timer);
        due.push(timer.callback);
      }
      if (due.length === 0) return;
      for (const callback of due) callback();
    }
  }

  async function advance(ms: number): Promise<void> {
    const end = now + ms;
    await settle();
    for (;;) {
      let next = Number.POSITIVE_INFINITY;
      for (const { at } of timers) next = Math.min(next, at);
      if (next > end) break;
      now = next;
      await settle();
    }
    now = end;
  }

  return {
    name: 'fake',
    now: () => now,
    unixNow: () => Math.floor(originMs + now),
    originMs: () => originMs,
    fillRandom(words) {
      // xorshift32: the same words on every run
      for (let i = 0; i < words.length; i++) {
        random ^= random << 13;
        random ^= random >>> 17;
        random ^= random << 5;
        words[i] = random;
      }
    },
    setTimer(callback, delayMs) {
      const timer = { at: now + delayMs, callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    soon: (callback) => void soon.push(callback),
    gzip: options.gzip ?? ((bytes) => gzipSync(bytes, { level: 1 })),
    native: options.native ?? [],
    compressor: options.compressor ?? compressor,
    remake: (payload, form) =>
      remade(payload, form, {
        inflate: async (body, encoding) => inflated(body, encoding),
        compress: { gzip: async (raw) => gzipSync(raw, { level: 1 }) },
      }),
    httpTransport: toMemory,
    ...(options.grpc === true && { grpcTransport: toMemory }),
    contextManager: () =>
      options.contextManager === undefined
        ? { manager: new StackContextManager(), kind: 'stack', reason: 'by default' }
        : { manager: options.contextManager(), kind: 'async-local-storage', reason: 'as given' },
    engines: { ...inlinedEngines, portable: () => portable, ...options.engines },
    metrics: { ...metricsSources, portable: () => portableMetrics },
    detectors: options.detectors ?? [],
    env: options.env ?? {},
    variables: variablesOf,
    warn: (line) => void warnings.push(line),
    onExit(hooks) {
      exits.add(hooks);
      return () => void exits.delete(hooks);
    },

    transport,
    get transportOptions() {
      return transportOptions;
    },
    warnings,
    get pending() {
      return timers.size + soon.length;
    },
    settle,
    advance,
    moveWallClock(ms) {
      originMs += ms;
    },
    async exitGracefully() {
      const flushed = await Promise.all([...exits].map((hooks) => hooks.flush()));
      return flushed.every((complete) => complete);
    },
    exitNow() {
      for (const hooks of exits) hooks.lost();
    },
  };
}
