import { describe, expect, it } from 'vitest';
import { isOtlpError, type OtlpError } from '../../src/errors.ts';
import { variablesOf } from '../../src/options/env.ts';
import type { StartOptions } from '../../src/options/options.ts';
import { resolveOptions, type Settings } from '../../src/options/resolve.ts';
import { fakeHost, startOn } from '../../src/testing/index.ts';

type Env = Record<string, string | undefined>;

function resolved(options: object = {}, env: Env = {}) {
  const warnings: string[] = [];
  const variables = variablesOf(env, (line) => warnings.push(line));
  const settings = resolveOptions(options as StartOptions, variables, fakeHost());
  return { settings, warnings };
}

/** The error that these options are answered with. */
function refused(options: object, env: Env = {}): OtlpError {
  try {
    resolved(options, env);
  } catch (error) {
    expect(isOtlpError(error)).toBe(true);
    expect(error).toMatchObject({ code: 'invalid_option' });
    return error as OtlpError;
  }
  throw new Error('these options were accepted');
}

/** `{ a: { b: value } }` for `a.b`. */
function nested(path: string, value: unknown): object {
  return path
    .split('.')
    .reverse()
    .reduce<unknown>((inner, name) => ({ [name]: inner }), value) as object;
}

const MAX_MS = 2 ** 31 - 1;
const MIB = 1024 * 1024;

interface NumberOption {
  readonly option: string;
  readonly get: (settings: Settings) => number;
  readonly default: number;
  /** The bounds, both allowed. */
  readonly range: readonly [number, number];
  /** Most specific first. */
  readonly env: readonly string[];
}

const NUMBERS: readonly NumberOption[] = [
  {
    option: 'logs.batch.size',
    get: (s) => s.logs.batch.size,
    default: 512,
    range: [1, 65_536],
    env: ['OTEL_BLRP_MAX_EXPORT_BATCH_SIZE'],
  },
  {
    option: 'logs.batch.delayMs',
    get: (s) => s.logs.batch.delayMs,
    default: 1000,
    range: [0, MAX_MS],
    env: ['OTEL_BLRP_SCHEDULE_DELAY'],
  },
  {
    option: 'logs.limits.attributes',
    get: (s) => s.logs.bounds.count,
    default: 128,
    range: [0, MAX_MS],
    env: ['OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT', 'OTEL_ATTRIBUTE_COUNT_LIMIT'],
  },
  {
    option: 'logs.limits.attributeValueLength',
    get: (s) => s.logs.bounds.valueLength,
    default: Number.POSITIVE_INFINITY,
    range: [0, Number.POSITIVE_INFINITY],
    env: ['OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT', 'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT'],
  },
  {
    option: 'metrics.intervalMs',
    get: (s) => s.metrics.intervalMs,
    default: 60_000,
    range: [1, MAX_MS],
    env: ['OTEL_METRIC_EXPORT_INTERVAL'],
  },
  {
    option: 'metrics.timeoutMs',
    get: (s) => s.metrics.collectTimeoutMs,
    default: 30_000,
    range: [1, MAX_MS],
    env: ['OTEL_METRIC_EXPORT_TIMEOUT'],
  },
  {
    option: 'metrics.cardinalityLimit',
    get: (s) => s.metrics.cardinalityLimit,
    default: 2000,
    range: [1, 10_000_000],
    env: [],
  },
  {
    option: 'metrics.maxBytes',
    get: (s) => s.metrics.maxBytes,
    default: 64 * MIB,
    range: [MIB / 4, 1024 * MIB],
    env: [],
  },
  {
    option: 'timeoutMs',
    get: (s) => s.timeoutMs,
    default: 10_000,
    range: [1, MAX_MS],
    env: ['OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', 'OTEL_EXPORTER_OTLP_TIMEOUT'],
  },
  {
    option: 'batch.size',
    get: (s) => s.batch.size,
    default: 512,
    range: [1, 65_536],
    env: ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE'],
  },
  {
    option: 'batch.maxSize',
    get: (s) => s.batch.maxSize,
    default: 2048,
    range: [512, 65_536],
    env: [],
  },
  {
    option: 'batch.delayMs',
    get: (s) => s.batch.delayMs,
    default: 1000,
    range: [0, MAX_MS],
    env: ['OTEL_BSP_SCHEDULE_DELAY'],
  },
  {
    option: 'batch.maxRequestBytes',
    get: (s) => s.maxRequestBytes,
    default: 4 * MIB,
    range: [4096, 64 * MIB],
    env: [],
  },
  {
    option: 'queue.maxBytes',
    get: (s) => s.maxQueueBytes,
    default: 64 * MIB,
    range: [0, Number.MAX_SAFE_INTEGER],
    env: [],
  },
  {
    option: 'queue.maxInFlight',
    get: (s) => s.maxInFlight,
    default: 32,
    range: [1, 1024],
    env: [],
  },
  {
    option: 'queue.retry.initialMs',
    get: (s) => s.retry.initialMs,
    default: 1000,
    range: [1, MAX_MS],
    env: [],
  },
  {
    option: 'queue.retry.multiplier',
    get: (s) => s.retry.multiplier,
    default: 2,
    range: [1, 100],
    env: [],
  },
  {
    option: 'queue.retry.maxMs',
    get: (s) => s.retry.maxMs,
    default: 10_000,
    range: [1, MAX_MS],
    env: [],
  },
  {
    option: 'queue.retry.maxAgeMs',
    get: (s) => s.retry.maxAgeMs,
    default: 300_000,
    range: [0, MAX_MS],
    env: [],
  },
  {
    option: 'queue.retry.budgetRatio',
    get: (s) => s.retry.budgetRatio,
    default: 0.2,
    range: [0, 100],
    env: [],
  },
  {
    option: 'queue.retry.budgetPerSecond',
    get: (s) => s.retry.budgetPerSecond,
    default: 1,
    range: [0.001, 1_000_000],
    env: [],
  },
  {
    option: 'limits.attributes',
    get: (s) => s.bounds.span.count,
    default: 128,
    range: [0, MAX_MS],
    env: ['OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', 'OTEL_ATTRIBUTE_COUNT_LIMIT'],
  },
  {
    option: 'limits.attributeValueLength',
    get: (s) => s.bounds.span.valueLength,
    default: Number.POSITIVE_INFINITY,
    range: [0, Number.POSITIVE_INFINITY],
    env: ['OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT', 'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT'],
  },
  {
    option: 'limits.attributeValueDepth',
    get: (s) => s.bounds.span.valueDepth,
    default: 64,
    range: [1, 100],
    env: [],
  },
  {
    option: 'limits.events',
    get: (s) => s.limits.events,
    default: 128,
    range: [0, MAX_MS],
    env: ['OTEL_SPAN_EVENT_COUNT_LIMIT'],
  },
  {
    option: 'limits.links',
    get: (s) => s.limits.links,
    default: 128,
    range: [0, MAX_MS],
    env: ['OTEL_SPAN_LINK_COUNT_LIMIT'],
  },
  {
    option: 'limits.attributesPerEvent',
    get: (s) => s.bounds.event.count,
    default: 128,
    range: [0, MAX_MS],
    env: ['OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT', 'OTEL_ATTRIBUTE_COUNT_LIMIT'],
  },
  {
    option: 'limits.attributesPerLink',
    get: (s) => s.bounds.link.count,
    default: 128,
    range: [0, MAX_MS],
    env: ['OTEL_LINK_ATTRIBUTE_COUNT_LIMIT', 'OTEL_ATTRIBUTE_COUNT_LIMIT'],
  },
  {
    option: 'ringBytes',
    get: (s) => s.ringBytes,
    default: 4 * MIB,
    range: [MIB, 256 * MIB],
    env: [],
  },
  {
    option: 'flushTimeoutMs',
    get: (s) => s.flushTimeoutMs,
    default: 30_000,
    range: [0, MAX_MS],
    env: [],
  },
];

describe.each(NUMBERS)('$option', ({ option, get, default: fallback, range }) => {
  const [min, max] = range;

  it('has its default', () => {
    expect(get(resolved().settings)).toBe(fallback);
    expect(get(resolved(nested(option, undefined)).settings)).toBe(fallback);
  });

  it('takes its bounds', () => {
    for (const value of range) expect(get(resolved(nested(option, value)).settings)).toBe(value);
  });

  it('refuses everything else, and says what was seen and what to give', () => {
    const outside = [min - 1, ...(max === Number.POSITIVE_INFINITY ? [] : [max * 2])];
    const bad: unknown[] = [...outside, Number.NaN, `${fallback}`, 'abc', true, null, {}, [], 5n];
    for (const value of bad) {
      const { message } = refused(nested(option, value));
      expect(message).toContain(`option '${option}' is `);
      expect(message).toContain(`give a number from ${min} to ${max}`);
      expect(message).toContain(`${fallback}`);
    }
    expect(refused(nested(option, 'abc')).message).toContain("'abc'");
  });
});

const IN_ENV = NUMBERS.filter(({ env }) => env.length > 0);

describe.each(IN_ENV)(
  '$option in the environment',
  ({ option, get, default: fallback, range, env }) => {
    const [min] = range;

    it('the most specific variable wins, and an option over all', () => {
      let all: Env = {};
      for (const [i, name] of [...env].reverse().entries()) {
        all = { ...all, [name]: ` ${min + 5 + i} ` };
        expect(get(resolved({}, all).settings)).toBe(min + 5 + i);
      }
      expect(get(resolved(nested(option, min + 1), all).settings)).toBe(min + 1);
      for (const name of env) {
        const { settings, warnings } = resolved({}, { [name]: '' });
        expect(get(settings)).toBe(fallback);
        expect(warnings).toEqual([]);
      }
    });

    it('nonsense is warned of, and the default kept', () => {
      for (const name of env) {
        for (const text of ['abc', '12abc', `${min - 1}`, 'NaN', '-Infinity']) {
          const { settings, warnings } = resolved({}, { [name]: text });
          expect(get(settings)).toBe(fallback);
          expect(warnings).toHaveLength(1);
          expect(warnings[0]).toContain(`${name} is '${text}'`);
          expect(warnings[0]).toContain(`${fallback} is used`);
        }
      }
    });

    it('nonsense in the specific variable leaves the general one', () => {
      const [specific, general] = env;
      if (general === undefined) return;
      const { settings, warnings } = resolved({}, { [specific!]: 'abc', [general]: `${min + 7}` });
      expect(get(settings)).toBe(min + 7);
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toContain(`${specific} is 'abc'`);
      expect(warnings[0]).toContain(`${min + 7} is used`);
    });
  },
);

describe('numbers that count', () => {
  it('are whole', () => {
    const { settings } = resolved({
      batch: { size: 10.9, maxRequestBytes: 5000.5 },
      queue: { maxInFlight: 2.5 },
      limits: { attributes: 3.7, events: 1.2, links: 1.2 },
    });
    expect(settings).toMatchObject({
      batch: { size: 10 },
      maxRequestBytes: 5000,
      maxInFlight: 2,
      limits: { events: 1, links: 1 },
      bounds: { span: { count: 3 } },
    });
  });

  it('of the ring are powers of two', () => {
    expect(refused({ ringBytes: 3 * MIB }).message).toMatch(
      /'ringBytes' is 3145728; give a power of two/,
    );
    expect(refused({ ringBytes: MIB + 0.5 }).message).toContain('ringBytes');
  });
});

describe('groups of options', () => {
  it.each(['batch', 'queue', 'queue.retry', 'limits', 'headers', 'resource'])(
    '%s must be an object',
    (path) => {
      // Headers may be a function.
      const callable = path === 'headers' ? [] : [() => 1];
      for (const value of [null, 'text', 7, true, [1], ...callable]) {
        const { message } = refused(nested(path, value));
        expect(message).toContain(`option '${path}' is `);
        expect(message).toContain('give an object');
      }
    },
  );
});

describe('batch.maxSize', () => {
  it('is the size where that or its variable is given', () => {
    expect(resolved({ batch: { size: 64 } }).settings.batch).toMatchObject({ maxSize: 64 });
    expect(resolved({ batch: { size: 4096 } }).settings.batch).toMatchObject({ maxSize: 4096 });
    const env = { OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '300' };
    expect(resolved({}, env).settings.batch).toMatchObject({ size: 300, maxSize: 300 });
    const larger = { batch: { maxSize: 900 } };
    expect(resolved(larger, env).settings.batch).toMatchObject({ size: 300, maxSize: 900 });
  });

  it('is not less than the size', () => {
    const { message } = refused({ batch: { size: 100, maxSize: 99 } });
    expect(message).toContain("option 'batch.maxSize' is 99; give a number from 100 to 65536");
  });
});

describe('options of a closed set', () => {
  it.each([
    ['flushOnExit', 'true or false', ['yes', 1, null, {}]],
    ['disabled', 'true or false', ['true', 0, null, []]],
    ['compression', "'gzip', 'zstd'", ['br', 'brotli', '', true, null, [], { encoding: 'br' }]],
    ['protocol', "'http/protobuf', 'http/json' or 'grpc'", ['http', '', 1, null]],
    ['engine', 'simd, scalar, portable', ['wasm', '', 1, null]],
    ['serviceName', 'a string', [7, null, {}]],
    ['sampler', "'shouldSample'", [null, 'always_on', {}, { shouldSample: true }]],
    ['propagator', "'inject'", [null, 'b3', {}]],
    ['transport', "'send'", [null, 'http', {}]],
  ])('%s', (name, wanted, bad) => {
    for (const value of bad) {
      const { message } = refused({ [name]: value });
      expect(message).toContain(`option '${name}' is `);
      expect(message).toContain(wanted);
    }
  });

  const encodingOf = (...args: Parameters<typeof resolved>) =>
    resolved(...args).settings.compression.encoding;

  it('compression comes from the environment, the most specific first', () => {
    expect(encodingOf()).toBe('gzip');
    expect(encodingOf({ compression: 'none' })).toBe('identity');
    const env: Env = { OTEL_EXPORTER_OTLP_COMPRESSION: 'none' };
    expect(encodingOf({}, env)).toBe('identity');
    expect(encodingOf({ compression: 'gzip' }, env)).toBe('gzip');
    expect(encodingOf({ compression: { level: 'best' } }, env)).toBe('identity');
    env['OTEL_EXPORTER_OTLP_TRACES_COMPRESSION'] = 'x-snappy-framed';
    expect(encodingOf({}, env)).toBe('x-snappy-framed');
    const { settings, warnings } = resolved({}, { OTEL_EXPORTER_OTLP_COMPRESSION: 'brotli' });
    expect(settings.compression.encoding).toBe('gzip');
    expect(warnings).toEqual([
      "OTEL_EXPORTER_OTLP_COMPRESSION is 'brotli', not gzip, zstd, snappy, none, deflate, zlib, lz4 or x-snappy-framed; gzip is used.",
    ]);
  });

  it('disabled comes from the environment', () => {
    const disabled = (text: string) => resolved({}, { OTEL_SDK_DISABLED: text });
    expect(disabled('true').settings.disabled).toBe(true);
    expect(disabled(' TRUE ').settings.disabled).toBe(true);
    expect(disabled('false')).toMatchObject({ settings: { disabled: false }, warnings: [] });
    expect(disabled('')).toMatchObject({ settings: { disabled: false }, warnings: [] });
    expect(disabled('1').settings.disabled).toBe(false);
    expect(disabled('1').warnings).toEqual([
      "OTEL_SDK_DISABLED is '1', not true or false; false is used.",
    ]);
    const both = resolved({ disabled: false }, { OTEL_SDK_DISABLED: 'true' });
    expect(both.settings.disabled).toBe(false);
  });
});

describe('the URL', () => {
  const url = (options: object, env: Env = {}) => resolved(options, env).settings.url;

  it('is the collector on this machine by default', () => {
    expect(url({})).toBe('http://localhost:4318/v1/traces');
  });

  it('of an endpoint gets the path, one for traces does not', () => {
    expect(url({ endpoint: 'http://c:4318' })).toBe('http://c:4318/v1/traces');
    expect(url({ endpoint: 'https://c/otlp/' })).toBe('https://c/otlp/v1/traces');
    expect(url({ endpoint: 'https://c/otlp?key=1' })).toBe('https://c/otlp/v1/traces?key=1');
    expect(url({ tracesEndpoint: 'https://c/in' })).toBe('https://c/in');
    expect(url({ tracesEndpoint: 'https://c' })).toBe('https://c/');
    expect(url({ endpoint: new URL('http://c:1') })).toBe('http://c:1/v1/traces');
  });

  it('comes from the most specific place', () => {
    const env: Env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://general:1/' };
    expect(url({}, env)).toBe('http://general:1/v1/traces');
    env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] = 'http://traces:1/in';
    expect(url({}, env)).toBe('http://traces:1/in');
    expect(url({ endpoint: 'http://option:1' }, env)).toBe('http://option:1/v1/traces');
    const both = { endpoint: 'http://option:1', tracesEndpoint: 'http://traces-option:1/x' };
    expect(url(both, env)).toBe('http://traces-option:1/x');
  });

  it('that is none is refused, or passed over in the environment', () => {
    const bad = ['', 'localhost:4318', 'collector', 'ftp://c/', '//c', 'http://', 'http://u:%@c'];
    for (const value of [...bad, null, 7, {}]) {
      for (const option of ['endpoint', 'tracesEndpoint']) {
        const { message } = refused({ [option]: value });
        expect(message).toContain(`option '${option}' is not an http or https URL`);
        expect(message).toContain('give one such as http://localhost:4318');
      }
    }
    expect(refused({ endpoint: 'ftp://c/' }).message).toContain("begins with 'ftp'");
    for (const value of bad.slice(1)) {
      const { settings, warnings } = resolved(
        {},
        {
          OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: value,
          OTEL_EXPORTER_OTLP_ENDPOINT: 'http://general:1',
        },
      );
      expect(settings.url).toBe('http://general:1/v1/traces');
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toContain('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is not an http');
    }
  });
});

describe('headers', () => {
  const headers = (options: object, env: Env = {}) => resolved(options, env).settings.headers;

  it('are those given, copied', () => {
    const given = { 'x-key': 'a', Authorization: 'Bearer b' };
    const seen = headers({ headers: given });
    given['x-key'] = 'changed';
    expect(seen).toEqual({ 'x-key': 'a', Authorization: 'Bearer b' });
    expect(headers({})).toEqual({});
  });

  it('come from the environment, general and for traces, unless given', () => {
    const env = {
      OTEL_EXPORTER_OTLP_HEADERS: 'a=1, b = two%20words ,c=x=y',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'a=9,',
    };
    expect(headers({}, env)).toEqual({ a: '9', b: 'two words', c: 'x=y' });
    expect(headers({ headers: {} }, env)).toEqual({});
  });

  it('that are none are refused, or passed over in the environment', () => {
    for (const [name, value] of [
      ['two words', 'a'],
      ['', 'a'],
      ['new\nline', 'a'],
      ['key', 'new\r\nline'],
      ['key', 'snow ☃'],
      ['key', 7],
      ['key', null],
      ['key', ['a']],
    ]) {
      const { message } = refused({ headers: { [name as string]: value } });
      expect(message).toContain("option 'headers' has an entry");
      expect(message).toContain('give names that are HTTP tokens and values that are strings');
    }
    for (const text of [
      'no equals sign',
      '=value',
      'a=%',
      'two words=a',
      'a=%0d%0ab',
      'a=%E2%98%83',
    ]) {
      const { settings, warnings } = resolved({}, { OTEL_EXPORTER_OTLP_HEADERS: text });
      expect(settings.headers).toEqual({});
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toContain('OTEL_EXPORTER_OTLP_HEADERS');
      expect(warnings[0]).toContain('it is ignored');
    }
  });
});

describe('secrets', () => {
  const SECRET = 'hunter2hunter2';

  it('are in no error', () => {
    const texts = [
      refused({ headers: { authorization: `${SECRET}\n` } }),
      refused({ headers: { authorization: [SECRET] } }),
      refused({ endpoint: `ftp://user:${SECRET}@host/?token=${SECRET}` }),
      refused({ endpoint: `user:${SECRET}@host:4318` }),
      refused({ endpoint: `${SECRET}:x@host:4318` }),
      refused({ tracesEndpoint: `http://user:${SECRET}%@host` }),
    ].map(({ message, stack }) => `${message} ${stack}`);
    expect(texts.join('\n')).not.toContain(SECRET);
  });

  it('are in no warning', () => {
    const { warnings } = resolved(
      {},
      {
        OTEL_EXPORTER_OTLP_HEADERS: `authorization ${SECRET}`,
        OTEL_EXPORTER_OTLP_TRACES_HEADERS: `authorization=${SECRET}%0a`,
        OTEL_EXPORTER_OTLP_ENDPOINT: `user:${SECRET}@host:4318`,
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `ftp://user:${SECRET}@host`,
      },
    );
    expect(warnings).toHaveLength(4);
    expect(warnings.join('\n')).not.toContain(SECRET);
  });

  it('are not in what health() shows', async () => {
    const host = fakeHost();
    const telemetry = startOn(host, {
      endpoint: `http://user:${SECRET}@host:4318/otlp?token=${SECRET}#${SECRET}`,
      headers: { authorization: SECRET },
    });
    expect(host.transportOptions).toMatchObject({
      url: expect.stringContaining(SECRET),
      headers: { authorization: SECRET },
    });
    host.transport.always({ kind: 'retryable', reason: 'HTTP 503' });
    telemetry.tracer('t').startSpan('s').end();
    await host.advance(1000);
    const health = telemetry.health();
    expect(health.endpoints[0]).toMatchObject({
      url: 'http://host:4318/otlp/v1/traces',
      state: 'failing',
    });
    expect(JSON.stringify(health)).not.toContain(SECRET);
  });
});

describe('what is resolved', () => {
  it('reaches the transport and the resource', async () => {
    const host = fakeHost({
      env: { OTEL_SERVICE_NAME: 'from env', OTEL_RESOURCE_ATTRIBUTES: 'team=a' },
      detectors: [{ name: 'box', detect: () => ({ 'host.name': 'h' }) }],
    });
    const telemetry = startOn(host, {
      endpoint: 'http://c:1',
      timeoutMs: 77,
      headers: { a: 'b' },
      queue: { maxInFlight: 3 },
      resource: { version: 2 },
    });
    expect(host.transportOptions).toEqual({
      url: 'http://c:1/v1/traces',
      urls: {
        traces: 'http://c:1/v1/traces',
        logs: 'http://c:1/v1/logs',
        metrics: 'http://c:1/v1/metrics',
      },
      headers: { a: 'b' },
      userAgent: expect.stringMatching(/^OTel-OTLP-Exporter-JavaScript\/\d/),
      timeoutMs: 77,
      maxConnections: 3,
      maxResponseBytes: 4 * MIB,
      retryable: {},
      agent: {},
    });
    telemetry.tracer('t').startSpan('s').end();
    await host.advance(1000);
    expect(host.transport.traces()[0]?.resource.attributes).toMatchObject({
      'service.name': 'from env',
      'host.name': 'h',
      team: 'a',
      version: 2,
    });
  });

  it('warns through the host, once for each variable', () => {
    const host = fakeHost({ env: { OTEL_BSP_SCHEDULE_DELAY: 'soon', OTEL_SDK_DISABLED: 'no' } });
    startOn(host);
    expect(host.warnings).toEqual([
      expect.stringMatching(/^otlp-wasm: OTEL_BSP_SCHEDULE_DELAY is 'soon'/),
      expect.stringMatching(/^otlp-wasm: OTEL_SDK_DISABLED is 'no'/),
    ]);
  });

  it('disabled records and sends nothing', async () => {
    const host = fakeHost({ env: { OTEL_SDK_DISABLED: 'true' } });
    const telemetry = startOn(host);
    const span = telemetry.tracer('t').startSpan('s');
    expect(span.isRecording()).toBe(false);
    expect(span.spanContext().traceFlags & 1).toBe(0);
    span.end();
    await host.advance(5000);
    expect(host.transport.payloads).toEqual([]);
    expect(telemetry.health().signals.traces.recorded).toBe(0);
  });
});

describe('signals', () => {
  const urls = ({ settings }: ReturnType<typeof resolved>) => [
    settings.url,
    settings.logs.url,
    settings.metrics.url,
  ];

  it('go below one endpoint, each to its own path', () => {
    const below = ['https://c/x/v1/traces', 'https://c/x/v1/logs', 'https://c/x/v1/metrics'];
    expect(urls(resolved({ endpoint: 'https://c/x/' }))).toEqual(below);
    expect(urls(resolved({}, { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c/x' }))).toEqual(below);
    expect(urls(resolved())).toEqual([
      'http://localhost:4318/v1/traces',
      'http://localhost:4318/v1/logs',
      'http://localhost:4318/v1/metrics',
    ]);
  });

  it('have endpoints of their own, which are used as they are', () => {
    const env = { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://m/in' };
    const options = { endpoint: 'http://c', logsEndpoint: 'http://l/here' };
    // The option for all wins over a variable for one.
    expect(urls(resolved(options, env))).toEqual([
      'http://c/v1/traces',
      'http://l/here',
      'http://c/v1/metrics',
    ]);
    expect(urls(resolved({}, env))[2]).toBe('http://m/in');
  });

  it('read headers, protocol, compression and timeout from their own variables first', () => {
    const env = {
      OTEL_EXPORTER_OTLP_HEADERS: 'a=all,b=all',
      OTEL_EXPORTER_OTLP_LOGS_HEADERS: 'b=logs',
      OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_METRICS_COMPRESSION: 'none',
      OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: '77',
    };
    const { settings, warnings } = resolved({}, env);
    expect(warnings).toEqual([]);
    expect(settings).toMatchObject({ headers: { a: 'all', b: 'all' }, protocol: 'http/protobuf' });
    expect(settings.logs).toMatchObject({
      headers: { a: 'all', b: 'logs' },
      protocol: 'http/json',
      compression: { encoding: 'gzip' },
      timeoutMs: 10_000,
    });
    expect(settings.metrics).toMatchObject({
      protocol: 'http/protobuf',
      compression: { encoding: 'identity' },
      timeoutMs: 77,
    });
  });
});

describe('options of metrics that are one of a few', () => {
  const CHOICES = [
    [
      'temporality',
      'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE',
      ['cumulative', 'delta', 'lowmemory'],
    ],
    [
      'histogramAggregation',
      'OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION',
      ['explicit_bucket_histogram', 'base2_exponential_bucket_histogram'],
    ],
    ['exemplarFilter', 'OTEL_METRICS_EXEMPLAR_FILTER', ['trace_based', 'always_on', 'always_off']],
  ] as const;

  it.each(CHOICES)('%s comes from the option, then from %s', (option, variable, values) => {
    const [fallback] = values;
    expect(resolved().settings.metrics[option]).toBe(fallback);
    for (const value of values) {
      expect(resolved({ metrics: { [option]: value } }).settings.metrics[option]).toBe(value);
      const { settings } = resolved({}, { [variable]: value.toUpperCase() });
      expect(settings.metrics[option]).toBe(value);
    }
    const { settings, warnings } = resolved({}, { [variable]: 'nonsense' });
    expect(settings.metrics[option]).toBe(fallback);
    expect(warnings).toEqual([expect.stringContaining(`${variable} is 'nonsense'`)]);
    expect(refused({ metrics: { [option]: 'nonsense' } }).message).toContain(
      `'metrics.${option}' is 'nonsense'`,
    );
  });

  it('readers, producers and processors need their methods', () => {
    expect(refused({ metrics: { readers: [{}] } }).message).toContain('metrics.readers[0]');
    expect(refused({ metrics: { producers: [{}] } }).message).toContain('metrics.producers[0]');
    expect(refused({ logs: { processors: [{}] } }).message).toContain('logs.processors[0]');
  });
});
