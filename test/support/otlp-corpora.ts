/**
 * Export requests for compressors: traces, logs and metrics as upstream's serializers write them,
 * the same bytes on every run.
 *
 * What makes telemetry what it is to a compressor: keys and names of a program that come again and
 * again, over a hundred attribute sets, strings and ids that are new in every record, times that
 * share their upper bytes, doubles and bucket counts that share little.
 */

import {
  type Attributes,
  type HrTime,
  type SeverityNumber,
  type SpanContext,
  ValueType,
} from '@opentelemetry/api';
import {
  JsonLogsSerializer,
  JsonMetricsSerializer,
  JsonTraceSerializer,
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace';
import { recordSpans } from '../../bench/workload.ts';
import { randomFrom, type SeededRandom } from './random.ts';

export const CORPUS_SIGNALS = ['traces', 'logs', 'metrics'] as const;

export type CorpusSignal = (typeof CORPUS_SIGNALS)[number];

type LogRecord = Parameters<typeof ProtobufLogsSerializer.serializeRequest>[0][number];
type ResourceMetrics = Parameters<typeof ProtobufMetricsSerializer.serializeRequest>[0];
type Metric = ResourceMetrics['scopeMetrics'][number]['metrics'][number];

/** An export request of so many spans, log records or data points. */
export function otlpCorpus(signal: CorpusSignal, records: number): Uint8Array {
  const bytes = REQUESTS[signal](records, randomFrom(SEEDS[signal]));
  if (bytes === undefined) throw new Error(`upstream did not serialize ${signal}`);
  return bytes;
}

/** The same request as upstream's JSON serializers write it. */
export function otlpCorpusJson(signal: CorpusSignal, records: number): Uint8Array {
  const bytes = JSON_REQUESTS[signal](records, randomFrom(SEEDS[signal]));
  if (bytes === undefined) throw new Error(`upstream did not serialize ${signal}`);
  return bytes;
}

const SEEDS = { traces: 0x7ace5, logs: 0x1065, metrics: 0x3e791c } as const;

const REQUESTS = {
  traces: (count: number, random: SeededRandom) =>
    ProtobufTraceSerializer.serializeRequest(spans(count, random)),
  logs: (count: number, random: SeededRandom) =>
    ProtobufLogsSerializer.serializeRequest(logRecords(count, random)),
  metrics: (count: number, random: SeededRandom) =>
    ProtobufMetricsSerializer.serializeRequest(resourceMetrics(count, random)),
};

const JSON_REQUESTS = {
  traces: (count: number, random: SeededRandom) =>
    JsonTraceSerializer.serializeRequest(spans(count, random)),
  logs: (count: number, random: SeededRandom) =>
    JsonLogsSerializer.serializeRequest(logRecords(count, random)),
  metrics: (count: number, random: SeededRandom) =>
    JsonMetricsSerializer.serializeRequest(resourceMetrics(count, random)),
};

const START_SECONDS = 1_790_000_000;

const RESOURCE = resourceFromAttributes({
  'service.name': 'checkout',
  'service.namespace': 'shop',
  'service.version': '4.18.2',
  'service.instance.id': '8f14e45f-ceea-467f-a0e6-2f3a51b4d9c2',
  'deployment.environment.name': 'production',
  'host.name': 'ip-10-24-3-117.eu-central-1.compute.internal',
  'k8s.namespace.name': 'shop',
  'k8s.pod.name': 'checkout-6c9f7d5b8-x2jkq',
  'process.pid': 17,
  'process.runtime.name': 'nodejs',
  'telemetry.sdk.language': 'nodejs',
  'telemetry.sdk.name': 'opentelemetry',
  'telemetry.sdk.version': '3.1.1',
});

const SCOPE = { name: 'checkout', version: '4.18.2' };

/** A clock that goes on by a random share of `meanNs` twice over at each look. */
function clockOf(random: SeededRandom, meanNs: number): () => HrTime {
  let ns = 0;
  return () => {
    ns += Math.floor(random.next() * 2 * meanNs);
    return hrTime(ns);
  };
}

function hrTime(ns: number): HrTime {
  return [START_SECONDS + Math.floor(ns / 1e9), ns % 1e9];
}

function hex(random: SeededRandom, digits: number): string {
  let text = '';
  while (text.length < digits) text += random.below(65536).toString(16).padStart(4, '0');
  return text;
}

function pick<T>(pool: readonly T[], random: SeededRandom): T {
  return pool[random.below(pool.length)];
}

/** The benches' workload, with ids and times from the seed. */
function spans(count: number, random: SeededRandom): ReadableSpan[] {
  const ended: ReadableSpan[] = [];
  const provider = new TracerProvider({
    resource: RESOURCE,
    idGenerator: {
      generateTraceId: () => hex(random, 32),
      generateSpanId: () => hex(random, 16),
    },
    spanProcessors: [
      {
        onStart() {},
        onEnd: (span) => void ended.push(span),
        forceFlush: () => Promise.resolve(),
        shutdown: () => Promise.resolve(),
      },
    ],
  });
  recordSpans(provider.getTracer(SCOPE.name, SCOPE.version), 0, count);
  const start = clockOf(random, 200_000);
  return ended.map((span) => {
    const startTime = start();
    const after = (share: number): HrTime => {
      const ns = (startTime[0] - START_SECONDS) * 1e9 + startTime[1];
      return hrTime(ns + Math.floor(share * 3e6));
    };
    const share = random.next() ** 3;
    // The prototype has what is read through accessors; what is overridden is read first.
    return Object.create(span, {
      startTime: { value: startTime },
      endTime: { value: after(share) },
      events: {
        value: span.events.map((event) => ({ ...event, time: after(share * random.next()) })),
      },
    });
  });
}

const MESSAGES: readonly ((random: SeededRandom) => string)[] = [
  (r) => `order ${r.below(1e6)} accepted for user-${r.below(1e5)} in ${r.below(900)} ms`,
  (r) => `payment ${hex(r, 8)} settled with ${pick(['visa', 'paypal', 'sepa'], r)}`,
  (r) => `GET /api/v2/orders/${r.below(1e6)}/items ${pick(['200', '304', '404'], r)}`,
  (r) => `cache miss for cart:eu:${r.below(1e5)}:v3, read through to postgresql`,
  (r) => `retrying stock reservation of item ${r.below(1e4)}, attempt ${1 + r.below(4)} of 5`,
  (r) => `published ${1 + r.below(40)} messages to orders.settled, offset ${r.below(1e8)}`,
  () => 'connection to billing.svc:8443 closed by peer',
  (r) => `slow query (${200 + r.below(3000)} ms): SELECT id, total FROM orders WHERE id = $1`,
  (r) => `session sess-${hex(r, 12)}-web expired after ${r.below(86400)} s of inactivity`,
  () => 'feature flag checkout_v2 evaluated to on',
  (r) =>
    `invoice INV-2026-${String(r.below(1e6)).padStart(6, '0')} rendered, ${r.below(9e4)} bytes`,
  (r) => `worker ${r.below(16)} picked up job settle-${hex(r, 8)}`,
];

const SEVERITIES: readonly (readonly [SeverityNumber, string])[] = [
  [5, 'DEBUG'],
  [9, 'INFO'],
  [9, 'INFO'],
  [9, 'INFO'],
  [13, 'WARN'],
  [17, 'ERROR'],
];

const FUNCTIONS = ['settle', 'reserveStock', 'renderInvoice', 'loadCart', 'authorize', 'publish'];
const FILES = ['order.ts', 'payment.ts', 'stock.ts', 'cart.ts', 'session.ts'];

/** Attributes that some records have, each with its values. */
const LOG_ATTRIBUTES: readonly (readonly [string, (random: SeededRandom) => string | number])[] = [
  ['log.iostream', (r) => pick(['stdout', 'stderr'], r)],
  ['thread.name', (r) => `worker-${r.below(16)}`],
  ['enduser.id', (r) => `user-${r.below(1e5)}`],
  ['http.request.header.x-request-id', (r) => `req-${hex(r, 16)}`],
  ['http.response.status_code', (r) => pick([200, 201, 304, 404, 503], r)],
  ['app.tenant.plan', (r) => pick(['free', 'team', 'enterprise'], r)],
  ['app.duration_ms', (r) => r.next() * 900],
  ['messaging.kafka.offset', (r) => r.below(1e8)],
];

function stackTrace(random: SeededRandom): string {
  const frames = Array.from(
    { length: 6 + random.below(6) },
    () =>
      `    at ${pick(FUNCTIONS, random)} (/srv/checkout/dist/${pick(FILES, random)}:` +
      `${1 + random.below(900)}:${1 + random.below(80)})`,
  );
  return ['Error: upstream answered 503', ...frames].join('\n');
}

function logRecords(count: number, random: SeededRandom): LogRecord[] {
  const clock = clockOf(random, 150_000);
  let context: SpanContext | undefined;
  return Array.from({ length: count }, () => {
    // Records of one request follow each other; a fifth belongs to none.
    if (random.below(3) === 0) {
      context =
        random.below(5) === 0
          ? undefined
          : { traceId: hex(random, 32), spanId: hex(random, 16), traceFlags: 1 };
    }
    const [severityNumber, severityText] = pick(SEVERITIES, random);
    const attributes: Attributes = {
      'code.function.name': pick(FUNCTIONS, random),
      'code.file.path': `/srv/checkout/dist/${pick(FILES, random)}`,
      'code.line.number': 1 + random.below(900),
    };
    for (const [key, make] of LOG_ATTRIBUTES) {
      if (random.below(3) === 0) attributes[key] = make(random);
    }
    if (severityText === 'ERROR' && random.below(4) === 0) {
      attributes['exception.type'] = 'UpstreamError';
      attributes['exception.message'] = 'upstream answered 503';
      attributes['exception.stacktrace'] = stackTrace(random);
    }
    const hrTime = clock();
    return {
      hrTime,
      hrTimeObserved: hrTime,
      ...(context && { spanContext: context }),
      severityNumber,
      severityText,
      body: pick(MESSAGES, random)(random),
      resource: RESOURCE,
      instrumentationScope: SCOPE,
      attributes,
      droppedAttributesCount: 0,
    };
  });
}

// Upstream's DataPointType and AggregationTemporality by number: its SDK for metrics is not a
// dependency of this package.
const HISTOGRAM = 0;
const EXPONENTIAL_HISTOGRAM = 1;
const GAUGE = 2;
const SUM = 3;
const CUMULATIVE = 1;

type Kind = typeof HISTOGRAM | typeof EXPONENTIAL_HISTOGRAM | typeof GAUGE | typeof SUM;

interface Instrument {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly kind: Kind;
  readonly double?: boolean;
  /** Attributes of a data point. */
  attributes(random: SeededRandom): Attributes;
}

const ROUTES = ['orders', 'users', 'carts', 'items', 'invoices', 'sessions'].flatMap((noun) => [
  `/api/v2/${noun}`,
  `/api/v2/${noun}/:id`,
  `/api/v2/${noun}/:id/history`,
]);

const http = (random: SeededRandom): Attributes => ({
  'http.request.method': pick(['GET', 'GET', 'POST', 'PUT', 'DELETE'], random),
  'http.route': pick(ROUTES, random),
  'http.response.status_code': pick([200, 200, 201, 304, 400, 404, 503], random),
  'url.scheme': 'https',
  'network.protocol.version': pick(['1.1', '2'], random),
});

const client = (random: SeededRandom): Attributes => ({
  'http.request.method': pick(['GET', 'POST'], random),
  'server.address': pick(['billing.svc', 'stock.svc', 'users.svc'], random),
  'server.port': pick([443, 8443], random),
  'http.response.status_code': pick([200, 404, 503], random),
  'k8s.pod.name': `stock-7d9c5-${hex(random, 4)}`,
});

const database = (random: SeededRandom): Attributes => ({
  'db.system.name': pick(['postgresql', 'redis'], random),
  'db.operation.name': pick(['SELECT', 'INSERT', 'UPDATE', 'DELETE'], random),
  'db.collection.name': pick(['orders', 'users', 'carts', 'items', 'invoices'], random),
  'server.address': `db-${random.below(40)}.internal`,
});

const tenant = (random: SeededRandom): Attributes => ({
  'app.tenant.id': `tenant-${random.below(1e5)}`,
  'app.tenant.plan': pick(['free', 'team', 'enterprise'], random),
});

const memory = (random: SeededRandom): Attributes => ({
  'v8js.heap.space.name': pick(['new_space', 'old_space', 'code_space', 'large_object'], random),
  'thread.id': random.below(1024),
});

const INSTRUMENTS: readonly Instrument[] = [
  {
    name: 'http.server.request.duration',
    description: 'Duration of HTTP server requests.',
    unit: 's',
    kind: HISTOGRAM,
    attributes: http,
  },
  {
    name: 'http.server.active_requests',
    description: 'Number of active HTTP server requests.',
    unit: '{request}',
    kind: SUM,
    attributes: http,
  },
  {
    name: 'http.client.request.duration',
    description: 'Duration of HTTP client requests.',
    unit: 's',
    kind: HISTOGRAM,
    attributes: client,
  },
  {
    name: 'db.client.operation.duration',
    description: 'Duration of database client operations.',
    unit: 's',
    kind: EXPONENTIAL_HISTOGRAM,
    attributes: database,
  },
  {
    name: 'db.client.response.returned_rows',
    description: 'The actual number of records returned by the database operation.',
    unit: '{row}',
    kind: SUM,
    attributes: database,
  },
  {
    name: 'app.orders.placed',
    description: 'Orders placed.',
    unit: '{order}',
    kind: SUM,
    attributes: tenant,
  },
  {
    name: 'app.orders.value',
    description: 'Value of the orders placed.',
    unit: 'EUR',
    kind: SUM,
    double: true,
    attributes: tenant,
  },
  {
    name: 'v8js.memory.heap.used',
    description: 'Heap memory size in use.',
    unit: 'By',
    kind: GAUGE,
    attributes: memory,
  },
];

const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

function resourceMetrics(count: number, random: SeededRandom): ResourceMetrics {
  const startTime = hrTime(0);
  const endTime = hrTime(60e9 + random.below(1e9));
  const metrics = INSTRUMENTS.map((instrument, at): Metric => {
    const { name, description, unit, kind, double, attributes } = instrument;
    const points = Math.floor((count + at) / INSTRUMENTS.length);
    const metric = {
      descriptor: { name, description, unit, valueType: double ? ValueType.DOUBLE : ValueType.INT },
      aggregationTemporality: CUMULATIVE,
      dataPointType: kind,
      ...(kind === SUM && { isMonotonic: !name.includes('active') }),
      dataPoints: distinct(points, () => attributes(random)).map((set) => ({
        startTime,
        endTime,
        attributes: set,
        value: measured(instrument, random),
      })),
    };
    return metric as Metric;
  });
  return { resource: RESOURCE, scopeMetrics: [{ scope: SCOPE, metrics }] };
}

/** An instrument has one data point per attribute set. */
function distinct(count: number, make: () => Attributes): Attributes[] {
  const sets = new Map<string, Attributes>();
  while (sets.size < count) {
    const set = make();
    sets.set(JSON.stringify(set), set);
  }
  return [...sets.values()];
}

function measured({ kind, double }: Instrument, random: SeededRandom) {
  if (kind === HISTOGRAM) return histogram(random);
  if (kind === EXPONENTIAL_HISTOGRAM) return exponentialHistogram(random);
  // Few are large: counts of what is used spread over magnitudes.
  const value = Math.exp(random.next() * (kind === GAUGE ? 18 : 12));
  return double ? Math.round(value * 100) / 100 : Math.floor(value);
}

/** Bell-shaped over the buckets, empty at both ends. */
function bucketCounts(length: number, random: SeededRandom): number[] {
  const scale = Math.exp(random.next() * 10);
  const middle = length * (0.2 + 0.4 * random.next());
  return Array.from({ length }, (_, at) =>
    Math.floor(scale * Math.exp(-(((at - middle) / 2) ** 2)) * (0.5 + random.next())),
  );
}

function histogram(random: SeededRandom) {
  const counts = bucketCounts(BOUNDS.length + 1, random);
  return { buckets: { boundaries: BOUNDS, counts }, ...totals(counts, random) };
}

function exponentialHistogram(random: SeededRandom) {
  const counts = bucketCounts(20 + random.below(60), random);
  return {
    ...totals(counts, random),
    scale: 3,
    zeroCount: 0,
    positive: { offset: -60 + random.below(20), bucketCounts: counts },
    negative: { offset: 0, bucketCounts: [] },
  };
}

function totals(counts: readonly number[], random: SeededRandom) {
  const count = counts.reduce((sum, one) => sum + one, 0);
  // Seconds measured to the nanosecond.
  const seconds = (limit: number) => Math.floor(random.next() * limit * 1e9) / 1e9;
  return { count, sum: count * seconds(0.2), min: seconds(0.005), max: 0.2 + seconds(8) };
}
