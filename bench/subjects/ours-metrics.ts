/**
 * Metrics of otlp-wasm as subjects: provider, instruments, cells and codec as `start()` puts them
 * together, with a reader that collects when the bench says so. Requests are put together where the
 * compressor would read them.
 */

import type { Tracer } from '@opentelemetry/api';
import {
  AGGREGATION_DEFAULT,
  AGGREGATION_EXPONENTIAL_HISTOGRAM,
  CUMULATIVE_TEMPORALITY,
  DELTA_TEMPORALITY,
} from '../../src/api/metric/aggregation.ts';
import type { ExemplarFilter } from '../../src/api/metric/exemplar.ts';
import { RecordingMeterProvider } from '../../src/api/metric/provider.ts';
import { manualReader } from '../../src/api/metric/readers.ts';
import { describe } from '../../src/api/trace/attributes.ts';
import { Clock } from '../../src/api/trace/clock.ts';
import { RandomWords } from '../../src/api/trace/ids.ts';
import { RecordingTracerProvider } from '../../src/api/trace/provider.ts';
import { Cells } from '../../src/buffer/cells.ts';
import { Group } from '../../src/buffer/record.ts';
import { ShapeTree } from '../../src/buffer/shape.ts';
import type { MetricsExports } from '../../src/engine/generated/contract.ts';
import * as portable from '../../src/engine/generated/metrics-portable.js';
import { metricsBinary as scalar } from '../../src/engine/generated/metrics-scalar.ts';
import { metricsBinary as simd } from '../../src/engine/generated/metrics-simd.ts';
import { bytesOf } from '../../src/engine/hex.ts';
import type { EngineName, EngineSources } from '../../src/engine/select.ts';
import { host } from '../../src/runtime/node/host.ts';
import { assertTotal } from '../points.ts';
import type { Metering, MeteringOptions } from './metrics-sdk.ts';

export {
  adding,
  collecting,
  counting,
  instrumentOf,
  openSeries,
  recording,
} from './metrics-sdk.ts';

const SOURCES: EngineSources<MetricsExports> = {
  simd: () => bytesOf(simd),
  scalar: () => bytesOf(scalar),
  portable: () => portable,
};

const MAX_BYTES = 64 * 2 ** 20;

/** In the place of the core's memory, which is there whether there are metrics or not. */
let into: Uint8Array | undefined;

interface OurMetering extends Metering {
  readonly provider: RecordingMeterProvider;
}

function open(
  engine: EngineName,
  options: MeteringOptions,
  exemplarFilter: ExemplarFilter,
): OurMetering {
  const cells = Cells.open(SOURCES, engine, MAX_BYTES);
  if (cells instanceof Promise) throw new Error('the engines are bundled here');
  const reader = manualReader({
    temporality: options.temporality === 'delta' ? DELTA_TEMPORALITY : CUMULATIVE_TEMPORALITY,
    aggregation: (kind) => ({
      type:
        options.histogram === 'exponential' && kind === 'HISTOGRAM'
          ? AGGREGATION_EXPONENTIAL_HISTOGRAM
          : AGGREGATION_DEFAULT,
    }),
    cardinalityLimit: options.cardinalityLimit,
  });
  const provider = new RecordingMeterProvider({
    cells,
    host,
    clock: new Clock(host.now, host.unixNow, host.originMs(), host.hrtime),
    resource: { attributes: describe({ 'service.name': 'bench' }), schemaUrl: '' },
    readers: [reader],
    exemplarFilter,
    warn: (line) => {
      throw new Error(line);
    },
  });
  let request: Uint8Array | undefined;
  into ??= new Uint8Array(MAX_BYTES);
  return {
    provider,
    meter: provider.getMeter('bench', '1.0.0'),
    async collect() {
      let requests = 0;
      const { errors } = await reader.collector!.collectRequests(
        { maxBytes: MAX_BYTES, into },
        (bytes) => {
          request = bytes;
          requests++;
        },
      );
      if (errors.length > 0) throw errors[0];
      if (requests !== 1) throw new Error(`${requests} requests`);
      return request!;
    },
  };
}

/** As by default: exemplars of what is measured inside sampled spans. */
export function opener(engine: EngineName): (options: MeteringOptions) => Metering {
  return (options) => open(engine, options, 'trace_based');
}

export type BoundMode = 'exemplars-off' | 'trace-based' | 'trace-based-in-span';

/** A loop of `counter.bind(…).add`, in whatever context manager there is. */
export function boundAdding(
  engine: EngineName,
  mode: BoundMode,
  count: number,
): { run(): void; check(): Promise<void> } {
  const filter = mode === 'exemplars-off' ? 'always_off' : 'trace_based';
  const limits = {
    temporality: 'cumulative',
    histogram: 'explicit',
    cardinalityLimit: 2000,
  } as const;
  const { provider, collect } = open(engine, limits, filter);
  const counter = provider.getMeter('bench', '1.0.0').createCounter('app.requests');
  const bound = counter.bind({ 'http.route': '/orders/:id', 'server.address': 'orders.svc' });
  const add = () => {
    for (let n = 0; n < count; n++) bound.add(1);
  };
  const tracer = sampling();
  const inSpan = () =>
    tracer.startActiveSpan('GET /orders/:id', (span) => {
      add();
      span.end();
    });
  const run = mode === 'trace-based-in-span' ? inSpan : add;
  return {
    run,
    async check() {
      run();
      run();
      assertTotal(await collect(), 2 * count);
    },
  };
}

const BOUNDS = { count: 128, valueLength: Number.POSITIVE_INFINITY, valueDepth: 64 };

/** A tracer whose spans are sampled, and go nowhere. */
function sampling(): Tracer {
  const provider = new RecordingTracerProvider(
    {
      clock: new Clock(host.now, host.unixNow, host.originMs(), host.hrtime),
      spanShapes: new ShapeTree(BOUNDS),
      eventShapes: new ShapeTree(BOUNDS),
      linkShapes: new ShapeTree(BOUNDS),
      limits: { events: 128, links: 128 },
      sink: { end() {} },
      processors: null,
      late: { calls: 0 },
      ids: new RandomWords(host.fillRandom),
      sampler: undefined,
    },
    new Group(describe({ 'service.name': 'bench' })),
  );
  return provider.getTracer('bench', '1.0.0');
}
