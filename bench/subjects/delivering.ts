/** What delivers, by the subject's name. */

import type { Protocol } from '../servers/otlp-server.ts';
import type { EngineName, Subject } from './engines.ts';
import { load } from './load.ts';

/** How it is delivered. */
export interface Way {
  readonly protocol: Protocol;
  readonly url: string;
  readonly gzip: boolean;
}

/** What a subject offers to be driven: `subjects/upstream.ts` and `subjects/ours.ts`. */
export interface Delivery {
  /** Records `count` spans from number `first`. */
  record(first: number, count: number): void;
  /** Spans recorded and not yet answered, given up or dropped. */
  pending(): number;
  /** So many may be pending without one being dropped. */
  readonly capacity: number;
  /** Spans taken in and not yet answered or given up: unlike `pending` right where some were dropped. */
  underWay(): number;
  /** Spans that the server said it has. */
  sent(): number;
  /** Bytes of encoded requests kept, where there is such a queue. */
  queuedBytes?(): number;
  /** Resolves when `pending` may have become less. */
  progress(): Promise<void>;
  /** Sends what is waiting for a full batch or a timer. */
  flush(): Promise<unknown>;
}

export async function openDelivery(subject: Subject, way: Way): Promise<Delivery> {
  if (subject === 'harness') return (await load('harness', 'delivery')).discard();
  if (subject === 'opentelemetry-js' || subject === 'otlp-wasm/exporter') {
    const { deliver } = await load('upstream', 'delivery');
    // Their own exporter for HTTP needs nothing more than their SDK.
    if (subject === 'opentelemetry-js' && way.protocol === 'http') return deliver(way);
    const grpc = subject === 'opentelemetry-js' ? 'upstream-grpc' : 'exporter-grpc';
    const { Exporter } = await load(way.protocol === 'grpc' ? grpc : 'exporter', 'delivery');
    return deliver(way, Exporter);
  }
  const engine = subject.slice('otlp-wasm/'.length) as EngineName;
  return (await load('ours', 'delivery')).deliver(way, engine);
}
