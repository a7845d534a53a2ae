import type { LogRecordProcessor } from '../api/log/processors.ts';
import type { ExemplarFilter } from '../api/metric/exemplar.ts';
import type { MetricProducer, MetricReader } from '../api/metric/reader.ts';
import type { ViewMatchingMode, ViewOptions } from '../api/metric/view.ts';
import type { AnyResourceDetector } from '../api/resource/detector.ts';
import type { SpanProcessor } from '../api/trace/processors.ts';
import type { SpanLimits } from '../api/trace/span.ts';
import { type Bounds, MAX_VALUE_DEPTH, type Redaction } from '../buffer/shape.ts';
import type { CompressionPolicy } from '../compress/compress.ts';
import type { RecordedSignal } from '../deliver/transport.ts';
import { ENGINES } from '../engine/select.ts';
import type { PipelineOptions } from '../pipeline.ts';
import type { Host } from '../runtime/host.ts';
import { checkedEndpoint, group, invalid, list, refused, signalUrl } from './checks.ts';
import { resolveCompression } from './compression.ts';
import {
  checkHeaders,
  LONGEST_MS,
  type Numbers,
  numbers,
  oneOf,
  PROTOCOLS,
  type QueueSettings,
  resolveQueue,
} from './delivery.ts';
import type { Range, Variables } from './env.ts';
import type { Protocol, StartOptions, TemporalityPreference } from './options.ts';

const MEBIBYTE = 1024 * 1024;
const MAX_REQUEST_BYTES = 64 * MEBIBYTE;
const MIN_RING_BYTES = MEBIBYTE;
const MAX_RING_BYTES = 256 * MEBIBYTE;

/** How requests of one signal are made, and where they go. */
export interface SignalSettings {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly protocol: Protocol;
  readonly compression: CompressionPolicy;
  readonly timeoutMs: number;
}

/** Option `logs` with its defaults. */
export interface LogSettings extends SignalSettings {
  readonly batch: PipelineOptions['batch'];
  readonly bounds: Bounds;
  readonly processors: readonly LogRecordProcessor[];
}

/** Option `metrics` with its defaults. */
export interface MetricSettings extends SignalSettings {
  readonly intervalMs: number;
  /** Of an exporter to the console (specification, "Metrics Exporters - Standard output"). */
  readonly consoleIntervalMs: number;
  readonly collectTimeoutMs: number;
  /** Infinity: as many as fit. */
  readonly maxExportBatchSize: number;
  readonly temporality: TemporalityPreference;
  readonly histogramAggregation: NonNullable<Metrics['histogramAggregation']>;
  readonly views: readonly ViewOptions[];
  readonly viewMatchingMode: ViewMatchingMode | undefined;
  readonly exemplarFilter: ExemplarFilter;
  readonly cardinalityLimit: number;
  readonly maxBytes: number;
  readonly readers: readonly MetricReader[];
  readonly producers: readonly MetricProducer[];
}

type Metrics = NonNullable<StartOptions['metrics']>;

/** Options with every default filled in; what stands here directly is of traces, or of all signals. */
export interface Settings extends QueueSettings, SignalSettings {
  readonly logs: LogSettings;
  readonly metrics: MetricSettings;
  readonly batch: PipelineOptions['batch'];
  readonly maxRequestBytes: number;
  readonly limits: SpanLimits;
  /** Bounds on the attributes of each. */
  readonly bounds: { readonly span: Bounds; readonly event: Bounds; readonly link: Bounds };
  readonly redaction: Redaction | undefined;
  readonly ringBytes: number;
  readonly flushTimeoutMs: number;
  readonly flushOnExit: boolean;
  readonly disabled: boolean;
  /** Names and detectors; undefined for the host's own. */
  readonly detectors: readonly (string | AnyResourceDetector)[] | undefined;
  readonly spanProcessors: readonly SpanProcessor[];
}

/** An option that is true or false. */
function flag(name: string, value: boolean | undefined): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value;
  throw refused(name, value, 'true or false');
}

/** Options that are objects with methods: what is missing would show at every span. */
function checkMethods(name: string, value: unknown, ...methods: readonly string[]): void {
  if (value === undefined) return;
  for (const method of methods) {
    if (typeof (value as Record<string, unknown> | null)?.[method] === 'function') continue;
    throw refused(name, value, 'one that has it', ` without a method '${method}'`);
  }
}

/** What hosts may not have. */
type Abilities = Pick<Host, 'name' | 'grpcTransport' | 'native'>;

/** The URL requests of a signal go to. */
function resolveUrl(
  options: StartOptions,
  signal: RecordedSignal,
  variables: Variables | undefined,
  protocol: Protocol,
): string {
  const { endpoint } = options;
  const name = `${signal}Endpoint` as const;
  const own = options[name];
  if (protocol === 'grpc') {
    const option = own === undefined ? 'endpoint' : name;
    const url = own ?? endpoint;
    return variables?.grpcUrl(`option '${option}'`, url) ?? url ?? 'http://localhost:4317';
  }
  if (own !== undefined) return checkedEndpoint(`option '${name}'`, own);
  if (endpoint !== undefined) {
    return signalUrl(checkedEndpoint("option 'endpoint'", endpoint), signal);
  }
  return variables?.url() ?? signalUrl('http://localhost:4318', signal);
}

function resolveSignal(
  options: StartOptions,
  signal: RecordedSignal,
  variables: Variables | undefined,
  host: Abilities,
): SignalSettings {
  const number = numbers(variables);
  const { headers } = options;
  const protocol = resolveProtocol(options.protocol, variables, host);
  const asked = headers === undefined || typeof headers === 'function';
  return {
    protocol,
    url: resolveUrl(options, signal, variables, protocol),
    headers: asked ? (variables?.headers() ?? {}) : checkHeaders(group('headers', headers)),
    compression: resolveCompression(options.compression, number, variables, {
      grpc: (options.transport?.protocol ?? protocol) === 'grpc',
      native: host.native,
      fallback: 'gzip',
    }),
    timeoutMs: number('timeoutMs', options.timeoutMs, [10_000, 1, LONGEST_MS]),
  };
}

const MAX_BATCH = 65_536;

/** @param name of the option: that of traces, or of logs. */
function resolveBatch(
  name: 'batch' | 'logs.batch',
  { size, maxSize, delayMs }: NonNullable<StartOptions['batch']>,
  number: Numbers,
  variables: Variables | undefined,
): Settings['batch'] {
  const range: Range = [512, 1, MAX_BATCH];
  const given = size === undefined ? variables?.number(`${name}.size`, range) : size;
  const resolved = Math.floor(number(`${name}.size`, given, range));
  return {
    size: resolved,
    maxSize: Math.floor(
      number(`${name}.maxSize`, maxSize, [
        given === undefined ? 2048 : resolved,
        resolved,
        MAX_BATCH,
      ]),
    ),
    delayMs: number(`${name}.delayMs`, delayMs, [1000, 0, LONGEST_MS]),
  };
}

function resolveProtocol(
  given: Protocol | undefined,
  variables: Variables | undefined,
  { name, grpcTransport }: Abilities,
): Protocol {
  const known = PROTOCOLS.filter((each) => each !== 'grpc' || grpcTransport !== undefined);
  const protocol = oneOf('protocol', given, PROTOCOLS);
  const fallback = known[0]!;
  if (protocol === undefined) return variables?.protocol(fallback, known) ?? fallback;
  if (known.includes(protocol)) return protocol;
  throw invalid(
    `option 'protocol' is 'grpc', which ${name} cannot send: its fetch has no HTTP/2 trailers; give 'http/protobuf', which the same collectors take on port 4318.`,
  );
}

function resolveDetectors(
  { detectors }: StartOptions,
  variables: Variables | undefined,
): Settings['detectors'] {
  if (detectors === undefined) return variables?.detectors();
  const all = list('detectors', detectors, 'names and detectors');
  for (const [at, detector] of all.entries()) {
    if (typeof detector !== 'string') checkMethods(`detectors[${at}]`, detector ?? null, 'detect');
  }
  return all;
}

/** A list of objects that have all of these methods. */
function listWith<T>(
  name: string,
  given: readonly T[] | undefined,
  of: string,
  methods: readonly string[],
): readonly T[] {
  const all = list(name, given, of);
  for (const [at, each] of all.entries()) {
    checkMethods(`${name}[${at}]`, each ?? null, ...methods);
  }
  return all;
}

const FLUSHED = ['forceFlush', 'shutdown'];

function resolveLogs(
  options: StartOptions,
  variables: Variables | undefined,
  bounds: Bounds,
  host: Abilities,
): LogSettings {
  const logs = group('logs', options.logs);
  const limits = group('logs.limits', logs.limits);
  const number = numbers(variables);
  const name = 'logs.limits.attributeValueLength';
  const unbounded: Range = [Number.POSITIVE_INFINITY, 0, Number.POSITIVE_INFINITY];
  return {
    ...resolveSignal(options, 'logs', variables, host),
    batch: resolveBatch('logs.batch', group('logs.batch', logs.batch), number, variables),
    bounds: {
      ...bounds,
      count: Math.floor(number('logs.limits.attributes', limits.attributes, [128, 0, LONGEST_MS])),
      valueLength: Math.floor(number(name, limits.attributeValueLength, unbounded)),
    },
    processors: listWith('logs.processors', logs.processors, 'log record processors', [
      'onEmit',
      ...FLUSHED,
    ]),
  };
}

const TEMPORALITIES = ['cumulative', 'delta', 'lowmemory'] as const;
const HISTOGRAMS = ['explicit_bucket_histogram', 'base2_exponential_bucket_histogram'] as const;
const EXEMPLAR_FILTERS = ['trace_based', 'always_on', 'always_off'] as const;

function resolveMetrics(
  options: StartOptions,
  variables: Variables | undefined,
  host: Abilities,
): MetricSettings {
  const metrics = group('metrics', options.metrics);
  const number = numbers(variables);
  const choice = <T extends string>(name: keyof Metrics, known: readonly T[]): T => {
    const given = oneOf(`metrics.${name}`, metrics[name] as T | undefined, known);
    return given ?? variables?.choice(`metrics.${name}`, known[0]!, known) ?? known[0]!;
  };
  const { maxExportBatchSize: most } = metrics;
  const all = Number.POSITIVE_INFINITY;
  const interval = (fallback: number) =>
    number('metrics.intervalMs', metrics.intervalMs, [fallback, 1, LONGEST_MS]);
  return {
    ...resolveSignal(options, 'metrics', variables, host),
    intervalMs: interval(60_000),
    consoleIntervalMs: interval(10_000),
    collectTimeoutMs: number('metrics.timeoutMs', metrics.timeoutMs, [30_000, 1, LONGEST_MS]),
    maxExportBatchSize: Math.floor(number('metrics.maxExportBatchSize', most, [all, 1, all])),
    temporality: choice('temporality', TEMPORALITIES),
    histogramAggregation: choice('histogramAggregation', HISTOGRAMS),
    views: list('metrics.views', metrics.views, 'views'),
    viewMatchingMode: metrics.viewMatchingMode,
    exemplarFilter: choice('exemplarFilter', EXEMPLAR_FILTERS),
    cardinalityLimit: Math.floor(
      number('metrics.cardinalityLimit', metrics.cardinalityLimit, [2000, 1, 10_000_000]),
    ),
    maxBytes: Math.floor(
      number('metrics.maxBytes', metrics.maxBytes, [64 * MEBIBYTE, MEBIBYTE / 4, 1024 * MEBIBYTE]),
    ),
    readers: listWith('metrics.readers', metrics.readers, 'metric readers', [
      'setMetricProducer',
      ...FLUSHED,
    ]),
    producers: listWith('metrics.producers', metrics.producers, 'metric producers', ['collect']),
  };
}

/**
 * Checks the options and fills in what they leave out.
 *
 * @param variables What the environment says, where the host has one.
 * @throws OtlpError `invalid_option`
 */
export function resolveOptions(
  options: StartOptions,
  variables: Variables | undefined,
  host: Abilities,
): Settings {
  const batch = group('batch', options.batch);
  const limits = group('limits', options.limits);
  group('resource', options.resource);

  const number = numbers(variables);
  const whole = (name: string, value: number | undefined, range: Range) =>
    Math.floor(number(name, value, range));
  const count = (name: string, value: number | undefined) =>
    whole(`limits.${name}`, value, [128, 0, LONGEST_MS]);

  const { serviceName, engine, redact } = options;
  if (serviceName !== undefined && typeof serviceName !== 'string') {
    throw refused('serviceName', serviceName, 'a string');
  }
  if (engine !== undefined && !ENGINES.includes(engine)) {
    throw refused('engine', engine, `one of ${ENGINES.join(', ')}`);
  }
  // Rules as they are would keep nothing back.
  if (redact !== undefined && typeof redact !== 'function') {
    throw refused('redact', redact, "redaction({ … }) of 'otlp-wasm/redaction'");
  }
  checkMethods('sampler', options.sampler, 'shouldSample');
  checkMethods('propagator', options.propagator, 'inject');
  checkMethods('transport', options.transport, 'send');
  checkMethods('idGenerator', options.idGenerator, 'generateTraceId', 'generateSpanId');

  const valueLength = whole('limits.attributeValueLength', limits.attributeValueLength, [
    Number.POSITIVE_INFINITY,
    0,
    Number.POSITIVE_INFINITY,
  ]);
  const valueDepth = whole('limits.attributeValueDepth', limits.attributeValueDepth, [
    64,
    1,
    MAX_VALUE_DEPTH,
  ]);
  const bounds = (n: number) => ({ count: n, valueLength, valueDepth });
  const ring: Range = [4 * MEBIBYTE, MIN_RING_BYTES, MAX_RING_BYTES];
  const ringBytes = number('ringBytes', options.ringBytes, ring);
  if (!Number.isInteger(Math.log2(ringBytes))) {
    throw refused('ringBytes', ringBytes, `a power of two, such as ${ring[0]}`);
  }
  return {
    ...resolveSignal(options, 'traces', variables, host),
    logs: resolveLogs(options, variables?.of('logs'), bounds(128), host),
    metrics: resolveMetrics(options, variables?.of('metrics'), host),
    batch: resolveBatch('batch', batch, number, variables),
    maxRequestBytes: whole('batch.maxRequestBytes', batch.maxRequestBytes, [
      4 * MEBIBYTE,
      4096,
      MAX_REQUEST_BYTES,
    ]),
    ...resolveQueue(options.queue, number, 32),
    limits: {
      events: count('events', limits.events),
      links: count('links', limits.links),
    },
    bounds: {
      span: bounds(count('attributes', limits.attributes)),
      event: bounds(count('attributesPerEvent', limits.attributesPerEvent)),
      link: bounds(count('attributesPerLink', limits.attributesPerLink)),
    },
    redaction: redact?.(),
    ringBytes,
    flushTimeoutMs: number('flushTimeoutMs', options.flushTimeoutMs, [30_000, 0, LONGEST_MS]),
    flushOnExit: flag('flushOnExit', options.flushOnExit) ?? true,
    spanProcessors: listWith('spanProcessors', options.spanProcessors, 'span processors', [
      'onStart',
      'onEnd',
      ...FLUSHED,
    ]),
    disabled: flag('disabled', options.disabled) ?? variables?.disabled() ?? false,
    detectors: resolveDetectors(options, variables),
  };
}
