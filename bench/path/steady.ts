/** One measurement of `subjects/steady.ts`, checked against what its collector got. */

import assert from 'node:assert/strict';
import { type Child, start } from '../harness/child.ts';
import type { Arrived } from '../servers/otlp-server.ts';
import type { SteadyOrder, SteadyResult } from '../subjects/steady.ts';
import type { Collector } from './collector.ts';

export interface Steady {
  /** Measures once. `before` as of the server's request. */
  run(before?: () => number): Promise<SteadyResult & { readonly arrived: Arrived }>;
  stop(): void;
}

/** Resolves with a subject that is warm. */
export async function startSteady(
  collector: Collector,
  order: Omit<SteadyOrder, 'url' | 'protocol'>,
): Promise<Steady> {
  const complete: SteadyOrder = { ...order, protocol: collector.protocol, url: collector.url };
  const child: Child<'go', SteadyResult | 'warm'> = start('subjects/steady', complete);
  try {
    assert.equal(await child.next(), 'warm');
    await collector.arrived();
  } catch (error) {
    child.stop();
    throw error;
  }
  return {
    async run(before) {
      child.send('go');
      const result = await child.next();
      assert(result !== 'warm');
      const arrived = await collector.arrived(before?.());
      const { spans, distinct } = arrived;
      assert.equal(spans, distinct, `${order.subject}: spans arrived twice`);
      assert.equal(spans, result.sent, `${order.subject}: spans arrived, and counted as sent`);
      assert(spans <= result.recorded, `${order.subject}: ${spans} spans arrived`);
      return { ...result, arrived };
    },
    stop: () => child.stop(),
  };
}
