import type { AnyResourceDetector } from '../api/resource/detector.ts';
import type { SpanProcessor } from '../api/trace/processors.ts';
import type { SpanLimits } from '../api/trace/span.ts';
import { type Bounds, MAX_VALUE_DEPTH, type Redaction } from '../buffer/shape.ts';
import type { CompressionPolicy } from '../compress/compress.ts';
import { ENGINES } from '../engine/select.ts';
import type { PipelineOptions } from '../pipeline.ts';
import type { Host } from '../runtime/host.ts';
import { checkedEndpoint, group, invalid, list, refused, tracesUrl } from './checks.ts';
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
import type { Protocol, StartOptions } from './options.ts';

const MEBIBYTE = 1024 * 1024;
const MAX_REQUEST_BYTES = 64 * MEBIBYTE;
const MIN_RING_BYTES = MEBIBYTE;
const MAX_RING_BYTES = 256 * MEBIBYTE;

/** Options with every default filled in. */
export interface Settings extends QueueSettings {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly protocol: Protocol;
  readonly compression: CompressionPolicy;
  readonly timeoutMs: number;
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

/** The URL requests go to. */
function resolveUrl(
  options: StartOptions,
  variables: Variables | undefined,
  protocol: Protocol,
): string {
  const { endpoint, tracesEndpoint } = options;
  if (protocol === 'grpc') {
    const option = tracesEndpoint === undefined ? 'endpoint' : 'tracesEndpoint';
    const url = tracesEndpoint ?? endpoint;
    return variables?.grpcUrl(`option '${option}'`, url) ?? url ?? 'http://localhost:4317';
  }
  if (tracesEndpoint !== undefined)
    return checkedEndpoint("option 'tracesEndpoint'", tracesEndpoint);
  if (endpoint !== undefined) return tracesUrl(checkedEndpoint("option 'endpoint'", endpoint));
  return variables?.url() ?? 'http://localhost:4318/v1/traces';
}

const MAX_BATCH = 65_536;

function resolveBatch(
  { size, maxSize, delayMs }: NonNullable<StartOptions['batch']>,
  number: Numbers,
  variables: Variables | undefined,
): Settings['batch'] {
  const range: Range = [512, 1, MAX_BATCH];
  const given = size === undefined ? variables?.number('batch.size', range) : size;
  const resolved = Math.floor(number('batch.size', given, range));
  return {
    size: resolved,
    maxSize: Math.floor(
      number('batch.maxSize', maxSize, [
        given === undefined ? 2048 : resolved,
        resolved,
        MAX_BATCH,
      ]),
    ),
    delayMs: number('batch.delayMs', delayMs, [1000, 0, LONGEST_MS]),
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

function resolveProcessors({ spanProcessors }: StartOptions): readonly SpanProcessor[] {
  const all = list('spanProcessors', spanProcessors, 'span processors');
  const methods = ['onStart', 'onEnd', 'forceFlush', 'shutdown'];
  for (const [at, processor] of all.entries()) {
    checkMethods(`spanProcessors[${at}]`, processor ?? null, ...methods);
  }
  return all;
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

  const { serviceName, engine, headers, redact } = options;
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
  const protocol = resolveProtocol(options.protocol, variables, host);
  const asked = headers === undefined || typeof headers === 'function';
  return {
    protocol,
    url: resolveUrl(options, variables, protocol),
    headers: asked ? (variables?.headers() ?? {}) : checkHeaders(group('headers', headers)),
    compression: resolveCompression(options.compression, number, variables, {
      grpc: (options.transport?.protocol ?? protocol) === 'grpc',
      native: host.native,
      fallback: 'gzip',
    }),
    timeoutMs: number('timeoutMs', options.timeoutMs, [10_000, 1, LONGEST_MS]),
    batch: resolveBatch(batch, number, variables),
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
    spanProcessors: resolveProcessors(options),
    disabled: flag('disabled', options.disabled) ?? variables?.disabled() ?? false,
    detectors: resolveDetectors(options, variables),
  };
}
