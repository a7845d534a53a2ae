/**
 * Records spans and delivers them over HTTP, in a process of its own: CPU time and memory are
 * then those of recording and delivering alone, threads included. Started with `fork`; says
 * `warm`, waits for a message, measures, says the result.
 *
 * Spans are recorded as fast as the subject can carry them: in bursts of half a batch with a turn of
 * the event loop in between, and a wait while as many are under way as the subject holds
 * without dropping. The clock stops when the server has answered for all of them.
 */

import { BATCH } from '../workload.ts';
import type { Subject } from './engines.ts';
import { load } from './load.ts';

export interface DeliveryOrder {
  readonly subject: Subject;
  readonly url: string;
  readonly gzip: boolean;
  readonly warmupMs: number;
  readonly runMs: number;
}

export interface DeliveryResult {
  readonly recorded: number;
  readonly wallMs: number;
  /** User and system time of all threads, microseconds. */
  readonly cpuUs: number;
  readonly peakRssBytes: number;
}

/** What a subject offers to be driven: `subjects/upstream.ts` and `subjects/ours.ts`. */
export interface Delivery {
  /** Records `count` spans from number `first`. */
  record(first: number, count: number): void;
  /** Spans recorded and not yet answered, given up or dropped. */
  pending(): number;
  /** So many may be pending without one being dropped. */
  readonly capacity: number;
  /** Resolves when `pending` may have become less. */
  progress(): Promise<void>;
  /** Sends what is waiting for a full batch or a timer. */
  flush(): Promise<unknown>;
}

const BURST = BATCH / 2;
/** Nothing answered for so long: what is still pending is lost. */
const STALL_MS = 5000;

const order: DeliveryOrder = JSON.parse(process.argv[2]);
const delivery = await open(order);
let next = 0;
await drive(order.warmupMs);
send('warm');
await new Promise((resolve) => process.once('message', resolve));
const first = next;
const cpu = process.cpuUsage();
const start = performance.now();
await drive(order.runMs);
const wallMs = performance.now() - start;
const { user, system } = process.cpuUsage(cpu);
const result: DeliveryResult = {
  recorded: next - first,
  wallMs,
  cpuUs: user + system,
  peakRssBytes: process.resourceUsage().maxRSS * 1024,
};
send(result);
process.disconnect();
process.exit();

async function open({ subject, url, gzip }: DeliveryOrder): Promise<Delivery> {
  if (subject === 'opentelemetry-js') {
    return (await load('upstream', 'delivery')).deliver(url, gzip);
  }
  if (subject === 'otlp-wasm/exporter') {
    const { Exporter } = await load('exporter', 'delivery');
    return (await load('upstream', 'delivery')).deliver(url, gzip, { Exporter });
  }
  const engine = subject.slice('otlp-wasm/'.length) as 'simd' | 'scalar' | 'portable';
  return (await load('ours', 'delivery')).deliver(url, gzip, engine);
}

async function drive(forMs: number): Promise<void> {
  const end = performance.now() + forMs;
  while (performance.now() < end) {
    while (delivery.pending() + BURST > delivery.capacity) await delivery.progress();
    delivery.record(next, BURST);
    next += BURST;
    await new Promise((resolve) => setImmediate(resolve));
  }
  await delivery.flush();
  // Upstream's flush does not wait for the export that was under way before it.
  while (delivery.pending() > 0) {
    let timer: NodeJS.Timeout | undefined;
    const stalled = new Promise<true>((resolve) => {
      timer = setTimeout(() => resolve(true), STALL_MS);
    });
    const lost = await Promise.race([delivery.progress(), stalled]);
    clearTimeout(timer);
    if (lost) break;
  }
}

function send(message: DeliveryResult | 'warm'): void {
  process.send?.(message);
}
