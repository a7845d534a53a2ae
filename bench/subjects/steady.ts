/**
 * Records spans at a steady rate, whatever becomes of them, and delivers them, in a process of its
 * own. Started with `fork`; says `warm`, waits for a message, measures, says the result.
 *
 * Each millisecond the spans that are due by the clock are recorded, in portions of a millisecond's
 * worth with a turn of the event loop between them: who was late catches up, and is not late twice.
 */

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { openDelivery, type Way } from './delivering.ts';
import type { Subject } from './engines.ts';

export interface SteadyOrder extends Way {
  readonly subject: Subject;
  readonly spansPerSecond: number;
  readonly warmupMs: number;
  readonly runMs: number;
}

export interface SteadyResult {
  readonly recorded: number;
  /** Those of them that the server said it has. */
  readonly sent: number;
  /** While spans were recorded. */
  readonly recordingMs: number;
  /** By how much turns of the event loop came late while spans were recorded, milliseconds. */
  readonly delayMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly peakRssBytes: number;
  /** Bytes of encoded requests held at most, looked at every 50 ms. */
  readonly peakQueueBytes: number | undefined;
}

/** Of the delay's measurement: that long between two looks is no delay at all. */
const RESOLUTION_MS = 1;
const LOOK_EVERY_MS = 50;
/** Nothing answered for so long: what is still under way is lost. */
const STALL_MS = 60_000;

const order: SteadyOrder = JSON.parse(process.argv[2]!);
const delivery = await openDelivery(order.subject, order);
const perMs = order.spansPerSecond / 1000;
const portion = Math.max(1, Math.round(perMs));
let next = 0;
await record(order.warmupMs);
await settle();
process.send?.('warm');
await new Promise((resolve) => process.once('message', resolve));

const first = next;
const sentBefore = delivery.sent();
let peakQueueBytes = delivery.queuedBytes?.();
const looking = setInterval(() => {
  peakQueueBytes = Math.max(peakQueueBytes ?? 0, delivery.queuedBytes?.() ?? 0);
}, LOOK_EVERY_MS);
if (peakQueueBytes === undefined) clearInterval(looking);
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delay.enable();
const start = performance.now();
await record(order.runMs);
const recordingMs = performance.now() - start;
delay.disable();
await settle();
clearInterval(looking);

const late = (ns: number) => Math.max(0, ns / 1e6 - RESOLUTION_MS);
const result: SteadyResult = {
  recorded: next - first,
  sent: delivery.sent() - sentBefore,
  recordingMs,
  delayMs: {
    p50: late(delay.percentile(50)),
    p99: late(delay.percentile(99)),
    max: late(delay.max),
  },
  peakRssBytes: process.resourceUsage().maxRSS * 1024,
  peakQueueBytes,
};
process.send?.(result);
process.disconnect();
process.exit();

/** Resolves when all that is due within `forMs` has been recorded. */
function record(forMs: number): Promise<void> {
  const origin = performance.now();
  const base = next;
  const last = base + Math.floor(forMs * perMs);
  return new Promise((resolve) => {
    const tick = () => {
      const due = Math.min(last, base + Math.floor((performance.now() - origin) * perMs));
      const count = Math.min(portion, due - next);
      if (count > 0) delivery.record(next, count);
      next += count;
      if (next === last) resolve();
      else if (next < due) setImmediate(tick);
      else setTimeout(tick, 1);
    };
    tick();
  });
}

/** Resolves when everything recorded has been answered, given up or dropped. */
async function settle(): Promise<void> {
  // It may fail, or end before all is answered.
  await delivery.flush().catch(() => {});
  while (delivery.underWay() > 0) {
    let timer: NodeJS.Timeout | undefined;
    const stalled = new Promise<true>((resolve) => {
      timer = setTimeout(() => resolve(true), STALL_MS);
    });
    const lost = await Promise.race([delivery.progress(), stalled]);
    clearTimeout(timer);
    if (lost) break;
  }
}
