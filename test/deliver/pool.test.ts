import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, LookupFunction, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Payload, SIGNALS, type Transport } from '../../src/deliver/transport.ts';
import { fetchTransport } from '../../src/runtime/fetch-transport.ts';
import { MAX_CONNECTION_AGE_MS } from '../../src/runtime/node/connection-age.ts';
import { OTLPTraceExporter } from '../../src/runtime/node/exporter-proto.ts';
import { nodeHttpTransport } from '../../src/runtime/node/http-transport.ts';
import { start } from '../../src/runtime/node/index.ts';
import { endedSpans } from '../support/otlp-exporter.ts';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  for (const cleanUp of cleanups.splice(0).reverse()) await cleanUp();
});

interface Received {
  /** Number of the connection it came by, from 0. */
  readonly connection: number;
  readonly path: string;
  readonly host: string;
}

type Behaviour = (response: ServerResponse, request: IncomingMessage) => void;

const OK: Behaviour = (response) =>
  response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
const hang: Behaviour = () => {};

/** Answers one request after another; the last behaviour goes on. */
async function listen(behaviours: readonly Behaviour[], path?: string) {
  const received: Received[] = [];
  const sockets: Socket[] = [];
  const waiting: (() => void)[] = [];
  const server = http.createServer((request, response) => {
    const behaviour = behaviours[Math.min(received.length, behaviours.length - 1)]!;
    received.push({
      connection: sockets.indexOf(request.socket),
      path: request.url ?? '',
      host: request.headers.host ?? '',
    });
    request.resume().on('end', () => {
      behaviour(response, request);
      for (const wake of waiting.splice(0)) wake();
    });
  });
  // only clients end idle connections
  server.keepAliveTimeout = 0;
  server.on('connection', (socket) => sockets.push(socket));
  if (path === undefined) server.listen(0, '127.0.0.1');
  else server.listen(path);
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = (path === undefined ? server.address() : {}) as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1/traces`,
    port,
    received,
    open: () => sockets.filter(({ destroyed }) => !destroyed).length,
    used: () => received.map(({ connection }) => connection),
    async requested(count: number) {
      while (received.length < count) await new Promise<void>((wake) => waiting.push(wake));
    },
    closeAll: () => server.closeAllConnections(),
  };
}

function transportTo(url: string, more: object = {}): Transport {
  const transport = nodeHttpTransport({
    ...{ url, headers: {}, userAgent: 'test', timeoutMs: 30_000 },
    ...{ maxConnections: 4, maxResponseBytes: 1000, ...more },
  });
  cleanups.push(() => transport.close());
  return transport;
}

const payload: Payload = {
  signal: 'traces',
  body: new Uint8Array(2000).fill(7),
  encoding: 'gzip',
  contentType: 'application/x-protobuf',
  records: 10,
  rawBytes: 9000,
};

/** Where there is no socket yet. */
function socketPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'otel sock-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'otel.sock');
}

/** What follows an answer in the same turns of the event loop: the connection goes to its pool. */
async function settled() {
  for (let turn = 0; turn < 5; turn++) await new Promise((wake) => setImmediate(wake));
}

async function sendOn(transport: Transport, ...kinds: readonly string[]) {
  for (const kind of kinds) {
    expect(await transport.send(payload)).toMatchObject({ kind });
    await settled();
  }
}

describe('the age of connections', () => {
  /** Moves `performance.now` on. */
  function clock() {
    let aheadMs = 0;
    const { now } = performance;
    vi.spyOn(performance, 'now').mockImplementation(() => now.call(performance) + aheadMs);
    return (ms: number) => {
      aheadMs += ms;
    };
  }

  it('ends them with the request that finds them too old', async () => {
    const server = await listen([OK]);
    const transport = transportTo(server.url);
    const advance = clock();
    await sendOn(transport, 'delivered', 'delivered');
    advance(MAX_CONNECTION_AGE_MS / 2);
    await sendOn(transport, 'delivered');
    advance(MAX_CONNECTION_AGE_MS);
    await sendOn(transport, 'delivered', 'delivered', 'delivered');
    expect(server.used()).toEqual([0, 0, 0, 0, 1, 1]);
    while (server.open() > 1) await settled();
  });

  it('ends them also while requests wait for a connection', async () => {
    const server = await listen([OK]);
    const transport = transportTo(server.url, { maxConnections: 1 });
    const advance = clock();
    await sendOn(transport, 'delivered');
    advance(MAX_CONNECTION_AGE_MS);
    const outcomes = await Promise.all([1, 2, 3].map(() => transport.send(payload)));
    expect(outcomes).toEqual(Array(3).fill({ kind: 'delivered' }));
    expect(server.used()).toEqual([0, 0, 1, 1]);
  });

  it('has names resolved anew', async () => {
    const server = await listen([OK]);
    const asked: string[] = [];
    const lookup: LookupFunction = (hostname, { all }, answer) => {
      asked.push(hostname);
      if (all) answer(null, [{ address: '127.0.0.1', family: 4 }]);
      else answer(null, '127.0.0.1', 4);
    };
    const url = `http://collector.test:${server.port}/v1/traces`;
    const transport = transportTo(url, { agent: { lookup, proxyEnv: {} } });
    const advance = clock();
    await sendOn(transport, 'delivered', 'delivered');
    expect(asked).toEqual(['collector.test']);
    advance(MAX_CONNECTION_AGE_MS);
    await sendOn(transport, 'delivered', 'delivered');
    expect(asked).toEqual(['collector.test', 'collector.test']);
  });

  it("is of no interest where the agent is the user's", async () => {
    const server = await listen([OK]);
    const agent = new http.Agent({ keepAlive: true });
    cleanups.push(() => agent.destroy());
    const transport = transportTo(server.url, { agent });
    const advance = clock();
    await sendOn(transport, 'delivered');
    advance(2 * MAX_CONNECTION_AGE_MS);
    await sendOn(transport, 'delivered', 'delivered');
    expect(server.used()).toEqual([0, 0, 0]);
  });
});

describe('a connection is not used again', () => {
  it('when a request on it has timed out', async () => {
    const server = await listen([OK, hang, OK]);
    const transport = transportTo(server.url);
    await sendOn(transport, 'delivered');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const late = transport.send(payload);
    await server.requested(2);
    vi.advanceTimersByTime(30_000);
    expect(await late).toMatchObject({ kind: 'retryable' });
    await sendOn(transport, 'delivered');
    expect(server.used()).toEqual([0, 0, 1]);
    while (server.open() > 1) await settled();
  });

  it.each<[string, Behaviour, string]>([
    ['when it was reset', (_, { socket }) => socket.resetAndDestroy(), 'retryable'],
    ['when it was closed', (_, { socket }) => socket.destroy(), 'retryable'],
    [
      'when the answer broke off',
      (response, { socket }) => {
        response.writeHead(503, { 'content-length': '50' });
        response.write('half', () => socket.destroy());
      },
      'retryable',
    ],
    [
      'when the answer was larger than it may be',
      (response) => {
        response.writeHead(200);
        response.write(Buffer.alloc(2000));
      },
      'rejected',
    ],
    [
      'when the server says so',
      (response) => response.setHeader('connection', 'close').end(),
      'delivered',
    ],
  ])('%s', async (_, behaviour, kind) => {
    const server = await listen([OK, behaviour, OK]);
    const transport = transportTo(server.url);
    await sendOn(transport, 'delivered', kind, 'delivered');
    expect(server.used()).toEqual([0, 0, 1]);
  });
});

describe('connections()', () => {
  it('says what there is', async () => {
    const server = await listen([hang, hang, OK]);
    const transport = transportTo(server.url);
    const state = () => transport.connections?.();
    expect(state()).toEqual({ state: 'idle', open: 0, busy: 0 });
    const first = transport.send(payload);
    const second = transport.send(payload);
    await server.requested(2);
    expect(state()).toEqual({ state: 'ready', open: 2, busy: 2 });
    await sendOn(transport, 'delivered');
    expect(state()).toEqual({ state: 'ready', open: 3, busy: 2 });
    server.closeAll();
    expect([(await first).kind, (await second).kind]).toEqual(['retryable', 'retryable']);
    await settled();
    expect(state()).toEqual({ state: 'failing', open: 0, busy: 0 });
    await sendOn(transport, 'delivered');
    expect(state()).toEqual({ state: 'ready', open: 1, busy: 0 });
  });

  it('is `connecting` until the first one is there', async () => {
    let answered = () => {};
    const lookup: LookupFunction = (_, { all }, answer) => {
      answered = () =>
        all ? answer(null, [{ address: '127.0.0.1', family: 4 }]) : answer(null, '127.0.0.1', 4);
    };
    const server = await listen([OK]);
    const url = `http://collector.test:${server.port}/`;
    const transport = transportTo(url, { agent: { lookup, proxyEnv: {} } });
    const sending = transport.send(payload);
    await settled();
    expect(transport.connections?.()).toEqual({ state: 'connecting', open: 0, busy: 0 });
    answered();
    expect(await sending).toEqual({ kind: 'delivered' });
    await settled();
    expect(transport.connections?.()).toEqual({ state: 'ready', open: 1, busy: 0 });
  });

  it('is `idle` after connections have been closed while they were idle', async () => {
    const server = await listen([OK]);
    const transport = transportTo(server.url);
    await sendOn(transport, 'delivered');
    server.closeAll();
    while (transport.connections?.()?.open !== 0) await settled();
    expect(transport.connections?.()).toEqual({ state: 'idle', open: 0, busy: 0 });
  });

  it('is `failing` while none can be made', async () => {
    const transport = transportTo(new URL(`unix://${socketPath()}`).href);
    await sendOn(transport, 'retryable');
    expect(transport.connections?.()).toEqual({ state: 'failing', open: 0, busy: 0 });
    transport.close();
    expect(await transport.send(payload)).toMatchObject({ reason: 'the transport is closed' });
  });

  it("is not there where the agent is the user's", () => {
    const agent = new http.Agent();
    expect(transportTo('http://localhost/', { agent }).connections).toBeUndefined();
  });
});

describe('Unix sockets', () => {
  it('take each signal under its path, on a connection that is kept', async () => {
    const path = socketPath();
    const server = await listen([OK], path);
    const transport = transportTo(new URL(`unix://${path}`).href);
    for (const signal of SIGNALS) {
      expect(await transport.send({ ...payload, signal })).toEqual({ kind: 'delivered' });
      await settled();
    }
    const paths = ['/v1/traces', '/v1/metrics', '/v1/logs', '/v1development/profiles'];
    expect(server.received).toEqual(
      paths.map((each) => ({ connection: 0, path: each, host: 'localhost' })),
    );
    expect(transport.connections?.()).toEqual({ state: 'ready', open: 1, busy: 0 });
  });

  it('take what start() sends, by option and by variable', async () => {
    const path = socketPath();
    const server = await listen([OK], path);
    const endpoint = `unix://${path}`;
    const shown = new URL(endpoint).href;
    const send = async (options: object) => {
      const telemetry = start({ detectors: [], flushOnExit: false, ...options });
      telemetry.tracer('unix').startSpan('a').end();
      expect(await telemetry.flush()).toMatchObject({ complete: true, sent: 1 });
      expect(telemetry.health().endpoints[0]?.url).toBe(shown);
      await telemetry.shutdown();
    };
    await send({ endpoint });
    await send({ tracesEndpoint: endpoint });
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', endpoint);
    await send({});
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', 'http://127.0.0.1:1');
    vi.stubEnv('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', endpoint);
    await send({});
    expect(server.received.map((one) => one.path)).toEqual(Array(4).fill('/v1/traces'));
  });

  it('take what the drop-in exporter sends', async () => {
    const path = socketPath();
    const server = await listen([OK], path);
    const exporter = new OTLPTraceExporter({ url: `unix://${path}` });
    cleanups.push(() => exporter.shutdown());
    const result = await new Promise((resolve) => exporter.export(endedSpans(1), resolve));
    expect(result).toEqual({ code: 0 });
    expect(server.received).toMatchObject([{ path: '/v1/traces', host: 'localhost' }]);
  });

  it('are no business of proxies', async () => {
    const path = socketPath();
    const server = await listen([OK], path);
    const agent = {
      proxyEnv: { http_proxy: 'http://127.0.0.1:1', all_proxy: 'http://127.0.0.1:1' },
    };
    await sendOn(transportTo(new URL(`unix://${path}`).href, { agent }), 'delivered');
    expect(server.received).toHaveLength(1);
  });

  it('that are not there, or no socket, are worth another attempt', async () => {
    const path = socketPath();
    const outcome = await transportTo(new URL(`unix://${path}`).href).send(payload);
    expect(outcome).toMatchObject({
      kind: 'retryable',
      reason: expect.stringContaining(`ENOENT ${path}`),
    });
  });

  it('are refused where there is only fetch', async () => {
    const transport = fetchTransport({
      ...{ url: 'unix:///run/otel.sock', headers: {}, userAgent: 'test', timeoutMs: 30_000 },
      ...{ maxConnections: 4, maxResponseBytes: 1000 },
    });
    expect(await transport.send(payload)).toEqual({
      kind: 'rejected',
      reason: 'Unix sockets cannot be had here; give an endpoint with http: or https:',
    });
  });

  it.each([
    'unix://run/otel.sock',
    'unix:otel.sock',
    'unix:',
    'unix:///',
    'unix:////run/otel.sock',
    'unix:///run/%zz.sock',
    'UNIX://user:secret@host/x',
  ])('are not what %s names', (endpoint) => {
    expect(() => start({ endpoint, detectors: [], flushOnExit: false })).toThrow(
      /^option 'endpoint' begins with 'unix' but has no absolute path of a socket; give one such as unix:\/\/\/run\/otel\.sock\.$/,
    );
  });
});
