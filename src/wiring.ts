/** What `start()` and the drop-in exporters set up alike. */

import { context as contextApi, ROOT_CONTEXT } from '@opentelemetry/api';
import { suppressTracing } from './api/context/suppress-tracing.ts';
import { createDeliver, type Deliver, type DeliverOptions } from './deliver/deliver.ts';
import type { Transport, TransportOptions } from './deliver/transport.ts';
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

/** Delivery by `transport`, in which nothing is traced: exports would trace themselves. */
export function deliverOn(
  host: Pick<Host, 'now' | 'setTimer' | 'soon' | 'fillRandom' | 'remake'>,
  transport: Transport,
  queue: QueueSettings,
  more: Pick<DeliverOptions, 'observer' | 'onUncompressed'> = {},
): Deliver {
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
    ...more,
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
