/**
 * The whole way: spans recorded until a server in another process has answered for them.
 * `+gzip` compresses; `20ms` is how long the server takes to answer. Upstream runs its
 * defaults (BatchSpanProcessor, OTLP exporter for the protocol) and so do we. `path/exporter` is
 * upstream's SDK and its BatchSpanProcessor with our exporter in place of its own.
 */

import assert from 'node:assert/strict';
import type { BenchCase, MeasuredSubject, Prepared } from '../harness/case.ts';
import { type Child, start } from '../harness/child.ts';
import type { Effort } from '../harness/measure.ts';
import type { Protocol } from '../servers/otlp-server.ts';
import type { DeliveryOrder, DeliveryResult } from '../subjects/delivery.ts';
import type { Subject } from '../subjects/engines.ts';
import { type Collector, startCollector } from './collector.ts';

interface Delivering {
  readonly protocol: Protocol;
  readonly gzip: boolean;
  readonly delayMs: number;
}

const ALL: readonly Subject[] = [
  'otlp-wasm/simd',
  'otlp-wasm/scalar',
  'otlp-wasm/portable',
  'opentelemetry-js',
];
/** Waiting is the same on every engine, and so is the protocol below the body. */
const FASTEST: readonly Subject[] = ['otlp-wasm/simd', 'opentelemetry-js'];

/** All else is upstream's. */
const EXPORTERS: readonly Subject[] = ['otlp-wasm/exporter', 'opentelemetry-js'];

const WAYS: readonly Omit<Delivering, 'delayMs'>[] = [
  { protocol: 'http', gzip: false },
  { protocol: 'http', gzip: true },
  { protocol: 'grpc', gzip: true },
];

export const cases: readonly BenchCase[] = WAYS.flatMap((way) => {
  const { protocol, gzip } = way;
  const name = `${protocol}${gzip ? '+gzip' : ''}`;
  return [
    ...[0, 20, 50].map((delayMs) => ({
      name: `path/deliver/${name}/${delayMs}ms`,
      prepare: () =>
        prepare({ ...way, delayMs }, protocol === 'http' && delayMs === 0 ? ALL : FASTEST),
    })),
    {
      name: `path/exporter/${name}/0ms`,
      prepare: () => prepare({ ...way, delayMs: 0 }, EXPORTERS),
    },
  ];
});

async function prepare(delivering: Delivering, names: readonly Subject[]): Promise<Prepared> {
  const collector = await startCollector(delivering.protocol);
  const subjects: MeasuredSubject[] = names.map((subject) => ({
    name: subject,
    measure: (effort) => measureOne(collector, { ...delivering, subject }, effort),
  }));
  return {
    rivals: ['opentelemetry-js'],
    subjects,
    // Every round is checked: what arrived is decoded and counted (`measureOne`).
    check() {},
    close: () => collector.stop(),
  };
}

async function measureOne(
  collector: Collector,
  options: Delivering & { subject: Subject },
  effort: Effort,
) {
  const { delayMs, ...rest } = options;
  const order: DeliveryOrder = {
    ...rest,
    url: collector.url,
    warmupMs: effort.warmupMs * 12,
    runMs: effort.roundMs * 60,
  };
  collector.answerAfter(0);
  const child: Child<'go', DeliveryResult | 'warm'> = start('subjects/delivery', order);
  try {
    assert.equal(await child.next(), 'warm');
    await collector.arrived();
    collector.answerAfter(delayMs);
    child.send('go');
    const result = await child.next();
    assert(result !== 'warm');
    const { spans, distinct } = await collector.arrived();
    assert.equal(spans, distinct, `${options.subject}: spans arrived twice`);
    assert(spans <= result.recorded && spans > 0, `${options.subject}: ${spans} spans arrived`);
    return {
      'spans/s': (spans * 1000) / result.wallMs,
      'CPU s per million spans': result.cpuUs / spans,
      'MiB peak RSS': result.peakRssBytes / 2 ** 20,
      'spans dropped': result.recorded - spans,
    };
  } finally {
    child.stop();
  }
}
