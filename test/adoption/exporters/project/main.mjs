// The exporters in one line of upstream's SDK, `node main.mjs 2.x`: what they send is compared with
// what upstream's send, then everything goes wrong.

import assert from 'node:assert/strict';
import { Agent, createServer } from 'node:http';
import { setTimeout as later } from 'node:timers/promises';
import { Metadata } from '@grpc/grpc-js';
import { OTLPTraceExporter as UpstreamGrpc } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as UpstreamHttp } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as UpstreamProto } from '@opentelemetry/exporter-trace-otlp-proto';
import { startCollector } from 'otlp-wasm/collector';
import { OTLPTraceExporter as OurGrpc } from 'otlp-wasm/exporters/grpc';
import { OTLPTraceExporter as OurHttp } from 'otlp-wasm/exporters/http';
import { OTLPTraceExporter as OurProto } from 'otlp-wasm/exporters/proto';
import { it, runCases } from './cases.mjs';
import { setups } from './setups.mjs';
import { countingIds, LIMITS, NOT_IN_JSON, record, resourceOf } from './spans.mjs';

const sdk = await import(`./sdk-${process.argv[2]}.mjs`);

const SUBJECTS = {
  proto: { upstream: UpstreamProto, ours: OurProto },
  http: { upstream: UpstreamHttp, ours: OurHttp },
  grpc: { upstream: UpstreamGrpc, ours: OurGrpc },
};
const PROTOCOLS = Object.keys(SUBJECTS);

/** Fast, so that no case waits; slow enough to be told from the first attempt. */
const queue = { retry: { initialMs: 20, multiplier: 1, maxMs: 20, maxAgeMs: 60_000 } };

const HEADERS = { 'x-shop': 'one', authorization: 'Bearer s3cret' };

/** As each protocol's exporters take them. */
function headersFor(protocol) {
  if (protocol !== 'grpc') return { headers: HEADERS };
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(HEADERS)) metadata.set(key, value);
  return { metadata };
}

/** `use` gets a collector that is closed afterwards. */
async function collecting(use, options = {}) {
  const collector = await startCollector({ port: 0, grpcPort: 0, keepBodies: true, ...options });
  try {
    return await use(collector);
  } finally {
    await collector.close();
  }
}

const urlOf = ({ url, grpcUrl }, Exporter) =>
  [UpstreamGrpc, OurGrpc].includes(Exporter) ? grpcUrl : `${url}/v1/traces`;

/** The requests of the spans of spans.mjs. */
async function sent(setup, Exporter, options = {}) {
  const more = Exporter === UpstreamHttp || Exporter === OurHttp ? {} : NOT_IN_JSON;
  return collecting(async (collector) => {
    const exporter = new Exporter({ url: urlOf(collector, Exporter), ...options });
    const provider = setups[setup](sdk, exporter, {
      resource: resourceOf(sdk),
      idGenerator: countingIds(),
      spanLimits: LIMITS,
    });
    record(provider, sdk.line, more);
    await provider.forceFlush();
    await provider.shutdown();
    for (const { status, error } of collector.requests()) assert.equal(status, 200, error);
    if (exporter.health !== undefined) assertDelivered(exporter, collector.traces().length);
    return collector.requests();
  });
}

const noDrops = (health) =>
  Object.entries(health.signals.traces.dropped).filter(([, count]) => count > 0);

function assertDelivered(exporter, spans) {
  const health = exporter.health();
  const { recorded, sent, rejected, queued } = health.signals.traces;
  assert.deepEqual(
    { recorded, sent, rejected, queued },
    { recorded: spans, sent: spans, rejected: 0, queued: 0 },
  );
  assert.deepEqual(noDrops(health), []);
  assert.equal(health.engine.name, 'simd', health.engine.reason);
}

const bodies = (requests) => requests.map(({ body }) => body);

// What is sent.

for (const protocol of PROTOCOLS) {
  const { upstream, ours } = SUBJECTS[protocol];
  for (const setup of Object.keys(setups)) {
    it(`${setup}, ${protocol}: as upstream's exporter`, async () => {
      const compared = {
        upstream: bodies(await sent(setup, upstream)),
        ours: bodies(await sent(setup, ours)),
      };
      assert.equal(compared.ours.length, compared.upstream.length, 'requests');
      return { protocol, ...compared };
    });
  }

  for (const compression of ['gzip', 'none']) {
    it(`${protocol}: headers, compression: '${compression}'`, async () => {
      const options = { ...headersFor(protocol), compression };
      const theirs = await sent('batch', upstream, options);
      const own = await sent('batch', ours, options);
      const shape = ({ path, contentType, contentEncoding, headers }) => [
        path,
        contentType,
        contentEncoding,
        headers['x-shop'],
        headers.authorization,
      ];
      assert.deepEqual(own.map(shape), theirs.map(shape));
      assert.equal(own[0].contentEncoding, compression === 'gzip' ? 'gzip' : 'identity');
      if (compression === 'gzip') assert.ok(own[0].wireBytes < own[0].rawBytes / 2, 'compressed');
      return { protocol, upstream: bodies(theirs), ours: bodies(own) };
    });
  }

  it(`${protocol}: what OTEL_EXPORTER_OTLP_* ask for`, async () => {
    const asked = [
      ({ url, grpcUrl }) => ({
        ENDPOINT: protocol === 'grpc' ? grpcUrl : url,
        HEADERS: 'x-shop=one,x-words=two%20words',
        COMPRESSION: 'gzip',
        TIMEOUT: '20000',
      }),
      (collector) => ({
        ENDPOINT: 'http://127.0.0.1:9',
        TRACES_ENDPOINT: urlOf(collector, ours),
        HEADERS: 'x-shop=all,x-all=1',
        TRACES_HEADERS: 'x-shop=traces',
        COMPRESSION: 'gzip',
        TRACES_COMPRESSION: 'none',
      }),
    ];
    for (const variables of asked) {
      const seen = [];
      for (const Exporter of [upstream, ours]) {
        await collecting(async (collector) => {
          const set = Object.entries(variables(collector));
          for (const [name, value] of set) process.env[`OTEL_EXPORTER_OTLP_${name}`] = value;
          try {
            const provider = setups.batch(sdk, new Exporter(), {});
            recordMany(provider, 10);
            await provider.forceFlush();
            await provider.shutdown();
          } finally {
            for (const [name] of set) delete process.env[`OTEL_EXPORTER_OTLP_${name}`];
          }
          seen.push(
            collector.requests().map(({ path, contentEncoding, headers }) => ({
              path,
              contentEncoding,
              ...Object.fromEntries(Object.entries(headers).filter(([name]) => /^x-/.test(name))),
            })),
          );
        });
      }
      assert.equal(seen[0].length, 1);
      assert.deepEqual(seen[1], seen[0]);
    }
  });

  // Metadata is an object.
  if (protocol === 'grpc') continue;

  it(`${protocol}: headers from a function`, async () => {
    for (const headers of [() => ({ 'x-shop': 'asked' }), async () => ({ 'x-shop': 'asked' })]) {
      const theirs = await sent('batch', upstream, { headers });
      const own = await sent('batch', ours, { headers });
      assert.deepEqual(
        [theirs, own].map(([request]) => request.headers['x-shop']),
        ['asked', 'asked'],
      );
    }
  });
}

it('http: values of which upstream makes no OTLP/JSON', () =>
  collecting(async (collector) => {
    const provider = setups.batch(sdk, new OurHttp({ url: urlOf(collector, OurHttp) }), {});
    provider.getTracer('json').startSpan('json', { attributes: NOT_IN_JSON }).end();
    await provider.forceFlush();
    await provider.shutdown();
    const readable = { ...NOT_IN_JSON, 'text.lone': 'half \ufffd of a pair' };
    assert.deepEqual(collector.traces()[0].attributes, readable);
  }));

/** `count` spans, numbered. */
function recordMany(provider, count, first = 0) {
  const tracer = provider.getTracer('many');
  for (let i = first; i < first + count; i++)
    tracer.startSpan(`span ${i}`, { attributes: { i } }).end();
}

const names = (spans) => spans.map(({ name }) => name).sort();
const namesOf = (count) => names(Array.from({ length: count }, (_, i) => ({ name: `span ${i}` })));

/** A provider with our exporter, and what the SDK's error handler is told. */
function opened(setup, collector, options = {}, Exporter = OurProto) {
  const { maxExportBatchSize, ...ofExporter } = options;
  const exporter = new Exporter({ url: urlOf(collector, Exporter), queue, ...ofExporter });
  const provider = setups[setup](sdk, exporter, {
    ...(maxExportBatchSize && { maxExportBatchSize }),
  });
  const told = [];
  sdk.setGlobalErrorHandler((error) => told.push(error));
  return { exporter, provider, told };
}

/** What `provider.forceFlush` of upstream rejects with is one error, or a list of them. */
const rejection = async (promise) => {
  try {
    await promise;
  } catch (error) {
    return [error].flat();
  }
  throw new assert.AssertionError({ message: 'it resolved' });
};

// Options of the transport.

/** A server that keeps answers until `release` says; counts connections and what is in flight. */
async function holding(release, use) {
  const state = { connections: 0, requests: 0, most: 0, held: [] };
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      state.requests++;
      state.held.push(response);
      state.most = Math.max(state.most, state.held.length);
      if (release(state)) for (const held of state.held.splice(0)) held.writeHead(200).end();
    });
  });
  server.on('connection', () => state.connections++);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await use({ url: `http://127.0.0.1:${server.address().port}` }, state);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

it('concurrencyLimit: what is over it waits, upstream loses it', async () => {
  const total = 12;
  const release = ({ held, requests }) => held.length === 2 || requests === total;
  await holding(release, async (server, state) => {
    const { exporter, provider, told } = opened('simple', server, { concurrencyLimit: 2 });
    recordMany(provider, total);
    await provider.forceFlush();
    await provider.shutdown();
    assert.deepEqual([state.requests, state.most, told], [total, 2, []]);
    assertDelivered(exporter, total);
  });
});

it('httpAgentOptions: an object, keepAlive, and an agent of the user', async () => {
  let made = 0;
  let protocol;
  class Counting extends Agent {
    createConnection(...of) {
      made++;
      return super.createConnection(...of);
    }
  }
  const agents = [
    [{}, 1],
    [{ keepAlive: false }, 3],
    [{ httpAgentOptions: { keepAlive: false } }, 3],
    [{ httpAgentOptions: { keepAlive: true, maxSockets: 1 } }, 1],
    [
      {
        httpAgentOptions: async (asked) => {
          protocol = asked;
          return new Counting({ keepAlive: true });
        },
      },
      1,
    ],
  ];
  for (const [options, connections] of agents) {
    for (const Exporter of [UpstreamProto, OurProto]) {
      await holding(
        () => true,
        async (server, state) => {
          const { provider, told } = opened('batch', server, options, Exporter);
          for (let i = 0; i < 3; i++) {
            recordMany(provider, 1);
            await provider.forceFlush();
          }
          await provider.shutdown();
          assert.deepEqual([state.requests, told], [3, []]);
          assert.equal(state.connections, connections, JSON.stringify(options));
        },
      );
    }
  }
  assert.deepEqual([made, protocol], [2, 'http:']);
});

// What goes wrong.

for (const setup of ['batch', 'web', 'simple']) {
  it(`${setup}: forceFlush that resolves has delivered everything`, () =>
    collecting(async (collector) => {
      const { exporter, provider, told } = opened(setup, collector, { maxExportBatchSize: 500 });
      await collector.fault({ kind: 'delay', delayMs: 30 });
      recordMany(provider, 300);
      await provider.forceFlush();
      assert.deepEqual(names(collector.traces()), namesOf(300));
      assertDelivered(exporter, 300);
      await provider.shutdown();
      assert.deepEqual(told, []);
    }));
}

/** Resolves once an attempt has failed. */
async function failing(exporter) {
  while (exporter.health().endpoints[0].state !== 'failing') await later(5);
}

const throughOutages = [
  ['batch', 'proto'],
  ['batch', 'http'],
  ['web', 'proto'],
  ['simple', 'proto'],
  ['nodeSdk', 'proto'],
  ['batch', 'grpc'],
  ['nodeSdk', 'grpc'],
];
for (const [setup, protocol] of throughOutages) {
  it(`${setup}, ${protocol}: a collector that refuses connections and comes back loses nothing`, () =>
    collecting(async (collector) => {
      const { exporter, provider, told } = opened(
        setup,
        collector,
        { maxExportBatchSize: 16, compression: 'gzip' },
        SUBJECTS[protocol].ours,
      );
      await collector.fault({ kind: 'refuse' });
      recordMany(provider, 96);
      await failing(exporter);
      recordMany(provider, 4, 96);
      // What the exporter has taken over is no failure to the SDK.
      if (setup === 'batch' || setup === 'web') {
        await provider.forceFlush();
        const { sent, queued } = exporter.health().signals.traces;
        assert.deepEqual({ sent, queued }, { sent: 0, queued: 100 });
      }
      assert.deepEqual(told, []);
      await collector.fault(null);
      await collector.waitFor({ spans: 96 });
      await provider.shutdown();
      assert.deepEqual(names(collector.traces()), namesOf(100));
      assertDelivered(exporter, 100);
    }));
}

it('batch: forceFlush of the exporter resolves no sooner than an outage is over', () =>
  collecting(async (collector) => {
    const { exporter, provider, told } = opened('batch', collector);
    await collector.fault({ kind: 'status', status: 503 });
    recordMany(provider, 5);
    await provider.forceFlush();
    const { recorded, queued } = exporter.health().signals.traces;
    assert.deepEqual({ recorded, queued }, { recorded: 5, queued: 5 });
    const flushed = exporter.forceFlush().then(() => names(collector.traces()));
    await collector.fault(null);
    assert.deepEqual(await flushed, namesOf(5));
    recordMany(provider, 1);
    await provider.forceFlush();
    await provider.shutdown();
    assert.deepEqual(told, []);
    assertDelivered(exporter, 6);
  }));

for (const setup of ['batch', 'nodeSdk', 'web']) {
  it(`${setup}: shutdown delivers everything, batches under way included`, () =>
    collecting(async (collector) => {
      const { exporter, provider, told } = opened(setup, collector, { maxExportBatchSize: 100 });
      await collector.fault({ kind: 'delay', delayMs: 50 });
      recordMany(provider, 950);
      await provider.shutdown();
      assert.deepEqual(names(collector.traces()), namesOf(950));
      assertDelivered(exporter, 950);
      assert.deepEqual(told, []);
    }));
}

for (const setup of ['batch', 'simple', 'nodeSdk', 'web']) {
  it(`${setup}: shutdown during an outage waits for its end`, () =>
    collecting(async (collector) => {
      const { exporter, provider, told } = opened(setup, collector);
      await collector.fault({ kind: 'status', status: 503, times: 6 });
      recordMany(provider, 20);
      await provider.shutdown();
      assert.deepEqual(names(collector.traces()), namesOf(20));
      assertDelivered(exporter, 20);
      assert.equal(exporter.health().signals.traces.retries, 6);
      assert.deepEqual(told, []);
    }));
}

it('timeoutMillis: an attempt without an answer is made again', () =>
  collecting(async (collector) => {
    const { exporter, provider } = opened('batch', collector, { timeoutMillis: 1000 });
    await collector.fault({ kind: 'hang', times: 1 });
    recordMany(provider, 3);
    await provider.forceFlush();
    await provider.shutdown();
    assert.deepEqual(names(collector.traces()), namesOf(3));
    assertDelivered(exporter, 3);
  }));

it('headers from a function that fails at first: spans wait for it', () =>
  collecting(async (collector) => {
    let asked = 0;
    const headers = async () => {
      if (++asked === 1) throw new Error('the token service is away');
      return { 'x-shop': `asked ${asked}` };
    };
    const { exporter, provider, told } = opened('batch', collector, { headers });
    recordMany(provider, 3);
    await provider.forceFlush();
    await provider.shutdown();
    assert.deepEqual(
      collector.requests().map((request) => request.headers['x-shop']),
      ['asked 2'],
    );
    assert.deepEqual(told, []);
    assertDelivered(exporter, 3);
  }));

for (const protocol of PROTOCOLS) {
  const reason = protocol === 'grpc' ? 'INVALID_ARGUMENT' : '400';
  const refusing = (use) =>
    collecting(async (collector) => {
      await collector.fault({ kind: 'status', status: 400, message: 'no room' });
      await use(collector, SUBJECTS[protocol].ours);
      assert.equal(collector.requests().length, 1, 'requests');
    });
  const assertRejected = (exporter, spans) => {
    const { recorded, sent, rejected, queued } = exporter.health().signals.traces;
    assert.deepEqual(
      { recorded, sent, rejected, queued },
      { recorded: spans, sent: 0, rejected: spans, queued: 0 },
    );
  };
  const assertSaid = (errors, spans) => {
    assert.equal(errors.length, 1, errors.map(String).join('\n'));
    assert.equal(errors[0].code, 'not_delivered');
    assert.match(errors[0].message, new RegExp(`^${spans} spans? rejected: .*${reason}.*no room`));
  };

  it(`simple, ${protocol}: 400 is told to the SDK's error handler, once`, () =>
    refusing(async (collector, Exporter) => {
      const { exporter, provider, told } = opened('simple', collector, {}, Exporter);
      recordMany(provider, 1);
      await rejection(provider.forceFlush());
      assertSaid(told, 1);
      await provider.shutdown();
      assertSaid(told, 1);
      assertRejected(exporter, 1);
    }));

  it(`batch, ${protocol}: 400 to a batch that was full is told to the error handler, once`, () =>
    refusing(async (collector, Exporter) => {
      const options = { maxExportBatchSize: 10 };
      const { exporter, provider, told } = opened('batch', collector, options, Exporter);
      recordMany(provider, 10);
      await provider.shutdown();
      assertSaid(told, 10);
      assertRejected(exporter, 10);
    }));

  it(`batch, ${protocol}: 400 during a flush is what the flush rejects with`, () =>
    refusing(async (collector, Exporter) => {
      const { exporter, provider, told } = opened('batch', collector, {}, Exporter);
      recordMany(provider, 10);
      assertSaid(await rejection(provider.forceFlush()), 10);
      await provider.shutdown();
      assert.deepEqual(told, []);
      assertRejected(exporter, 10);
    }));

  it(`batch, ${protocol}: refused as too large, then for its encoding: arrives in another form`, () =>
    collecting(async (collector) => {
      const options = { compression: 'gzip' };
      const { exporter, provider, told } = opened(
        'batch',
        collector,
        options,
        SUBJECTS[protocol].ours,
      );
      await collector.fault([
        { kind: 'status', status: 413, message: 'request larger than max', times: 1 },
        { kind: 'status', status: 415, message: 'unsupported encoding', times: 1 },
      ]);
      recordMany(provider, 100);
      await provider.forceFlush();
      await provider.shutdown();
      assert.deepEqual(told, []);
      assert.deepEqual(names(collector.traces()), namesOf(100));
      assert.deepEqual(
        collector
          .requests()
          .map(({ spans }) => spans)
          .sort(),
        [0, 0, 50, 50],
      );
      assertDelivered(exporter, 100);
    }));

  it(`batch, ${protocol}: a partial success is counted`, () =>
    collecting(async (collector) => {
      const { exporter, provider, told } = opened('batch', collector, {}, SUBJECTS[protocol].ours);
      await collector.fault({ kind: 'partial', rejected: 3, message: 'too old', times: 1 });
      recordMany(provider, 10);
      await provider.forceFlush();
      await provider.shutdown();
      assert.deepEqual(told, []);
      assert.equal(collector.traces().length, 7);
      assert.equal(collector.requests().length, 1);
      const health = exporter.health();
      const { sent, rejected, queued } = health.signals.traces;
      assert.deepEqual({ sent, rejected, queued }, { sent: 7, rejected: 3, queued: 0 });
      assert.match(health.endpoints[0].lastWarning ?? health.endpoints[0].lastError, /too old/);
    }));
}

it('batch: what is exported after shutdown is counted, too', () =>
  collecting(async (collector) => {
    const { exporter, provider } = opened('batch', collector);
    recordMany(provider, 2);
    await provider.shutdown();
    recordMany(provider, 1);
    const result = await new Promise((resolve) => exporter.export([{}], resolve));
    assert.equal(result.code, 1);
    assert.match(result.error.message, /shut down/);
    assert.equal(exporter.health().signals.traces.dropped.after_shutdown, 1);
    assert.equal(collector.traces().length, 2);
  }));

await runCases();
