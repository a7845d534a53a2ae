/**
 * The whole way: spans recorded until a server in another process has answered for them.
 * `http+gzip` compresses; `20ms` is how long the server takes to answer. Upstream runs its
 * defaults (BatchSpanProcessor, OTLP/HTTP protobuf exporter) and so do we. `path/exporter` is
 * upstream's SDK and its BatchSpanProcessor with our exporter in place of its own.
 */

import assert from 'node:assert/strict';
import type { BenchCase, MeasuredSubject, Prepared } from '../harness/case.ts';
import { type Child, start } from '../harness/child.ts';
import type { Effort } from '../harness/measure.ts';
import type { Arrived, ServerMessage, ServerRequest } from '../servers/otlp-server.ts';
import type { DeliveryOrder, DeliveryResult } from '../subjects/delivery.ts';
import type { Subject } from '../subjects/engines.ts';

interface Delivering {
  readonly gzip: boolean;
  readonly delayMs: number;
}

const ALL: readonly Subject[] = [
  'otlp-wasm/simd',
  'otlp-wasm/scalar',
  'otlp-wasm/portable',
  'opentelemetry-js',
];
/** Waiting is the same on every engine. */
const WAITING: readonly Subject[] = ['otlp-wasm/simd', 'opentelemetry-js'];

/** All else is upstream's. */
const EXPORTERS: readonly Subject[] = ['otlp-wasm/exporter', 'opentelemetry-js'];

export const cases: readonly BenchCase[] = [false, true].flatMap((gzip) => {
  const protocol = `http${gzip ? '+gzip' : ''}`;
  return [
    ...[0, 20, 50].map((delayMs) => ({
      name: `path/deliver/${protocol}/${delayMs}ms`,
      prepare: () => prepare({ gzip, delayMs }, delayMs === 0 ? ALL : WAITING),
    })),
    {
      name: `path/exporter/${protocol}/0ms`,
      prepare: () => prepare({ gzip, delayMs: 0 }, EXPORTERS),
    },
  ];
});

type Server = Child<ServerRequest, ServerMessage>;

async function prepare(delivering: Delivering, names: readonly Subject[]): Promise<Prepared> {
  const server: Server = start('servers/otlp-server', {});
  const message = await server.next();
  assert('port' in message);
  const url = `http://127.0.0.1:${message.port}/v1/traces`;
  const subjects: MeasuredSubject[] = names.map((subject) => ({
    name: subject,
    measure: (effort) => measureOne(server, { ...delivering, subject, url }, effort),
  }));
  return {
    rivals: ['opentelemetry-js'],
    subjects,
    // Every round is checked: what arrived is decoded and counted (`measureOne`).
    check() {},
    close: () => server.stop(),
  };
}

async function measureOne(
  server: Server,
  options: Delivering & { subject: Subject; url: string },
  effort: Effort,
) {
  const { delayMs, ...rest } = options;
  const order: DeliveryOrder = {
    ...rest,
    warmupMs: effort.warmupMs * 12,
    runMs: effort.roundMs * 60,
  };
  server.send({ delayMs: 0 });
  const child: Child<'go', DeliveryResult | 'warm'> = start('subjects/delivery', order);
  try {
    assert.equal(await child.next(), 'warm');
    await arrived(server);
    server.send({ delayMs });
    child.send('go');
    const result = await child.next();
    assert(result !== 'warm');
    const { spans, distinct } = await arrived(server);
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

async function arrived(server: Server): Promise<Arrived> {
  server.send({ take: true });
  const message = await server.next();
  assert('arrived' in message);
  return message.arrived;
}
