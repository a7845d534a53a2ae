/** How a whole telemetry delivers: protocol, encoding, who sends, the queue's options, back-pressure. */

import type { Tracer } from '@opentelemetry/api';
import { gunzipSync, gzipSync } from 'fflate';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { isOtlpError, type OtlpError } from '../src/errors.ts';
import type { StartOptions } from '../src/options/options.ts';
import { host as nodeHost } from '../src/runtime/node/host.ts';
import { startOn, type Telemetry } from '../src/telemetry.ts';
import type { FakeHostOptions } from '../src/testing/index.ts';
import {
  type Collector,
  type CollectorOptions,
  startCollector,
} from '../src/workbench/collector/collector.ts';
import { ENGINE_NAMES } from './support/engines.ts';
import { type Started, started, unaccounted } from './support/telemetry.ts';

const collectors: Collector[] = [];
const telemetries: Telemetry[] = [];

/** Batches of this size and no other. */
const BATCH = { size: 512, maxSize: 512 };

afterEach(async () => {
  vi.doUnmock('../src/exporters/json-format.ts');
  await Promise.all(telemetries.splice(0).map((telemetry) => telemetry.shutdown()));
  await Promise.all(collectors.splice(0).map((collector) => collector.close()));
});

async function collect(options: CollectorOptions = {}): Promise<Collector> {
  const collector = await startCollector({ port: 0, ...options });
  collectors.push(collector);
  return collector;
}

/** A telemetry on Node with this environment and no other, and what it warned of. */
function onNode(options: StartOptions, env: Record<string, string> = {}) {
  const warnings: string[] = [];
  const host = { ...nodeHost, env, warn: (line: string) => void warnings.push(line) };
  const telemetry = startOn(host, { detectors: [], flushOnExit: false, ...options });
  telemetries.push(telemetry);
  return { telemetry, tracer: telemetry.tracer('test'), warnings };
}

function record(tracer: Tracer, count: number, from = 0): void {
  for (let i = from; i < from + count; i++) {
    tracer.startSpan(`span ${i}`, { attributes: { 'request.number': i, route: '/users' } }).end();
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Lets the host go on until this is true; what is loaded needs turns of the real event loop. */
async function until({ host }: Started, reached: () => boolean): Promise<void> {
  while (!reached()) {
    await host.settle();
    await turn();
  }
}

function refusal(start: () => unknown): OtlpError {
  try {
    start();
  } catch (error) {
    expect(isOtlpError(error)).toBe(true);
    expect(error).toMatchObject({ code: 'invalid_option' });
    return error as OtlpError;
  }
  throw new Error('these options were accepted');
}

describe("protocol: 'http/json'", () => {
  it.each(ENGINE_NAMES)(
    'on %s: requests are JSON in gzip, the first ones once the format is loaded',
    async (engine) => {
      const rig = started({ protocol: 'http/json', engine, serviceName: 'shop', batch: BATCH });
      record(rig.tracer, 1500);
      await rig.host.advance(1000);
      expect(rig.traces()).toMatchObject({ recorded: 1500, queued: 1500, sent: 0 });
      await until(rig, () => rig.traces().sent === 1500);
      record(rig.tracer, 1000, 1500);
      await rig.host.advance(1000);
      await until(rig, () => rig.traces().sent === 2500);
      const { payloads } = rig.transport;
      expect(payloads.map(({ records }) => records)).toEqual([512, 512, 476, 512, 488]);
      for (const { contentType, encoding, body, rawBytes } of payloads) {
        expect([contentType, encoding]).toEqual(['application/json', 'gzip']);
        const raw = gunzipSync(body);
        expect(raw.length).toBe(rawBytes);
        const request = JSON.parse(new TextDecoder().decode(raw));
        expect(request.resourceSpans[0].resource.attributes).toContainEqual({
          key: 'service.name',
          value: { stringValue: 'shop' },
        });
      }
      const spans = rig.transport.traces();
      expect(spans.map(({ name }) => name)).toEqual(
        Array.from({ length: 2500 }, (_, i) => `span ${i}`),
      );
      expect(spans[7]!.attributes).toEqual({ 'request.number': 7, route: '/users' });
      expect(unaccounted(rig.traces())).toBe(0);
      expect(rig.host.warnings).toEqual([]);
    },
  );

  it("says the same as protobuf does, field by field, and is not compressed with 'none'", async () => {
    const spansOf = async (options: StartOptions) => {
      const rig = started({ compression: 'none', ...options }, { seed: 7 });
      const span = rig.tracer.startSpan('work', { attributes: { list: [1, 2], deep: 'ü' } });
      span.addEvent('done', { ok: true });
      span.end();
      await rig.host.advance(1000);
      await until(rig, () => rig.traces().sent === 1);
      expect(rig.transport.payloads[0]!.encoding).toBe('identity');
      return rig.transport.traces();
    };
    expect(await spansOf({ protocol: 'http/json' })).toEqual(await spansOf({}));
  });

  it('is protobuf, and a warning, where the format cannot be loaded', async () => {
    vi.doMock('../src/exporters/json-format.ts', () => {
      throw new Error('gone');
    });
    const rig = started({ protocol: 'http/json' });
    record(rig.tracer, 600);
    await rig.host.advance(1000);
    await until(rig, () => rig.traces().sent === 600);
    expect(rig.transport.payloads.map(({ contentType }) => contentType)).toEqual([
      'application/x-protobuf',
    ]);
    expect(rig.transport.traces()).toHaveLength(600);
    expect(rig.host.warnings).toEqual([
      expect.stringMatching(/^otlp-wasm: JSON cannot be had, protobuf is sent: /),
    ]);
  });

  it.each(ENGINE_NAMES)(
    'on %s: texts longer than a request may be arrive whole',
    async (engine) => {
      const rig = started({
        protocol: 'http/json',
        engine,
        batch: { ...BATCH, maxRequestBytes: 4096 },
      });
      record(rig.tracer, 300);
      await rig.host.advance(1000);
      await until(rig, () => rig.traces().sent === 300);
      const longest = Math.max(...rig.transport.payloads.map(({ rawBytes }) => rawBytes));
      expect(longest).toBeGreaterThan(4096);
      for (const { body, encoding, rawBytes } of rig.transport.payloads) {
        expect(encoding).toBe('gzip');
        expect(gunzipSync(body)).toHaveLength(rawBytes);
      }
      expect(rig.transport.traces().map(({ name }) => name)).toEqual(
        Array.from({ length: 300 }, (_, i) => `span ${i}`),
      );
    },
  );

  it('requests that wait for the format, then for a slow compressor, are not mixed up', async () => {
    const finish: (() => void)[] = [];
    const rig = started(
      { protocol: 'http/json', engine: 'portable', batch: { size: 50, maxSize: 50 } },
      {
        gzip: (bytes) =>
          new Promise((resolve) => {
            finish.push(() => resolve(gzipSync(bytes)));
          }),
      },
    );
    record(rig.tracer, 500);
    await rig.host.advance(1000);
    await until(rig, () => finish.length === 10);
    // the last one first
    for (const done of finish.reverse()) {
      done();
      await rig.host.settle();
    }
    expect(rig.traces()).toMatchObject({ sent: 500, queued: 0 });
    const names = rig.transport.traces().map(({ name }) => name);
    expect(names[0]).toBe('span 450');
    expect(new Set(names).size).toBe(500);
  });

  it('what was recorded while the format is loaded is part of flush() and shutdown()', async () => {
    const collector = await collect();
    const { telemetry, tracer } = onNode({ protocol: 'http/json', endpoint: collector.url });
    record(tracer, 700);
    expect(await telemetry.flush()).toMatchObject({ complete: true, sent: 700 });
    record(tracer, 1);
    expect(await telemetry.shutdown()).toMatchObject({ complete: true, sent: 701, dropped: 0 });
    expect(collector.traces()).toHaveLength(701);
    for (const { contentType, contentEncoding } of collector.requests()) {
      expect([contentType, contentEncoding]).toEqual(['application/json', 'gzip']);
    }
  });

  it('is named by OTEL_EXPORTER_OTLP_PROTOCOL', async () => {
    const collector = await collect();
    const { telemetry, tracer, warnings } = onNode(
      {},
      {
        OTEL_EXPORTER_OTLP_PROTOCOL: 'HTTP/JSON',
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      },
    );
    record(tracer, 1);
    await telemetry.shutdown();
    expect(collector.requests().map(({ path, contentType }) => [path, contentType])).toEqual([
      ['/v1/traces', 'application/json'],
    ]);
    expect(warnings).toEqual([]);
  });
});

describe("protocol: 'grpc'", () => {
  it.each([
    ['option', { protocol: 'grpc' }, {}],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', {}, { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }],
    [
      'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL',
      {},
      {
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc',
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      },
    ],
  ] as const)('by %s: spans go to the gRPC port, compressed', async (_by, options, env) => {
    const collector = await collect({ grpcPort: 0 });
    const { telemetry, tracer, warnings } = onNode(options, {
      ...env,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.grpcUrl!,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=blue',
    });
    record(tracer, 1000);
    expect(await telemetry.flush()).toMatchObject({ complete: true, sent: 1000 });
    await vi.waitFor(() =>
      expect(telemetry.health().endpoints[0]).toMatchObject({
        url: `${collector.grpcUrl}/`,
        state: 'ok',
        limit: 32,
        connections: { state: 'ready', open: 1, busy: 0 },
      }),
    );
    await telemetry.shutdown();
    expect(collector.traces()).toHaveLength(1000);
    for (const request of collector.requests()) {
      expect(request).toMatchObject({ protocol: 'grpc', contentEncoding: 'gzip', grpcStatus: 0 });
      expect(request.headers['x-tenant']).toBe('blue');
    }
    expect(warnings).toEqual([]);
  });

  it('an endpoint without a scheme is without TLS where OTEL_EXPORTER_OTLP_INSECURE is true', async () => {
    const collector = await collect({ grpcPort: 0 });
    const { telemetry, tracer } = onNode(
      {},
      {
        OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
        OTEL_EXPORTER_OTLP_ENDPOINT: new URL(collector.grpcUrl!).host,
        OTEL_EXPORTER_OTLP_INSECURE: 'true',
      },
    );
    record(tracer, 3);
    expect(await telemetry.shutdown()).toMatchObject({ complete: true, sent: 3 });
  });

  const urlOf = (options: StartOptions, env: FakeHostOptions['env'] = {}, grpc = true) => {
    const { host } = started(options, { env, grpc });
    return [host.transportOptions!.url, ...host.warnings];
  };

  it('has its own default endpoint, and no path', () => {
    expect(urlOf({ protocol: 'grpc' })).toEqual(['http://localhost:4317/']);
    expect(urlOf({})).toEqual(['http://localhost:4318/v1/traces']);
    expect(urlOf({ protocol: 'http/json' })).toEqual(['http://localhost:4318/v1/traces']);
    expect(urlOf({}, { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).toEqual(['http://localhost:4317/']);
    expect(urlOf({ protocol: 'grpc', endpoint: 'http://collector:5000' })).toEqual([
      'http://collector:5000/',
    ]);
    expect(urlOf({ protocol: 'grpc', tracesEndpoint: 'https://a', endpoint: 'http://b' })).toEqual([
      'https://a/',
    ]);
    const [url, warning] = urlOf({ protocol: 'grpc', endpoint: 'http://collector:5000/v1/traces' });
    expect(url).toBe('http://collector:5000/');
    expect(warning).toContain("option 'endpoint' has a path");
  });

  it('endpoints without a scheme are with TLS unless OTEL_EXPORTER_OTLP_[TRACES_]INSECURE', () => {
    const env = {
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317',
    };
    expect(urlOf({}, env)).toEqual(['https://collector:4317/']);
    const insecure = { ...env, OTEL_EXPORTER_OTLP_INSECURE: 'TRUE' };
    expect(urlOf({}, insecure)).toEqual(['http://collector:4317/']);
    expect(urlOf({}, { ...insecure, OTEL_EXPORTER_OTLP_TRACES_INSECURE: 'false' })).toEqual([
      'https://collector:4317/',
    ]);
    expect(urlOf({ endpoint: 'other:1' }, insecure)).toEqual(['http://other:1/']);
    // a scheme says it
    expect(urlOf({ endpoint: 'https://other:1' }, insecure)).toEqual(['https://other:1/']);
  });

  it('the option wins over the variables, the variable of traces over the general one', () => {
    const both = {
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    };
    expect(urlOf({}, both)).toEqual(['http://localhost:4317/']);
    expect(urlOf({ protocol: 'http/protobuf' }, both)).toEqual(['http://localhost:4318/v1/traces']);
  });

  it('a variable that names none is said once, and http/protobuf taken', () => {
    const [url, ...warnings] = urlOf({}, { OTEL_EXPORTER_OTLP_PROTOCOL: 'carrier-pigeon' });
    expect(url).toBe('http://localhost:4318/v1/traces');
    expect(warnings).toEqual([
      "otlp-wasm: OTEL_EXPORTER_OTLP_PROTOCOL is 'carrier-pigeon', not http/protobuf, http/json or grpc; http/protobuf is used.",
    ]);
    expect(refusal(() => started({ protocol: 'thrift' as 'grpc' })).message).toBe(
      "option 'protocol' is 'thrift'; give 'http/protobuf', 'http/json' or 'grpc', or leave it out.",
    );
  });

  it('is refused where the host has none, with what to take instead', () => {
    const { message } = refusal(() => started({ protocol: 'grpc' }));
    expect(message).toContain('fake cannot send');
    expect(message).toContain("give 'http/protobuf'");
    // a variable is no reason to fail
    const env = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' };
    expect(urlOf({}, env, false)).toEqual([
      'http://localhost:4318/v1/traces',
      "otlp-wasm: OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc', not http/protobuf or http/json; http/protobuf is used.",
    ]);
  });

  it('headers, credentials in the URL and auth reach it', () => {
    const { host } = started(
      {
        protocol: 'grpc',
        endpoint: 'https://collector',
        headers: { 'x-tenant': 'blue' },
        auth: { bearer: 'token' },
      },
      { grpc: true },
    );
    expect(host.transportOptions!.headers).toEqual({
      'x-tenant': 'blue',
      authorization: 'Bearer token',
    });
  });
});

describe('compression', () => {
  it('that cannot be had is refused, with what to give', () => {
    expect(refusal(() => started({ compression: 'br' })).message).toBe(
      "option 'compression' is 'br', which this host has not; give 'gzip', 'zstd', 'snappy', 'none', 'deflate', 'zlib', 'lz4' or 'x-snappy-framed', or leave it out.",
    );
    expect(
      refusal(() => started({ compression: 'lz4', protocol: 'grpc' }, { grpc: true })).message,
    ).toBe(
      "option 'compression' is 'lz4' over gRPC; give 'gzip', 'zstd', 'snappy' or 'none', or leave it out.",
    );
  });

  it.each(ENGINE_NAMES)('in every encoding, on %s; small bodies stay', async (engine) => {
    const encodings = [
      'gzip',
      'zstd',
      'deflate',
      'zlib',
      'lz4',
      'snappy',
      'x-snappy-framed',
    ] as const;
    for (const encoding of encodings) {
      const rig = started({ compression: { encoding, level: 'default' }, engine, batch: BATCH });
      record(rig.tracer, 512);
      await until(rig, () => rig.traces().sent === 512);
      record(rig.tracer, 1);
      await rig.host.advance(1000);
      await until(rig, () => rig.traces().sent === 513);
      const { payloads } = rig.transport;
      expect(payloads.map((payload) => payload.encoding)).toEqual([encoding, 'identity']);
      expect(payloads[0]!.body.length).toBeLessThan(payloads[0]!.rawBytes / 2);
      expect(rig.transport.traces()).toHaveLength(513);
      expect(rig.host.warnings).toEqual([]);
    }
  });

  it('from the size that is asked for', async () => {
    for (const [minBytes, encoding] of [
      [0, 'gzip'],
      [1_000_000, 'identity'],
    ] as const) {
      const rig = started({ compression: { minBytes }, batch: BATCH });
      record(rig.tracer, minBytes === 0 ? 1 : 512);
      await rig.host.advance(1000);
      await rig.telemetry.flush();
      expect(rig.transport.payloads.map((payload) => payload.encoding)).toEqual([encoding]);
    }
  });

  it('that cannot be loaded is gzip, which is said once', async () => {
    const rig = started(
      { compression: 'lz4', batch: BATCH },
      { compressor: () => Promise.reject(new Error('no such file')) },
    );
    record(rig.tracer, 512);
    record(rig.tracer, 512);
    await until(rig, () => rig.traces().sent === 1024);
    expect(rig.transport.payloads.map(({ encoding }) => encoding)).toEqual(['gzip', 'gzip']);
    expect(rig.host.warnings).toEqual([
      'otlp-wasm: lz4 cannot be had, gzip is sent: Error: no such file',
    ]);
    expect(rig.telemetry.health().endpoints[0]).toMatchObject({ encoding: 'gzip' });
  });

  it('is JSON in lz4, too', async () => {
    const rig = started({ compression: 'lz4', protocol: 'http/json' });
    record(rig.tracer, 512);
    await until(rig, () => rig.traces().sent === 512);
    expect(rig.transport.payloads[0]).toMatchObject({
      contentType: 'application/json',
      encoding: 'lz4',
    });
    expect(rig.transport.traces()).toHaveLength(512);
  });

  it('that is refused is gzip from then on: said once, and seen in health()', async () => {
    const rig = started({ compression: 'snappy', batch: BATCH });
    rig.transport.always(({ encoding }) =>
      encoding === 'snappy'
        ? { kind: 'rejected', reason: 'HTTP 415', status: 415, remedy: 'recode' }
        : { kind: 'delivered' },
    );
    for (let batch = 1; batch <= 3; batch++) {
      record(rig.tracer, 512);
      await until(rig, () => rig.traces().sent === batch * 512);
    }
    expect(rig.transport.payloads.map(({ encoding }) => encoding)).toEqual([
      'snappy',
      'gzip',
      'gzip',
      'gzip',
    ]);
    expect(rig.transport.traces()).toHaveLength(1536);
    expect(rig.traces()).toMatchObject({ recorded: 1536, rejected: 0, queued: 0 });
    expect(rig.host.warnings).toEqual([
      'otlp-wasm: the endpoint takes no snappy: gzip is sent instead.',
    ]);
    expect(rig.telemetry.health().endpoints[0]).toMatchObject({
      encoding: 'gzip',
      refusedEncodings: ['snappy'],
      lastWarning: 'the endpoint takes no snappy: gzip is sent instead',
    });
  });
});

describe('an endpoint that takes no compressed bodies', () => {
  it('gets all later ones uncompressed, and nothing is lost', async () => {
    const { host, transport, tracer, telemetry, traces } = started({ batch: BATCH });
    transport.always(({ encoding }) =>
      encoding === 'identity'
        ? { kind: 'delivered' }
        : { kind: 'rejected', reason: 'HTTP 415', status: 415, remedy: 'recode' },
    );
    record(tracer, 512);
    await host.settle();
    record(tracer, 512, 512);
    await host.settle();
    expect(transport.payloads.map(({ encoding }) => encoding)).toEqual([
      'gzip',
      'identity',
      'identity',
    ]);
    expect(traces()).toMatchObject({ sent: 1024, rejected: 0 });
    expect(telemetry.health().endpoints[0]).toMatchObject({
      state: 'ok',
      lastWarning: 'the endpoint takes no gzip: bodies are sent as they are',
    });
    expect(transport.traces()).toHaveLength(1024);
  });

  it('a request that is too large arrives in parts', async () => {
    const { host, transport, tracer, traces } = started();
    transport.always(({ records }) =>
      records <= 150
        ? { kind: 'delivered' }
        : { kind: 'rejected', reason: 'HTTP 413', status: 413, remedy: 'split' },
    );
    record(tracer, 512);
    await host.settle();
    expect(traces()).toMatchObject({ sent: 512, rejected: 0 });
    expect(transport.traces().map(({ name }) => name)).toEqual(
      Array.from({ length: 512 }, (_, i) => `span ${i}`),
    );
  });
});

describe('who sends', () => {
  it('headers of a function are asked for before every attempt', async () => {
    const collector = await collect();
    let asked = 0;
    const { telemetry, tracer } = onNode({
      endpoint: collector.url,
      headers: () => ({ 'x-serial': `${++asked}` }),
    });
    for (const expected of [1, 2, 3]) {
      record(tracer, 1);
      await telemetry.flush();
      expect(collector.requests().at(-1)!.headers['x-serial']).toBe(`${expected}`);
    }
  });

  it('spans wait while the function fails, and health() says why', async () => {
    const collector = await collect();
    let signedIn = false;
    const { telemetry, tracer } = onNode({
      endpoint: collector.url,
      headers: async () => {
        if (!signedIn) throw new Error('not signed in');
        return { 'x-user': 'me' };
      },
      queue: { retry: { initialMs: 1 } },
      flushTimeoutMs: 20_000,
    });
    record(tracer, 3);
    const flushed = telemetry.flush();
    while (telemetry.health().signals.traces.retries < 2) await turn();
    expect(telemetry.health().endpoints[0]).toMatchObject({
      state: 'failing',
      lastError: 'headers cannot be had: not signed in',
    });
    signedIn = true;
    expect(await flushed).toMatchObject({ complete: true, sent: 3 });
    expect(collector.requests()[0]!.headers['x-user']).toBe('me');
  });

  it('a bearer token goes over HTTP and gRPC, and is shown nowhere', async () => {
    const token = 'tok-1234567890';
    for (const protocol of ['http/protobuf', 'http/json', 'grpc'] as const) {
      const seen: (string | undefined)[] = [];
      const collector = await collect({ grpcPort: 0 });
      const { telemetry, tracer, warnings } = onNode({
        protocol,
        endpoint: protocol === 'grpc' ? collector.grpcUrl! : collector.url,
        auth: { bearer: () => token },
      });
      record(tracer, 1);
      expect(await telemetry.flush()).toMatchObject({ complete: true, sent: 1 });
      seen.push(collector.requests()[0]!.headers['authorization']);
      // the collector keeps no credentials, but it saw some
      expect(seen).toEqual(['[redacted]']);
      expect(JSON.stringify([telemetry.health(), warnings])).not.toContain(token);
    }
  });
});

describe('queue', () => {
  const wrong: readonly [NonNullable<StartOptions['queue']>, RegExp][] = [
    [
      { dropPolicy: 'random' as 'oldest' },
      /'queue\.dropPolicy' is 'random'; give 'newest' or 'oldest'/,
    ],
    [
      { concurrency: 'much' as 'fixed' },
      /'queue\.concurrency' is 'much'; give 'fixed' or 'adaptive'/,
    ],
    [
      { priority: ['spans' as 'traces'] },
      /queue\.priority.*'spans'.*traces, metrics, logs, profiles/,
    ],
    [{ priority: 'traces' as never }, /queue\.priority/],
    [{ retry: { httpStatuses: [200] } }, /queue\.retry\.httpStatuses.*200.*300 to 599/],
    [{ retry: { httpStatuses: [503.5] } }, /queue\.retry\.httpStatuses.*503\.5/],
    [{ retry: { httpStatuses: 503 as never } }, /queue\.retry\.httpStatuses/],
    [{ retry: { grpcCodes: ['OK'] } }, /queue\.retry\.grpcCodes.*'OK'/],
    [
      { retry: { grpcCodes: ['unavailable'] } },
      /queue\.retry\.grpcCodes.*'unavailable'.*'UNAVAILABLE'/,
    ],
    [{ retry: { grpcCodes: [14 as never] } }, /queue\.retry\.grpcCodes.*14/],
  ];

  it.each(wrong)('%j is refused, with what was seen and what to give', (queue, message) => {
    expect(refusal(() => started({ queue })).message).toMatch(message);
  });

  it('statuses and codes worth a retry reach the transport, the defaults are left to it', () => {
    const retry = { httpStatuses: [500, 503], grpcCodes: ['UNKNOWN'] };
    expect(started({ queue: { retry } }).host.transportOptions!.retryable).toEqual(retry);
    expect(started().host.transportOptions!.retryable).toEqual({});
  });

  it('retry.httpStatuses takes the place of the specified ones', async () => {
    const collector = await collect();
    await collector.fault({ kind: 'status', status: 500, times: 1 });
    const { telemetry, tracer } = onNode({
      endpoint: collector.url,
      queue: { retry: { httpStatuses: [500], initialMs: 1 } },
    });
    record(tracer, 1);
    expect(await telemetry.flush()).toMatchObject({ complete: true, sent: 1 });
    await collector.fault({ kind: 'status', status: 503, times: 1 });
    record(tracer, 1);
    expect(await telemetry.flush()).toMatchObject({ complete: true, sent: 1, rejected: 1 });
  });

  it('retry.grpcCodes takes the place of the specified ones', async () => {
    const collector = await collect({ grpcPort: 0 });
    const { telemetry, tracer } = onNode({
      protocol: 'grpc',
      endpoint: collector.grpcUrl!,
      queue: { retry: { grpcCodes: ['INTERNAL'], initialMs: 1 } },
    });
    await collector.fault({ kind: 'status', grpcStatus: 13, times: 1 });
    record(tracer, 1);
    expect(await telemetry.flush()).toMatchObject({ complete: true, sent: 1 });
    await collector.fault({ kind: 'status', grpcStatus: 14, times: 1 });
    record(tracer, 1);
    expect(await telemetry.flush()).toMatchObject({ complete: true, sent: 1, rejected: 1 });
  });

  it.each([
    ['newest', ['span 0', 'span 1']],
    ['oldest', ['span 1', 'span 2']],
  ] as const)('dropPolicy %s decides what a full queue keeps', async (dropPolicy, kept) => {
    const one = started({ compression: 'none' });
    record(one.tracer, 1);
    await one.arrived();
    const { host, transport, tracer, traces } = started({
      compression: 'none',
      queue: {
        dropPolicy,
        maxBytes: 2 * one.transport.payloads[0]!.body.length,
        maxInFlight: 1,
      },
    });
    transport.always({ kind: 'retryable', reason: 'HTTP 503' });
    for (let i = 0; i < 3; i++) {
      record(tracer, 1, i);
      await host.advance(1000);
    }
    expect(traces()).toMatchObject({ queued: 2, dropped: { queue_full: 1 } });
    transport.always({ kind: 'delivered' });
    await host.advance(60_000);
    const arrived = transport.traces().map(({ name }) => name);
    expect(arrived.sort()).toEqual(kept);
    expect(unaccounted(traces())).toBe(0);
  });

  it('concurrency and maxInFlight are seen in health()', async () => {
    const limitOf = (queue: StartOptions['queue']) =>
      started(queue === undefined ? {} : { queue }).telemetry.health().endpoints[0]!.limit;
    expect(limitOf(undefined)).toBe(32);
    expect(limitOf({ maxInFlight: 7 })).toBe(7);
    expect(limitOf({ concurrency: 'adaptive' })).toBe(4);
    expect(limitOf({ concurrency: 'adaptive', maxInFlight: 2 })).toBe(2);
  });

  it('connections are seen in health(), as the transport has them', async () => {
    const collector = await collect();
    const { telemetry, tracer } = onNode({ endpoint: collector.url });
    const connections = () => telemetry.health().endpoints[0]!.connections;
    expect(connections()).toEqual({ state: 'idle', open: 0, busy: 0 });
    record(tracer, 1);
    await telemetry.flush();
    await vi.waitFor(() => expect(connections()).toEqual({ state: 'ready', open: 1, busy: 0 }));
    expect(started().telemetry.health().endpoints[0]!.connections).toBeUndefined();
  });
});

describe('ready()', () => {
  /** Records in a loop that waits for room, as an import of many records does. */
  async function recordAll(telemetry: Telemetry, tracer: Tracer, count: number): Promise<void> {
    for (let i = 0; i < count; i += 256) {
      expect(await telemetry.ready()).toBe(true);
      record(tracer, Math.min(256, count - i), i);
    }
  }

  it.each([
    ['http/protobuf', 200_000],
    ['http/json', 50_000],
    ['grpc', 50_000],
  ] as const)(
    '%s: %d spans to a slow server through a small queue, and nothing is dropped',
    async (protocol, count) => {
      const collector = await collect({ grpcPort: 0, store: false });
      await collector.fault({ kind: 'delay', delayMs: 10 });
      const { telemetry, tracer } = onNode({
        protocol,
        endpoint: protocol === 'grpc' ? collector.grpcUrl! : collector.url,
        batch: { size: 512, maxSize: 512 },
        queue: { maxBytes: 256 * 1024, maxInFlight: 2 },
      });
      await recordAll(telemetry, tracer, count);
      const report = await telemetry.shutdown();
      expect(report).toMatchObject({
        complete: true,
        recorded: count,
        sent: count,
        dropped: 0,
      });
      expect(collector.stats().spans).toBe(count);
    },
    120_000,
  );

  it('is at once while there is room, and false when there is none in time', async () => {
    const { host, telemetry, transport, tracer } = started({
      batch: BATCH,
      compression: 'none',
      queue: { maxBytes: 60_000 },
    });
    expect(await telemetry.ready(0)).toBe(true);
    transport.always({ kind: 'retryable', reason: 'HTTP 503' });
    record(tracer, 512);
    await host.settle();
    const { queueBytes } = telemetry.health().memory;
    expect(queueBytes).toBeGreaterThan(45_000);
    const ready = telemetry.ready(5000);
    await host.advance(5000);
    expect(await ready).toBe(false);
    const later = telemetry.ready();
    transport.always({ kind: 'delivered' });
    await host.advance(60_000);
    expect(await later).toBe(true);
  });

  it('waits for batches that have not left the ring', async () => {
    const { host, telemetry, tracer, traces } = started({ batch: BATCH });
    record(tracer, 5000);
    expect(traces()).toMatchObject({ sent: 0, queued: 5000 });
    const ready = telemetry.ready(1000);
    await host.settle();
    expect(await ready).toBe(true);
    expect(traces().queued).toBeLessThan(512);
  });

  it('waits for the engine, as long as it is given', async () => {
    let load: () => void = () => {};
    const { host, telemetry } = started(
      { engine: 'portable' },
      {
        engines: {
          portable: () =>
            new Promise((resolve) => {
              load = () => resolve(portable);
            }),
        },
      },
    );
    const portable = await import('../src/engine/generated/core-portable.js');
    const early = telemetry.ready(100);
    await host.advance(100);
    expect(await early).toBe(false);
    const later = telemetry.ready(100);
    load();
    await host.settle();
    expect(await later).toBe(true);
  });

  it('waits while more bodies are being compressed than a few', async () => {
    const finish: (() => void)[] = [];
    const { host, telemetry, tracer, traces } = started(
      { engine: 'portable', batch: BATCH },
      {
        gzip: (bytes) =>
          new Promise((resolve) => {
            finish.push(() => resolve(bytes));
          }),
      },
    );
    record(tracer, 512 * 3);
    await host.settle();
    expect(await telemetry.ready(0)).toBe(true);
    record(tracer, 512 * 3);
    const ready = telemetry.ready(1000);
    let is: boolean | undefined;
    void ready.then((value) => {
      is = value;
    });
    await host.settle();
    expect([finish.length, is]).toEqual([6, undefined]);
    for (const done of finish) done();
    await host.settle();
    expect(is).toBe(true);
    expect(traces().sent).toBe(512 * 6);
  });

  it('is over when the telemetry is', async () => {
    const { host, telemetry, transport, tracer } = started({
      batch: BATCH,
      compression: 'none',
      queue: { maxBytes: 60_000 },
      flushTimeoutMs: 1000,
    });
    transport.always({ kind: 'retryable', reason: 'HTTP 503' });
    record(tracer, 512);
    await host.settle();
    const ready = telemetry.ready();
    const down = telemetry.shutdown();
    await host.advance(1000);
    expect(await ready).toBe(true);
    expect((await down).dropped).toBe(512);
    expect(await telemetry.ready()).toBe(true);
    expect(host.pending).toBe(0);
  });
});
