/** What `start()` and the drop-in exporters set up alike. */

import { context as contextApi, ROOT_CONTEXT } from '@opentelemetry/api';
import { suppressTracing } from './api/context/suppress-tracing.ts';
import { type CompressionPolicy, gzipCapacity, isLate } from './compress/compress.ts';
import { createDeliver, type Deliver, type DeliverOptions } from './deliver/deliver.ts';
import type { Transport, TransportOptions } from './deliver/transport.ts';
import { type MemoryPlan, type PlanOptions, planMemory } from './engine/plan.ts';
import type { QueueSettings } from './options/delivery.ts';
import type { Host } from './runtime/host.ts';
import { VERSION } from './version.ts';

/** Spans that may wait for an engine that must be loaded first. */
export const MAX_WAITING = 2048;

const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;

/** How the endpoint of these settings is reached. */
export function transportOptions(
  settings: Pick<TransportOptions, 'url' | 'headers' | 'timeoutMs'> & QueueSettings,
): TransportOptions {
  return {
    url: settings.url,
    headers: settings.headers,
    userAgent: `OTel-OTLP-Exporter-JavaScript/${VERSION}`,
    timeoutMs: settings.timeoutMs,
    maxConnections: settings.maxInFlight,
    maxResponseBytes: MAX_RESPONSE_BYTES,
    retryable: settings.retryable,
  };
}

/** Room in the engine's memory for compressed requests, and for what is loaded to make them. */
export function memoryFor(
  ringBytes: number,
  limitBytes: number,
  policies: readonly CompressionPolicy[],
  { native = [], withLogs }: Pick<Host, 'native'> & Pick<PlanOptions, 'withLogs'>,
): MemoryPlan {
  const compresses = policies.some(({ encoding }) => encoding !== 'identity');
  const withCodecs = policies.some((policy) => isLate(policy) && !native.includes(policy.encoding));
  const capacity = compresses ? gzipCapacity(limitBytes) : 0;
  return planMemory(ringBytes, limitBytes, capacity, {
    withCodecs,
    ...(withLogs === true && { withLogs }),
  });
}

/**
 * Delivery by `transport`, in which nothing is traced: exports would trace themselves. The policy
 * follows what the endpoint refuses.
 */
export function deliverOn(
  host: Pick<Host, 'now' | 'setTimer' | 'soon' | 'fillRandom' | 'remake'>,
  transport: Transport,
  queue: QueueSettings,
  more: Pick<DeliverOptions, 'observer'> & {
    readonly policy: CompressionPolicy;
    readonly warn: (line: string) => void;
  },
): Deliver {
  const { policy, warn, ...observing } = more;
  return createDeliver({
    transport: {
      send: (payload) =>
        contextApi.with(suppressTracing(ROOT_CONTEXT), () => transport.send(payload)),
      connections: () => transport.connections?.(),
      close: () => transport.close(),
    },
    clock: host,
    random: () => {
      const words = new Uint32Array(1);
      host.fillRandom(words);
      return words[0]! / 2 ** 32;
    },
    maxQueueBytes: queue.maxQueueBytes,
    maxInFlight: queue.maxInFlight,
    retry: queue.retry,
    dropPolicy: queue.dropPolicy,
    priority: queue.priority,
    concurrency: queue.concurrency,
    remake: host.remake,
    onRefused(encoding, instead, warning) {
      if (policy.encoding === encoding) policy.encoding = instead;
      warn(`${warning}.`);
    },
    ...observing,
  });
}

/** Resolves to what the work resolves to; to false when it takes longer. */
export function inTime(
  host: Pick<Host, 'setTimer'>,
  work: Promise<boolean>,
  withinMs: number,
): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = host.setTimer(() => resolve(false), withinMs, true);
    void work.then((done) => {
      cancel();
      resolve(done);
    });
  });
}
