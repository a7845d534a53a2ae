/** Which encoding a body gets, who makes it, and that it arrives, whatever the endpoint takes. */

import { gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { Compression, CompressionPolicy, Encoding } from '../../src/compress/compress.ts';
import { INFLATE } from '../../src/compress/inflate/inflaters.ts';
import { type LateSources, lateCompressor } from '../../src/compress/policy.ts';
import { planMemory } from '../../src/engine/plan.ts';
import { type EngineName, selectEngine } from '../../src/engine/select.ts';
import type { Protocol } from '../../src/options/options.ts';
import { start as startInBrowser } from '../../src/runtime/browser/index.ts';
import { codecsSources } from '../../src/runtime/node/codecs.ts';
import {
  OTLPTraceExporter as GrpcExporter,
  grpcTransport,
} from '../../src/runtime/node/exporter-grpc.ts';
import { OTLPTraceExporter as JsonExporter } from '../../src/runtime/node/exporter-http.ts';
import { OTLPTraceExporter as ProtoExporter } from '../../src/runtime/node/exporter-proto.ts';
import { start as startOnNode } from '../../src/runtime/node/index.ts';
import {
  type Collector,
  type CollectorOptions,
  startCollector,
} from '../../src/workbench/collector/collector.ts';
import { ENGINE_NAMES, engineSources } from '../support/engines.ts';
import { endedSpans } from '../support/otlp-exporter.ts';

const LEVELS = ['fast', 'default', 'best'] as const;
const HTTP = ['gzip', 'zstd', 'deflate', 'zlib', 'lz4', 'snappy', 'x-snappy-framed', 'br'] as const;
const GRPC = ['gzip', 'zstd', 'snappy'] as const;
const PROTOCOLS: readonly Protocol[] = ['http/protobuf', 'http/json', 'grpc'];

const SPANS = 150;
const NAMES = Array.from({ length: SPANS }, (_, i) => `span ${i}`);

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanups.splice(0).reverse()) await cleanUp();
});

async function collect(options: CollectorOptions = {}): Promise<Collector> {
  const collector = await startCollector({ port: 0, grpcPort: 0, ...options });
  cleanups.push(() => collector.close());
  return collector;
}

type Options = NonNullable<Parameters<typeof startOnNode>[0]>;

/** Records, flushes and shuts down; what became of it. */
async function exported(collector: Collector, options: Options, start = startOnNode) {
  const endpoint = options.protocol === 'grpc' ? collector.grpcUrl! : collector.url;
  const telemetry = start({ endpoint, detectors: [], flushOnExit: false, ...options });
  cleanups.push(() => telemetry.shutdown());
  const tracer = telemetry.tracer('policy');
  for (const name of NAMES) tracer.startSpan(name, { attributes: { name } }).end();
  expect(await telemetry.flush()).toMatchObject({
    ...{ complete: true, recorded: SPANS, sent: SPANS },
    ...{ rejected: 0, dropped: 0, queued: 0 },
  });
  return telemetry.health().endpoints[0]!;
}

const namesIn = (collector: Collector) => collector.traces().map(({ name }) => name);
const encodingsIn = (collector: Collector) =>
  collector.requests().map(({ contentEncoding }) => contentEncoding);

describe.each(ENGINE_NAMES)('from the engine %s', (engine) => {
  it.each(PROTOCOLS)('over %s, in every encoding, all arrives', async (protocol) => {
    const encodings = protocol === 'grpc' ? GRPC : HTTP;
    const collector = await collect({ encodings: HTTP });
    for (const [at, encoding] of encodings.entries()) {
      collector.clear();
      const level = LEVELS[at % 3]!;
      const health = await exported(collector, {
        ...{ protocol, engine, compression: { encoding, level } },
      });
      expect(health).toMatchObject({ encoding, refusedEncodings: [], lastError: undefined });
      expect(encodingsIn(collector)).toEqual([encoding]);
      expect(namesIn(collector)).toEqual(NAMES);
      const [request] = collector.requests();
      expect(request!.wireBytes).toBeLessThan(request!.rawBytes * 0.8);
    }
  });
});

describe('where the endpoint does not take it', () => {
  const CASES = PROTOCOLS.flatMap((protocol) =>
    (protocol === 'grpc' ? GRPC : HTTP).map((encoding) => ({ protocol, encoding })),
  );

  it.each(CASES)('$protocol, $encoding: gzip, or nothing', async ({ protocol, encoding }) => {
    const others = encoding === 'gzip' ? [] : ['gzip'];
    const instead = encoding === 'gzip' ? 'identity' : 'gzip';
    const collector = await collect({ encodings: others });
    const health = await exported(collector, { protocol, compression: encoding });
    expect(encodingsIn(collector)).toEqual([encoding, instead]);
    expect(namesIn(collector)).toEqual(NAMES);
    expect(health).toMatchObject({ encoding: instead, refusedEncodings: [encoding] });
  });

  it.each(['http/protobuf', 'http/json'] as const)(
    '%s: a 415 is as good as a 400',
    async (protocol) => {
      const collector = await collect();
      await collector.fault({ kind: 'status', status: 415, times: 2 });
      const health = await exported(collector, { protocol, compression: 'lz4' });
      expect(encodingsIn(collector)).toEqual(['lz4', 'gzip', 'identity']);
      expect(namesIn(collector)).toEqual(NAMES);
      expect(health).toMatchObject({ encoding: 'identity', refusedEncodings: ['lz4', 'gzip'] });
    },
  );

  it('takes small requests only: in halves that it takes', async () => {
    for (const encoding of ['lz4', 'zstd', 'snappy', 'zlib'] as const) {
      const collector = await collect({ maxRequestBytes: 6000 });
      await exported(collector, { compression: encoding });
      expect(namesIn(collector).sort()).toEqual([...NAMES].sort());
      expect(collector.requests().length).toBeGreaterThan(4);
    }
  });
});

describe('in a browser', () => {
  it.each(['zstd', 'lz4', 'snappy', 'deflate'] as const)('%s arrives', async (encoding) => {
    const collector = await collect();
    await exported(collector, { compression: encoding }, startInBrowser);
    expect(encodingsIn(collector)).toEqual([encoding]);
    expect(namesIn(collector)).toEqual(NAMES);
  });

  it.each(['zstd', 'lz4', 'snappy', 'deflate'] as const)(
    '%s refused, it goes as gzip',
    async (encoding) => {
      const collector = await collect({ encodings: ['gzip'] });
      await exported(collector, { compression: encoding }, startInBrowser);
      expect(encodingsIn(collector)).toEqual([encoding, 'gzip']);
      expect(namesIn(collector)).toEqual(NAMES);
    },
  );

  it('br is refused, with what to give', () => {
    expect(() => startInBrowser({ compression: 'br' })).toThrow(
      "option 'compression' is 'br', which this host has not; give 'gzip', 'zstd'",
    );
  });
});

describe('drop-in exporters', () => {
  const EXPORTERS = [
    ['proto', ProtoExporter, HTTP],
    ['http', JsonExporter, HTTP],
    ['grpc', GrpcExporter, GRPC],
  ] as const;

  it.each(EXPORTERS)('%s: every encoding arrives', async (name, Exporter, encodings) => {
    const collector = await collect({ encodings: HTTP });
    const url = name === 'grpc' ? collector.grpcUrl! : `${collector.url}/v1/traces`;
    for (const encoding of encodings) {
      collector.clear();
      const exporter = new Exporter({ url, compression: { encoding, level: 'default' } });
      const result = await new Promise((told) => {
        exporter.export(endedSpans(40), told);
      });
      await exporter.shutdown();
      expect(result).toEqual({ code: 0 });
      expect(encodingsIn(collector)).toEqual([encoding]);
      expect(collector.stats().spans).toBe(40);
    }
  });

  it('grpc: an encoding without a name there is refused', () => {
    expect(() => new GrpcExporter({ compression: 'lz4' })).toThrow(
      "option 'compression' is 'lz4' over gRPC; give 'gzip', 'zstd', 'snappy' or 'none'",
    );
  });

  it('grpcTransport() in start(): snappy is framed, and names are those of gRPC', async () => {
    const collector = await collect();
    const transport = () => grpcTransport({ url: collector.grpcUrl! });
    await exported(collector, { transport: transport(), compression: 'snappy' });
    expect(encodingsIn(collector)).toEqual(['snappy']);
    expect(() => startOnNode({ transport: transport(), compression: 'lz4' })).toThrow('over gRPC');
  });
});

/** Where a compressor reads and writes, as it is laid out for codecs. */
const PLAN = planMemory(1 << 20, 1 << 20, 1 << 20, { withCodecs: true });
const TEXT = Buffer.from('one two three four five six '.repeat(300));
const DECODE: Partial<Record<Encoding, (bytes: Uint8Array) => Uint8Array>> = {
  gzip: gunzipSync,
  zlib: inflateSync,
  deflate: inflateSync,
  ...Object.fromEntries(
    Object.entries(INFLATE).map(([name, inflate]) => [
      name,
      (bytes: Uint8Array) => inflate(bytes, 1 << 20),
    ]),
  ),
};

async function compressed(
  engineName: EngineName,
  given: Partial<CompressionPolicy>,
  sources: LateSources,
) {
  const engine = await selectEngine(engineSources, engineName, PLAN.bytes);
  const policy = {
    encoding: 'gzip',
    level: 'default',
    minBytes: 0,
    grpc: false,
    ...given,
  } as const;
  const late = await lateCompressor({ engine, policy, plan: PLAN }, sources);
  const memory = new Uint8Array(engine.buffer);
  memory.set(TEXT, PLAN.request.at);
  return {
    body: await late.make(PLAN.request.at, TEXT.length, 'text/plain'),
    make: late.make,
    memory,
  };
}

describe('who compresses', () => {
  const none: LateSources = { codecs: codecsSources, host: {} };

  it.each(ENGINE_NAMES)('on %s, where the host has nothing, the kernels', async (engine) => {
    for (const encoding of HTTP.slice(0, -1) as Exclude<Compression, 'none' | 'br'>[]) {
      const { body } = await compressed(engine, { encoding }, none);
      expect(body).toMatchObject({ encoding, contentType: 'text/plain', rawBytes: TEXT.length });
      expect(Buffer.compare(DECODE[encoding]!(body.body), TEXT)).toBe(0);
    }
  });

  it.each(ENGINE_NAMES)('on %s, snappy is framed over gRPC', async (engine) => {
    const { body } = await compressed(engine, { encoding: 'snappy', grpc: true }, none);
    expect(body.encoding).toBe('snappy');
    expect(Buffer.from(body.body.subarray(0, 10)).toString('latin1')).toBe('\xff\x06\0\0sNaPpY');
  });

  it.each(ENGINE_NAMES)('on %s, all encodings from one memory, again and again', async (engine) => {
    const { make, memory } = await compressed(engine, { encoding: 'lz4' }, none);
    const first = await make(PLAN.request.at, TEXT.length, 'text/plain');
    memory.fill(0, PLAN.compressed.at, PLAN.compressed.at + 1000);
    const second = await make(PLAN.request.at, TEXT.length, 'text/plain');
    expect(Buffer.compare(first.body, second.body)).toBe(0);
    expect(first.body.buffer).not.toBe(memory.buffer);
  });

  it('the host, where it has what it is better at; by the level that is asked for', async () => {
    const calls: unknown[] = [];
    const byHost = (encoding: Encoding) => (bytes: Uint8Array, level: string) => {
      calls.push([encoding, level]);
      return gzipSync(bytes);
    };
    const host = Object.fromEntries(HTTP.map((encoding) => [encoding, byHost(encoding)]));
    for (const engine of ENGINE_NAMES) {
      calls.length = 0;
      for (const encoding of HTTP) {
        await compressed(engine, { encoding, level: 'best' }, { ...none, host });
      }
      const own =
        engine === 'portable' ? ['gzip', 'zstd', 'deflate', 'zlib', 'br'] : ['zstd', 'br'];
      expect(calls).toEqual(own.map((encoding) => [encoding, 'best']));
    }
  });

  it('a host that fails leaves the body as it is', async () => {
    const failing = [
      () => Promise.reject(new Error('later')),
      () => {
        throw new Error('at once');
      },
    ];
    for (const br of failing) {
      const { body } = await compressed('simd', { encoding: 'br' }, { ...none, host: { br } });
      expect(body.encoding).toBe('identity');
      expect(Buffer.compare(body.body, TEXT)).toBe(0);
    }
  });

  it('what does not get smaller than its room goes as it is', async () => {
    const { make, memory } = await compressed('simd', { encoding: 'snappy' }, none);
    const room = PLAN.compressed.capacity;
    const noise = new Uint8Array(room);
    for (let at = 0; at < room; at += 65_536)
      crypto.getRandomValues(noise.subarray(at, at + 65_536));
    memory.set(noise, PLAN.request.at);
    const body = await make(PLAN.request.at, room, 'text/plain');
    expect(body.encoding).toBe('identity');
    expect(Buffer.compare(body.body, noise)).toBe(0);
  });

  it('no kernel where there is no room for it in memory', async () => {
    const plan = planMemory(1 << 20, 1 << 20, 1 << 20);
    const engine = await selectEngine(engineSources, 'simd', plan.bytes);
    const policy = { encoding: 'lz4', level: 'fast', minBytes: 0, grpc: false } as const;
    await expect(lateCompressor({ engine, policy, plan }, none)).rejects.toThrow('no room');
  });

  it('nobody: it is said', async () => {
    await expect(compressed('simd', { encoding: 'br' }, none)).rejects.toThrow('has no br');
  });
});
