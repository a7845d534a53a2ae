import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MeterProvider } from '@opentelemetry/api';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import { describe, expect, it } from 'vitest';
import { isOtlpError } from '../../src/errors.ts';
import {
  type OTLPExporterConfig,
  resolveExporterOptions,
} from '../../src/exporters/exporter-options.ts';
import { OTLPTraceExporter } from '../../src/runtime/node/exporter-proto.ts';
import { tlsFromEnv } from '../../src/runtime/node/tls-from-env.ts';
import { fakeHost } from '../../src/testing/index.ts';
import { exporting } from '../support/otlp-exporter.ts';

type Env = Readonly<Record<string, string>>;

function resolved(options: object = {}, env: Env = {}, baseUrl?: string) {
  const warnings: string[] = [];
  const host = { ...fakeHost({ env }), baseUrl: () => baseUrl };
  const settings = resolveExporterOptions(
    options,
    host,
    (line) => void warnings.push(line),
    'traces',
  );
  return { ...settings, warnings };
}

const E = 'OTEL_EXPORTER_OTLP_';
const T = 'OTEL_EXPORTER_OTLP_TRACES_';

describe('options left out', () => {
  it('have the defaults of upstream, and our queue', () => {
    expect(resolved()).toMatchObject({
      url: 'http://localhost:4318/v1/traces',
      headers: {},
      askHeaders: undefined,
      timeoutMs: 10_000,
      compression: { encoding: 'identity', level: 'fast', minBytes: 450, grpc: false },
      maxInFlight: 30,
      maxQueueBytes: 64 * 1024 * 1024,
      retry: { initialMs: 1000, maxAgeMs: 300_000 },
      agent: {},
      userAgent: '',
    });
  });

  it('may be null, as upstream has it', () => {
    const nothing = { url: null, headers: null, timeoutMillis: null, compression: null };
    expect(resolved(nothing)).toEqual(resolved());
  });

  it.each<[string, Env, object]>([
    ['endpoint', { [`${E}ENDPOINT`]: 'http://c:1/base' }, { url: 'http://c:1/base/v1/traces' }],
    [
      'endpoint of traces',
      { [`${E}ENDPOINT`]: 'http://c:1', [`${T}ENDPOINT`]: 'http://t:2/x' },
      { url: 'http://t:2/x' },
    ],
    [
      'headers',
      { [`${E}HEADERS`]: 'a=1,b=2', [`${T}HEADERS`]: 'b=3' },
      { headers: { a: '1', b: '3' } },
    ],
    ['timeout', { [`${E}TIMEOUT`]: '500' }, { timeoutMs: 500 }],
    ['timeout of traces', { [`${E}TIMEOUT`]: '500', [`${T}TIMEOUT`]: '700' }, { timeoutMs: 700 }],
    ['compression', { [`${E}COMPRESSION`]: 'gzip' }, { compression: { encoding: 'gzip' } }],
    [
      'compression of traces',
      { [`${E}COMPRESSION`]: 'gzip', [`${T}COMPRESSION`]: 'none' },
      { compression: { encoding: 'identity' } },
    ],
    ['compression of ours', { [`${E}COMPRESSION`]: 'LZ4' }, { compression: { encoding: 'lz4' } }],
  ])('are taken from variables: %s', (_, env, expected) => {
    expect(resolved({}, env)).toMatchObject({ ...expected, warnings: [] });
  });

  it('are said to be what they are instead of a variable that cannot be used', () => {
    const { warnings, compression } = resolved({}, { [`${E}COMPRESSION`]: 'zip' });
    expect(compression.encoding).toBe('identity');
    expect(warnings).toEqual([
      expect.stringMatching(/COMPRESSION is 'zip', not gzip, .*; none is used/),
    ]);
  });
});

describe('options given', () => {
  const env = {
    [`${E}ENDPOINT`]: 'http://c:1',
    [`${E}HEADERS`]: 'a=1,b=2',
    [`${E}TIMEOUT`]: '500',
    [`${E}COMPRESSION`]: 'gzip',
  };

  it('win over variables; headers one by one', () => {
    const options = {
      url: 'https://mine/else',
      headers: { b: 'mine' },
      timeoutMillis: 600,
      compression: 'none',
    };
    expect(resolved(options, env)).toMatchObject({
      url: 'https://mine/else',
      headers: { a: '1', b: 'mine' },
      timeoutMs: 600,
      compression: { encoding: 'identity' },
    });
  });

  it('a url is used as it is: no path is appended', () => {
    expect(resolved({ url: 'http://c:4318/' }).url).toBe('http://c:4318/');
  });

  it('a relative url is relative to the page, where there is one', () => {
    expect(resolved({ url: '/v1/traces' }, {}, 'https://shop.test/cart?x=1').url).toBe(
      'https://shop.test/v1/traces',
    );
    expect(() => resolved({ url: '/v1/traces' })).toThrow(
      "option 'url' is not an http or https URL",
    );
  });

  it('a header that is undefined is left out and warned of once; a number is text', async () => {
    const { headers, warnings } = resolved({ headers: { a: undefined, b: 5 } });
    expect(headers).toEqual({ b: '5' });
    expect(warnings).toEqual(["header 'a' is undefined; it is left out."]);
    const asked = resolved({ headers: () => ({ a: undefined, b: '5' }) });
    expect(await asked.askHeaders?.()).toEqual({ b: '5' });
    expect(await asked.askHeaders?.()).toEqual({ b: '5' });
    expect(asked.warnings).toHaveLength(1);
  });

  it('concurrencyLimit bounds requests in flight; queue.maxInFlight wins; there is a limit', () => {
    expect(resolved({ concurrencyLimit: 3 }).maxInFlight).toBe(3);
    expect(resolved({ concurrencyLimit: 3, queue: { maxInFlight: 4 } }).maxInFlight).toBe(4);
    expect(resolved({ concurrencyLimit: Number.POSITIVE_INFINITY }).maxInFlight).toBe(1024);
  });

  it('agent options win over keepAlive, which wins over what is left out', () => {
    expect(resolved({ keepAlive: false }).agent).toEqual({ keepAlive: false });
    expect(
      resolved({ keepAlive: false, httpAgentOptions: { keepAlive: true, maxSockets: 2 } }).agent,
    ).toEqual({ keepAlive: true, maxSockets: 2 });
    const make = () => ({});
    expect(resolved({ httpAgentOptions: make }).agent).toBe(make);
  });

  it('a user agent stands before ours', () => {
    const { host } = exporting({ userAgent: 'shop/1.0' });
    expect(host.transportOptions?.userAgent).toMatch(
      /^shop\/1\.0 OTel-OTLP-Exporter-JavaScript\/\d/,
    );
  });

  it('a meter provider is taken', () => {
    const selfObsMeterProvider = { getMeter() {} } as unknown as MeterProvider;
    expect(() => exporting({ selfObsMeterProvider })).not.toThrow();
  });

  it.each<[string, unknown, string]>([
    ['url', 'collector:4318', "option 'url' is not an http or https URL"],
    ['url', 5, "option 'url' is not an http or https URL"],
    ['headers', 'a=b', "option 'headers' is a string; give an object"],
    ['headers', { 'a b': 'c' }, "'a b' whose name is no HTTP token"],
    ['headers', { a: 'top\nsecret' }, "'a' whose value has characters that headers cannot have"],
    ['headers', { a: { b: 1 } }, "'a' whose value is an object, not a string"],
    ['timeoutMillis', 0, "option 'timeoutMillis' is 0; give a number from 1"],
    ['timeoutMillis', '500', "option 'timeoutMillis' is '500'; give a number"],
    ['timeoutMillis', Number.NaN, "option 'timeoutMillis' is NaN"],
    ['compression', 'brotli', "option 'compression' is 'brotli'; give 'gzip', 'zstd'"],
    ['compression', { level: 'fastest' }, "option 'compression.level' is 'fastest'; give 'fast'"],
    ['compression', { minBytes: -1 }, "option 'compression.minBytes' is -1; give a number from 0"],
    ['concurrencyLimit', 0, "option 'concurrencyLimit' is 0; give a number from 1"],
    ['keepAlive', 'yes', "option 'keepAlive' is 'yes'; give true or false"],
    ['httpAgentOptions', 'proxy', "option 'httpAgentOptions' is a string; give an object"],
    ['userAgent', 'a\nb', "option 'userAgent' is"],
    ['userAgent', 5, "option 'userAgent' is 5"],
    ['queue', { maxBytes: -1 }, "option 'queue.maxBytes' is -1"],
    ['queue', { retry: { maxAgeMs: 'long' } }, "option 'queue.retry.maxAgeMs' is 'long'"],
  ])('%s %j is refused', (name, value, message) => {
    let thrown: unknown;
    try {
      resolved({ [name]: value });
    } catch (error) {
      thrown = error;
    }
    expect(isOtlpError(thrown) && thrown.code).toBe('invalid_option');
    expect((thrown as Error).message).toContain(message);
    expect((thrown as Error).message).not.toContain('secret');
  });
});

describe('TLS by variables', () => {
  const folder = mkdtempSync(join(tmpdir(), 'otlp-wasm-tls-'));
  const file = (name: string) => {
    writeFileSync(join(folder, name), name);
    return join(folder, name);
  };

  it('reads the files they name, those of traces first', () => {
    const warnings: string[] = [];
    const tls = tlsFromEnv(
      {
        [`${E}CERTIFICATE`]: file('ca'),
        [`${E}CLIENT_CERTIFICATE`]: file('general'),
        [`${T}CLIENT_CERTIFICATE`]: file('cert'),
        [`${T}CLIENT_KEY`]: file('key'),
      },
      (line) => void warnings.push(line),
    );
    rmSync(folder, { recursive: true });
    const texts = Object.entries(tls).map(([name, bytes]) => [name, String(bytes)]);
    expect(Object.fromEntries(texts)).toEqual({ ca: 'ca', cert: 'cert', key: 'key' });
    expect(warnings).toEqual([]);
  });

  it('warns of a file that cannot be read, and goes on without', () => {
    const warnings: string[] = [];
    const env = { [`${E}CERTIFICATE`]: join(folder, 'none') };
    expect(tlsFromEnv(env, (line) => void warnings.push(line))).toEqual({});
    expect(warnings).toEqual([
      `${E}CERTIFICATE names a file that cannot be read (ENOENT); it is ignored.`,
    ]);
  });

  it('are options of the agent unless options say otherwise', () => {
    const host = { ...fakeHost(), agentFromEnv: () => ({ ca: 'theirs', cert: 'theirs' }) };
    const { agent } = resolveExporterOptions(
      { httpAgentOptions: { ca: 'mine' } },
      host,
      () => {},
      'traces',
    );
    expect(agent).toEqual({ ca: 'mine', cert: 'theirs' });
  });
});

describe('types', () => {
  it('an exporter is one of upstream, and its options are upstream’s', () => {
    // As a member of upstream's enum is for the compiler.
    const gzip: string & { readonly of?: 'CompressionAlgorithm' } = 'gzip';
    const options: OTLPExporterConfig = {
      compression: gzip,
      httpAgentOptions: async (protocol) =>
        import(protocol === 'http:' ? 'node:http' : 'node:https').then(({ Agent }) => new Agent()),
    };
    const exporter: SpanExporter = new OTLPTraceExporter(options);
    expect(exporter).toBeInstanceOf(OTLPTraceExporter);
    expect(OTLPTraceExporter.name).toBe('OTLPTraceExporter');
  });
});
