/**
 * A whole telemetry over a real transport, watched: what the transport was handed, what became of
 * it, and at every moment that can be had whether the accounts agree.
 */

import { createHash, randomBytes } from 'node:crypto';
import type { SpanContext } from '@opentelemetry/api';
import type {
  Outcome,
  Payload,
  Transport,
  TransportOptions,
} from '../../../src/deliver/transport.ts';
import type { StartOptions } from '../../../src/options/options.ts';
import { nodeGrpcTransport } from '../../../src/runtime/node/grpc-transport.ts';
import { host as nodeHost } from '../../../src/runtime/node/host.ts';
import { nodeHttpTransport } from '../../../src/runtime/node/http-transport.ts';
import { startOn, type Telemetry } from '../../../src/telemetry.ts';
import { engineSources } from '../../support/engines.ts';
import { unaccounted } from '../../support/telemetry.ts';
import type { FakeClock } from '../fake-clock.ts';
import { KEY, type Protocol } from './servers.ts';

/** Sent with every request, in each of the places a secret can be in. Servers quote them. */
export const SECRETS = {
  key: KEY,
  password: 'p4ss-0f-the-ur1',
  query: 'tok3n-0f-the-qu3ry',
} as const;
export const HEADERS = { 'x-api-key': SECRETS.key };

/** The URL of a server with its secrets. */
export function secretUrl(url: string): string {
  return url.replace('//', `//jo:${SECRETS.password}@`).concat(`/v1/traces?token=${SECRETS.query}`);
}

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

// tests that wait for a time-out put the global ones under their control
const { setTimeout: realSetTimeout, clearTimeout: realClearTimeout } = globalThis;

export function transportOf(protocol: Protocol, options: TransportOptions): Transport {
  return protocol === 'grpc' ? nodeGrpcTransport(options) : nodeHttpTransport(options);
}

export interface Recorded {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly text: string;
}

export interface Client {
  readonly telemetry: Telemetry;
  /** What delivery has handed to the transport, once per attempt. */
  readonly handed: readonly { readonly payload: Payload; readonly sha256: string }[];
  readonly outcomes: readonly Outcome[];
  readonly recorded: readonly Recorded[];
  /** Calls of the host's gzip, which the portable engine has instead of a kernel. */
  readonly compressions: () => number;
  /** Lines that were shown to whoever runs the program. */
  readonly warnings: readonly string[];
  /** Moments the accounts were read at, and those at which they did not agree. */
  readonly accounts: { moments: number; readonly wrong: string[] };
  /** Reads the accounts. */
  account(moment: string): void;
  /** Records a batch of spans, each with `textBytes` of text that does not compress well. */
  record(count: number, textBytes?: number): void;
  /** Waits until delivery has learned of so many outcomes. */
  ended(count: number): Promise<void>;
  /** Nothing is on its way from the tracer to the transport any more. */
  handedOver(): Promise<void>;
}

export interface ClientOptions extends StartOptions {
  readonly url: string;
  /** Time as delivery sees it. Default: the real one. */
  readonly clock?: FakeClock;
}

export function startClient(protocol: Protocol, { url, clock, ...options }: ClientOptions): Client {
  const handed: { payload: Payload; sha256: string }[] = [];
  const outcomes: Outcome[] = [];
  const recorded: Recorded[] = [];
  const warnings: string[] = [];
  const accounts = { moments: 0, wrong: [] as string[] };
  const waiting = new Set<() => void>();
  let learned = 0;
  let compressions = 0;
  let telemetry: Telemetry | undefined;

  function account(moment: string): void {
    if (telemetry === undefined) return;
    accounts.moments++;
    const { traces } = telemetry.health().signals;
    if (unaccounted(traces) !== 0) accounts.wrong.push(`${moment}: ${JSON.stringify(traces)}`);
  }

  const watched = (moment: string, callback: () => void) => () => {
    account(`before ${moment}`);
    callback();
    account(`after ${moment}`);
  };

  const setTimer: typeof nodeHost.setTimer = (callback, delayMs, keepAlive = false) => {
    const timed = watched('a timer', callback);
    if (clock !== undefined) return clock.setTimer(timed, delayMs, keepAlive);
    const timer = realSetTimeout(timed, delayMs);
    if (!keepAlive) timer.unref();
    return () => realClearTimeout(timer);
  };

  function watchedTransport(transport: Transport): Transport {
    return {
      ...transport,
      async send(payload) {
        account('an attempt');
        handed.push({ payload, sha256: sha256(payload.body) });
        const outcome = await transport.send(payload);
        account('an outcome');
        outcomes.push(outcome);
        // delivery learns of it first
        setImmediate(() => {
          account('after an outcome');
          learned++;
          for (const wake of waiting) wake();
        });
        return outcome;
      },
    };
  }

  telemetry = startOn(
    {
      ...nodeHost,
      env: {},
      engines: engineSources,
      gzip(bytes) {
        compressions++;
        return nodeHost.gzip(bytes);
      },
      now: clock === undefined ? nodeHost.now : () => clock.now(),
      setTimer,
      soon: (callback) => void setImmediate(watched('a turn', callback)),
      httpTransport: (asked) => watchedTransport(nodeHttpTransport(asked)),
      grpcTransport: (asked) => watchedTransport(nodeGrpcTransport(asked)),
      warn: (line) => void warnings.push(line),
    },
    {
      protocol,
      tracesEndpoint: secretUrl(url),
      headers: HEADERS,
      detectors: [],
      flushOnExit: false,
      // little memory, with hundreds of them
      ringBytes: 1 << 20,
      ...options,
      batch: { maxRequestBytes: 1 << 19, ...options.batch },
      queue: { ...options.queue, retry: { initialMs: 1, maxMs: 3, ...options.queue?.retry } },
    },
  );
  const tracer = telemetry.tracer('faults');

  return {
    telemetry,
    handed,
    outcomes,
    recorded,
    compressions: () => compressions,
    warnings,
    accounts,
    account,
    record(count, textBytes = 100) {
      for (let i = 0; i < count; i++) {
        const name = `span ${recorded.length}`;
        const text = randomBytes(Math.ceil(textBytes / 2)).toString('hex');
        const span = tracer.startSpan(name, { attributes: { text } });
        span.end();
        const { traceId, spanId }: SpanContext = span.spanContext();
        recorded.push({ name, traceId, spanId, text });
      }
      account('recorded');
    },
    async ended(count) {
      while (learned < count) {
        await new Promise<void>((wake) => {
          const woken = () => {
            waiting.delete(woken);
            wake();
          };
          waiting.add(woken);
        });
      }
    },
    async handedOver() {
      // loaded when it is needed, which the first requests wait for
      if (protocol === 'http/json') await import('../../../src/exporters/json-format.ts');
      for (let turn = 0; turn < 5; turn++) await new Promise((wake) => setImmediate(wake));
    },
  };
}
