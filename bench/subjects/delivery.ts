/**
 * Records spans and delivers them, in a process of its own: CPU time and memory are
 * then those of recording and delivering alone, threads included. Started with `fork`; says
 * `warm`, waits for a message, measures, says the result.
 *
 * Spans are recorded as fast as the subject can carry them: in bursts of half a batch with a turn of
 * the event loop in between, and a wait while as many are under way as the subject holds
 * without dropping. The clock stops when the server has answered for all of them.
 */

import { BATCH } from '../workload.ts';
import { openDelivery, type Way } from './delivering.ts';
import type { Subject } from './engines.ts';

export interface DeliveryOrder extends Way {
  readonly subject: Subject;
  readonly warmupMs: number;
  readonly runMs: number;
  /** Ends the run after so many spans. */
  readonly spans?: number;
}

export interface DeliveryResult {
  readonly recorded: number;
  readonly wallMs: number;
  /** User and system time of all threads, microseconds. */
  readonly cpuUs: number;
  readonly peakRssBytes: number;
}

const BURST = BATCH / 2;
/** Nothing answered for so long: what is still pending is lost. */
const STALL_MS = 5000;

const order: DeliveryOrder = JSON.parse(process.argv[2]);
const delivery = await openDelivery(order.subject, order);
let next = 0;
await drive(order.warmupMs);
send('warm');
await new Promise((resolve) => process.once('message', resolve));
const first = next;
const cpu = process.cpuUsage();
const start = performance.now();
await drive(order.runMs, order.spans);
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

async function drive(forMs: number, spans = Number.POSITIVE_INFINITY): Promise<void> {
  const end = performance.now() + forMs;
  const last = next + spans;
  while (performance.now() < end && next < last) {
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
