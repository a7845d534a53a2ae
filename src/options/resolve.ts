import type { AnyResourceDetector } from '../api/resource/detector.ts';
import type { SpanProcessor } from '../api/trace/processors.ts';
import type { SpanLimits } from '../api/trace/span.ts';
import { type Bounds, MAX_VALUE_DEPTH, type Redaction } from '../buffer/shape.ts';
import { DEFAULT_RETRY, type RetryPolicy } from '../deliver/retry.ts';
import type { EngineName } from '../engine/select.ts';
import { OtlpError } from '../errors.ts';
import type { StartOptions } from './options.ts';
import { resolveRedaction } from './redact.ts';

const ENGINES: readonly EngineName[] = ['simd', 'scalar', 'portable'];

type Env = Readonly<Record<string, string | undefined>>;
type Warn = (line: string) => void;

const MEBIBYTE = 1024 * 1024;
/** Longest a timer can wait. */
const LONGEST_MS = 2 ** 31 - 1;
const MAX_REQUEST_BYTES = 64 * MEBIBYTE;
const MIN_RING_BYTES = MEBIBYTE;
const MAX_RING_BYTES = 256 * MEBIBYTE;

/** Options with every default filled in. */
export interface Settings {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: 'gzip' | 'none';
  readonly timeoutMs: number;
  readonly batch: { readonly size: number; readonly delayMs: number };
  readonly maxRequestBytes: number;
  readonly maxQueueBytes: number;
  readonly maxInFlight: number;
  readonly retry: RetryPolicy;
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

function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value.slice(0, 80)}'`;
  if (value === null) return 'null';
  return typeof value === 'object' || typeof value === 'function'
    ? `a ${typeof value}`
    : String(value);
}

/** A group of options, `{}` when it is left out. */
function group<T extends object>(name: string, value: T | undefined): T | Record<string, never> {
  if (value === undefined) return {};
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new OtlpError(
    'invalid_option',
    `option '${name}' is ${shown(value)}; give an object, or leave it out.`,
  );
}

/** An option that is true or false. */
function flag(name: string, value: boolean | undefined): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value;
  throw new OtlpError(
    'invalid_option',
    `option '${name}' is ${shown(value)}; give true or false, or leave it out.`,
  );
}

/** The first variable that is set; empty is unset (specification, "Parsing empty value"). */
function variable(env: Env, names: readonly string[]): { name: string; text: string } | undefined {
  for (const name of names) {
    const text = env[name]?.trim();
    if (text) return { name, text };
  }
  return undefined;
}

/** Reads numbers, from the option, else from the environment, else the default. */
function numberReader(env: Env, warn: Warn) {
  const warned = new Set<string>();
  return (
    option: { name: string; value: number | undefined; env?: readonly string[] },
    range: { default: number; min: number; max: number },
  ): number => {
    const { min, max } = range;
    const fits = (value: number) => value >= min && value <= max;
    const wanted = `a number from ${min} to ${max}`;
    if (option.value !== undefined) {
      if (typeof option.value === 'number' && fits(option.value)) return option.value;
      throw new OtlpError(
        'invalid_option',
        `option '${option.name}' is ${shown(option.value)}; give ${wanted}, or leave it out for ${range.default}.`,
      );
    }
    let used = range.default;
    const unusable: { name: string; text: string }[] = [];
    for (const name of option.env ?? []) {
      const found = variable(env, [name]);
      if (found === undefined) continue;
      if (fits(Number(found.text))) {
        used = Number(found.text);
        break;
      }
      unusable.push(found);
    }
    for (const { name, text } of unusable) {
      // A general variable is read for several options.
      if (warned.has(name)) continue;
      warned.add(name);
      warn(`${name} is ${shown(text)}, not ${wanted}; ${used} is used.`);
    }
    return used;
  };
}

/** `key=value,key=value`, percent-encoded (OTLP exporter, "Specifying headers via environment variables"). */
export function parseHeaders(text: string): Record<string, string> | undefined {
  const headers: Record<string, string> = {};
  for (const pair of text.split(',')) {
    if (pair.trim() === '') continue;
    const at = pair.indexOf('=');
    if (at < 1) return undefined;
    try {
      headers[pair.slice(0, at).trim()] = decodeURIComponent(pair.slice(at + 1).trim());
    } catch {
      return undefined;
    }
  }
  return headers;
}

function checkedUrl(name: string, value: string): string {
  let protocol = '';
  let href = '';
  try {
    const url = new URL(value);
    // They become a header; what cannot be decoded cannot.
    decodeURIComponent(url.username + url.password);
    ({ protocol, href } = url);
  } catch {}
  if (protocol === 'http:' || protocol === 'https:') return href;
  // The value may hold credentials, so it is not repeated.
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(String(value)) ?? [];
  const web = scheme === undefined || /^https?$/i.test(scheme);
  const seen = web ? '' : ` but begins with ${shown(scheme)}`;
  throw new OtlpError(
    'invalid_option',
    `${name} is not an http or https URL${seen}; give one such as http://localhost:4318.`,
  );
}

/** The URL requests go to (OTLP exporter, "Endpoint URLs for OTLP/HTTP"). */
function resolveUrl(options: StartOptions, env: Env, warn: Warn): string {
  const withPath = (base: string) => {
    const url = new URL(base);
    url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`;
    return url.href;
  };
  if (options.tracesEndpoint !== undefined) {
    return checkedUrl("option 'tracesEndpoint'", options.tracesEndpoint);
  }
  if (options.endpoint !== undefined) {
    return withPath(checkedUrl("option 'endpoint'", options.endpoint));
  }
  for (const name of ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT']) {
    const found = variable(env, [name]);
    if (found === undefined) continue;
    try {
      const url = checkedUrl(name, found.text);
      return name.includes('TRACES') ? url : withPath(url);
    } catch (error) {
      warn(`${(error as Error).message} It is ignored.`);
    }
  }
  return 'http://localhost:4318/v1/traces';
}

/** What is wrong with a header, without its value: that is a secret more often than not. */
function headerProblem(name: string, value: unknown): string | undefined {
  if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/i.test(name)) return 'whose name is no HTTP token';
  if (typeof value !== 'string')
    return `whose value is ${value === null ? 'null' : `a ${typeof value}`}, not a string`;
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
    return 'whose value has characters that headers cannot have';
  }
  return undefined;
}

function resolveHeaders(options: StartOptions, env: Env, warn: Warn): Record<string, string> {
  if (options.headers !== undefined) {
    const given: Readonly<Record<string, string>> = group('headers', options.headers);
    for (const [name, value] of Object.entries(given)) {
      const problem = headerProblem(name, value);
      if (problem !== undefined) {
        throw new OtlpError(
          'invalid_option',
          `option 'headers' has an entry ${shown(name)} ${problem}; give names that are HTTP tokens and values that are strings.`,
        );
      }
    }
    return { ...given };
  }
  const headers: Record<string, string> = {};
  for (const name of ['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_TRACES_HEADERS']) {
    const found = variable(env, [name]);
    if (found === undefined) continue;
    const parsed = parseHeaders(found.text);
    const problem =
      parsed === undefined
        ? 'is not a list of key=value pairs'
        : Object.entries(parsed)
            .map(([key, value]) => headerProblem(key, value))
            .filter((one) => one !== undefined)
            .map((one) => `has an entry ${one}`)[0];
    if (problem === undefined) Object.assign(headers, parsed);
    else warn(`${name} ${problem}; it is ignored.`);
  }
  return headers;
}

function resolveCompression(options: StartOptions, env: Env, warn: Warn): 'gzip' | 'none' {
  const { compression } = options;
  if (compression === 'gzip' || compression === 'none') return compression;
  if (compression !== undefined) {
    throw new OtlpError(
      'invalid_option',
      `option 'compression' is ${shown(compression)}; give 'gzip' or 'none'.`,
    );
  }
  const found = variable(env, [
    'OTEL_EXPORTER_OTLP_TRACES_COMPRESSION',
    'OTEL_EXPORTER_OTLP_COMPRESSION',
  ]);
  if (found === undefined || found.text === 'gzip') return 'gzip';
  if (found.text === 'none') return 'none';
  warn(`${found.name} is ${shown(found.text)}, not gzip or none; gzip is used.`);
  return 'gzip';
}

function resolveDetectors({ detectors }: StartOptions, env: Env): Settings['detectors'] {
  if (detectors === undefined) {
    const names = variable(env, ['OTEL_NODE_RESOURCE_DETECTORS'])?.text.split(',');
    // Upstream's names. The variables of the specification are read in any case (`env`).
    return names
      ?.map((name) => name.trim())
      .filter((name) => !['', 'env', 'none'].includes(name))
      .map((name) => (name === 'serviceinstance' ? 'service' : name));
  }
  if (!Array.isArray(detectors)) {
    throw new OtlpError(
      'invalid_option',
      `option 'detectors' is ${shown(detectors)}; give an array of names and detectors, or leave it out.`,
    );
  }
  for (const [at, detector] of detectors.entries()) {
    if (typeof detector !== 'string') checkMethod(`detectors[${at}]`, detector ?? null, 'detect');
  }
  return [...detectors];
}

/** `OTEL_SDK_DISABLED`: whatever is not "true" is false (specification, "Boolean value"). */
function resolveDisabled(options: StartOptions, env: Env, warn: Warn): boolean {
  const option = flag('disabled', options.disabled);
  if (option !== undefined) return option;
  const found = variable(env, ['OTEL_SDK_DISABLED']);
  const text = found?.text.toLowerCase();
  if (text !== undefined && text !== 'true' && text !== 'false') {
    warn(`OTEL_SDK_DISABLED is ${shown(found?.text)}, not true or false; false is used.`);
  }
  return text === 'true';
}

/** Options that are objects with a method: what is missing would show at every span. */
function checkMethod(name: string, value: unknown, method: string) {
  if (value === undefined || typeof (value as Record<string, unknown>)?.[method] === 'function')
    return;
  throw new OtlpError(
    'invalid_option',
    `option '${name}' is ${shown(value)} without a method '${method}'; give one that has it, or leave it out.`,
  );
}

function resolveProcessors({ spanProcessors = [] }: StartOptions): readonly SpanProcessor[] {
  if (!Array.isArray(spanProcessors)) {
    throw new OtlpError(
      'invalid_option',
      `option 'spanProcessors' is ${shown(spanProcessors)}; give an array of span processors, or leave it out.`,
    );
  }
  for (const [at, processor] of spanProcessors.entries()) {
    for (const method of ['onStart', 'onEnd', 'forceFlush', 'shutdown']) {
      checkMethod(`spanProcessors[${at}]`, processor ?? null, method);
    }
  }
  return [...spanProcessors];
}

/**
 * Checks the options and fills in what they leave out.
 *
 * @throws OtlpError `invalid_option`
 */
export function resolveOptions(options: StartOptions, env: Env, warn: Warn): Settings {
  const number = numberReader(env, warn);
  const batch = group('batch', options.batch);
  const queue = group('queue', options.queue);
  const retry = group('queue.retry', queue.retry);
  const limits = group('limits', options.limits);
  group('resource', options.resource);
  if (options.serviceName !== undefined && typeof options.serviceName !== 'string') {
    throw new OtlpError(
      'invalid_option',
      `option 'serviceName' is ${shown(options.serviceName)}; give a string, or leave it out.`,
    );
  }
  if (options.engine !== undefined && !ENGINES.includes(options.engine)) {
    throw new OtlpError(
      'invalid_option',
      `option 'engine' is ${shown(options.engine)}; give one of ${ENGINES.join(', ')}, or leave it out.`,
    );
  }
  checkMethod('sampler', options.sampler, 'shouldSample');
  checkMethod('propagator', options.propagator, 'inject');
  checkMethod('transport', options.transport, 'send');
  checkMethod('idGenerator', options.idGenerator, 'generateTraceId');
  checkMethod('idGenerator', options.idGenerator, 'generateSpanId');
  const count = (name: string, value: number | undefined, ...names: string[]) =>
    Math.floor(number({ name, value, env: names }, { default: 128, min: 0, max: 2 ** 31 - 1 }));
  const valueLength = Math.floor(
    number(
      {
        name: 'limits.attributeValueLength',
        value: limits.attributeValueLength,
        env: ['OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT', 'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT'],
      },
      { default: Infinity, min: 0, max: Infinity },
    ),
  );
  const valueDepth = Math.floor(
    number(
      { name: 'limits.attributeValueDepth', value: limits.attributeValueDepth },
      { default: 64, min: 1, max: MAX_VALUE_DEPTH },
    ),
  );
  const bounds = (n: number) => ({ count: n, valueLength, valueDepth });
  const ringBytes = number(
    { name: 'ringBytes', value: options.ringBytes },
    { default: 4 * MEBIBYTE, min: MIN_RING_BYTES, max: MAX_RING_BYTES },
  );
  if (!Number.isInteger(Math.log2(ringBytes))) {
    throw new OtlpError(
      'invalid_option',
      `option 'ringBytes' is ${ringBytes}; give a power of two, such as ${4 * MEBIBYTE}.`,
    );
  }
  return {
    url: resolveUrl(options, env, warn),
    headers: resolveHeaders(options, env, warn),
    compression: resolveCompression(options, env, warn),
    timeoutMs: number(
      {
        name: 'timeoutMs',
        value: options.timeoutMs,
        env: ['OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', 'OTEL_EXPORTER_OTLP_TIMEOUT'],
      },
      { default: 10_000, min: 1, max: 2 ** 31 - 1 },
    ),
    batch: {
      size: Math.floor(
        number(
          { name: 'batch.size', value: batch.size, env: ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE'] },
          { default: 512, min: 1, max: 65_536 },
        ),
      ),
      delayMs: number(
        { name: 'batch.delayMs', value: batch.delayMs, env: ['OTEL_BSP_SCHEDULE_DELAY'] },
        { default: 1000, min: 0, max: 2 ** 31 - 1 },
      ),
    },
    maxRequestBytes: Math.floor(
      number(
        { name: 'batch.maxRequestBytes', value: batch.maxRequestBytes },
        { default: 4 * MEBIBYTE, min: 4096, max: MAX_REQUEST_BYTES },
      ),
    ),
    maxQueueBytes: number(
      { name: 'queue.maxBytes', value: queue.maxBytes },
      { default: 64 * MEBIBYTE, min: 0, max: Number.MAX_SAFE_INTEGER },
    ),
    maxInFlight: Math.floor(
      number(
        { name: 'queue.maxInFlight', value: queue.maxInFlight },
        { default: 32, min: 1, max: 1024 },
      ),
    ),
    retry: {
      initialMs: number(
        { name: 'queue.retry.initialMs', value: retry.initialMs },
        { default: DEFAULT_RETRY.initialMs, min: 1, max: LONGEST_MS },
      ),
      multiplier: number(
        { name: 'queue.retry.multiplier', value: retry.multiplier },
        { default: DEFAULT_RETRY.multiplier, min: 1, max: 100 },
      ),
      maxMs: number(
        { name: 'queue.retry.maxMs', value: retry.maxMs },
        { default: DEFAULT_RETRY.maxMs, min: 1, max: LONGEST_MS },
      ),
      maxAgeMs: number(
        { name: 'queue.retry.maxAgeMs', value: retry.maxAgeMs },
        { default: DEFAULT_RETRY.maxAgeMs, min: 0, max: LONGEST_MS },
      ),
    },
    limits: {
      events: count('limits.events', limits.events, 'OTEL_SPAN_EVENT_COUNT_LIMIT'),
      links: count('limits.links', limits.links, 'OTEL_SPAN_LINK_COUNT_LIMIT'),
    },
    bounds: {
      span: bounds(
        count(
          'limits.attributes',
          limits.attributes,
          'OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT',
          'OTEL_ATTRIBUTE_COUNT_LIMIT',
        ),
      ),
      event: bounds(
        count(
          'limits.attributesPerEvent',
          limits.attributesPerEvent,
          'OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT',
          'OTEL_ATTRIBUTE_COUNT_LIMIT',
        ),
      ),
      link: bounds(
        count(
          'limits.attributesPerLink',
          limits.attributesPerLink,
          'OTEL_LINK_ATTRIBUTE_COUNT_LIMIT',
          'OTEL_ATTRIBUTE_COUNT_LIMIT',
        ),
      ),
    },
    redaction: resolveRedaction(options.redact),
    ringBytes,
    flushTimeoutMs: number(
      { name: 'flushTimeoutMs', value: options.flushTimeoutMs },
      { default: 30_000, min: 0, max: 2 ** 31 - 1 },
    ),
    flushOnExit: flag('flushOnExit', options.flushOnExit) ?? true,
    spanProcessors: resolveProcessors(options),
    disabled: resolveDisabled(options, env, warn),
    detectors: resolveDetectors(options, env),
  };
}
