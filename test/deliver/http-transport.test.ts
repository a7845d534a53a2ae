import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import diagnostics from 'node:diagnostics_channel';
import dns from 'node:dns';
import { once } from 'node:events';
import http from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { gunzipSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Clock, createDeliver } from '../../src/deliver/deliver.ts';
import type { Outcome, Payload, Transport, TransportOptions } from '../../src/deliver/transport.ts';
import { fetchTransport } from '../../src/runtime/fetch-transport.ts';
import { nodeHttpTransport } from '../../src/runtime/node/http-transport.ts';

const TRANSPORTS = { node: nodeHttpTransport, fetch: fetchTransport };
type Name = keyof typeof TRANSPORTS;

interface Received {
  readonly head: string;
  readonly body: Buffer;
  /** Requests this connection has brought before. */
  readonly earlier: number;
}

/** Answers on the bare socket, so that it can also answer wrongly. The request has been read. */
type Behaviour = (socket: Socket, received: Received) => void;

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  for (const cleanUp of cleanups.splice(0).reverse()) await cleanUp();
});

/** A server that is nothing but its behaviours, one per request; the last one goes on. */
async function listen(behaviours: Behaviour[], port = 0) {
  const received: Received[] = [];
  const sockets = new Set<Socket>();
  const waiting: (() => void)[] = [];
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    let bytes = Buffer.alloc(0);
    let earlier = 0;
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = bytes.toString('latin1', 0, end);
      const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
      if (bytes.length < end + 4 + length) return;
      const request = { head, body: bytes.subarray(end + 4, end + 4 + length), earlier: earlier++ };
      bytes = bytes.subarray(end + 4 + length);
      const behaviour = behaviours[Math.min(received.length, behaviours.length - 1)];
      received.push(request);
      behaviour?.(socket, request);
      for (const wake of waiting.splice(0)) wake();
    });
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  };
  cleanups.push(close);
  const requested = async (count: number) => {
    while (received.length < count) await new Promise<void>((wake) => waiting.push(wake));
  };
  const { port: bound } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${bound}/v1/traces`, port: bound, received, requested, close };
}

function answer(
  status: number,
  headers: Record<string, string> = {},
  body: string | Uint8Array = '',
) {
  return (socket: Socket) => {
    const bytes = Buffer.from(body as string);
    const all = { 'content-length': String(bytes.length), ...headers };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(
      Buffer.concat([Buffer.from(`HTTP/1.1 ${status} X\r\n${lines.join('')}\r\n`), bytes]),
    );
  };
}

const OK = answer(200, { 'content-type': 'application/x-protobuf' });
const hang: Behaviour = () => {};
const PROTOBUF = { 'content-type': 'application/x-protobuf' };
const JSON_TYPE = { 'content-type': 'application/json' };
/** partial_success { rejected: 3, error_message: "old" } and google.rpc.Status { 3, "bad" }. */
const PARTIAL = Uint8Array.of(0x0a, 7, 0x08, 3, 0x12, 3, 0x6f, 0x6c, 0x64);
const STATUS = Uint8Array.of(0x08, 3, 0x12, 3, 0x62, 0x61, 0x64);

const options = {
  headers: {} as Record<string, string>,
  userAgent: 'OTel-OTLP-Exporter-JavaScript/test',
  timeoutMs: 30_000,
  maxConnections: 4,
  maxResponseBytes: 10_000,
};

function transportTo(name: Name, url: string, more: Partial<TransportOptions> = {}): Transport {
  const transport = TRANSPORTS[name]({ ...options, ...more, url });
  cleanups.push(() => transport.close());
  return transport;
}

function payload(bytes = 3000): Payload {
  return {
    signal: 'traces',
    body: Uint8Array.from({ length: bytes }, (_, i) => (i * i) >> 3),
    encoding: 'gzip',
    contentType: 'application/x-protobuf',
    records: 10,
    rawBytes: bytes * 5,
  };
}

const clock: Clock = {
  now: () => performance.now(),
  setTimer(callback, delayMs, keepAlive = false) {
    const timer = setTimeout(callback, delayMs);
    if (!keepAlive) timer.unref();
    return () => clearTimeout(timer);
  },
  soon: (callback) => void setImmediate(callback),
};

/** Delivery over a real transport that remembers the outcomes and retries with little delay. */
function deliverTo(name: Name, url: string) {
  const transport = transportTo(name, url);
  const outcomes: Outcome[] = [];
  const remembering: Transport = {
    async send(sent) {
      const outcome = await transport.send(sent);
      outcomes.push(outcome);
      return outcome;
    },
    close: () => transport.close(),
  };
  const deliver = createDeliver({ transport: remembering, clock, random: () => 0.01 });
  return { deliver, outcomes };
}

const freshDate = (offsetMs: number) => new Date(Date.now() + offsetMs).toUTCString();

describe.each(Object.keys(TRANSPORTS) as Name[])('%s transport', (name) => {
  const retryable = { kind: 'retryable' };
  const rejected = (reason: string) => ({
    kind: 'rejected',
    reason: expect.stringContaining(reason),
  });
  const warned = { kind: 'delivered', warning: expect.any(String) };
  const partial = { kind: 'partial', rejected: 3, message: 'old' };

  const faults: [string, Behaviour, object][] = [
    ['200', OK, { kind: 'delivered' }],
    ['202', answer(202), { kind: 'delivered' }],
    ['partial success', answer(200, PROTOBUF, PARTIAL), partial],
    [
      'partial success as JSON',
      answer(200, JSON_TYPE, '{"partialSuccess":{"rejectedSpans":"3","errorMessage":"old"}}'),
      partial,
    ],
    ['garbage 200', answer(200, PROTOBUF, '<html>'), warned],
    ['200 of another kind', answer(200, { 'content-type': 'text/html' }, '<html>'), warned],
    [
      '200 that breaks off',
      (socket) => {
        answer(200, { ...PROTOBUF, 'content-length': '50' }, 'half')(socket);
        socket.end();
      },
      warned,
    ],
    [
      'answer that is too large',
      answer(200, PROTOBUF, Buffer.alloc(10_001)),
      rejected('10000 bytes'),
    ],
    ['503 that is too large', answer(503, PROTOBUF, Buffer.alloc(50_000)), rejected('10000 bytes')],
    ['302', answer(302, { location: '/v1/traces' }), rejected('302')],
    ['400', answer(400, PROTOBUF, STATUS), rejected('HTTP 400: bad')],
    ['400 as JSON', answer(400, JSON_TYPE, '{"message":"bad"}'), rejected('HTTP 400: bad')],
    ['401', answer(401, { 'content-type': 'text/plain' }, 'who?'), rejected('HTTP 401: who?')],
    ['404', answer(404), rejected('HTTP 404')],
    ['408', answer(408), rejected('HTTP 408')],
    ['413', answer(413), rejected('HTTP 413')],
    ['415', answer(415), rejected('HTTP 415')],
    ['500', answer(500), rejected('HTTP 500')],
    ['501', answer(501), rejected('HTTP 501')],
    ['429', answer(429), retryable],
    ['502', answer(502), retryable],
    ['503', answer(503, PROTOBUF, STATUS), { kind: 'retryable', reason: 'HTTP 503: bad' }],
    ['504', answer(504), retryable],
    ['429 with Retry-After: 0', answer(429, { 'retry-after': '0' }), { ...retryable, delayMs: 0 }],
    [
      '503 with a Retry-After in the past',
      answer(503, { 'retry-after': freshDate(-60_000) }),
      { ...retryable, delayMs: 0 },
    ],
    ['503 that breaks off', answerAndEnd(503), { kind: 'retryable', reason: 'HTTP 503' }],
    ['400 that breaks off', answerAndEnd(400), rejected('HTTP 400')],
    ['closed without an answer', (socket) => socket.end(), retryable],
    ['reset without an answer', (socket) => socket.resetAndDestroy(), retryable],
    [
      'reset within the header',
      (socket) => socket.write('HTTP/1.1 200 O', () => socket.end()),
      retryable,
    ],
    ['not HTTP', (socket) => socket.write('SSH-2.0-OpenSSH_9\r\n'), rejected('HPE_')],
  ];

  function answerAndEnd(status: number): Behaviour {
    return (socket) => {
      answer(status, { 'content-length': '50' }, 'half')(socket);
      socket.end();
    };
  }

  it.each(faults)('%s', async (_, fault, expected) => {
    const server = await listen([fault, OK]);
    const { deliver, outcomes } = deliverTo(name, server.url);
    const sent = payload();
    deliver.push(sent);
    expect(await deliver.drained(60_000)).toBe(true);
    expect(outcomes[0]).toMatchObject(expected);
    const again = outcomes[0]?.kind === 'retryable';
    expect(server.received).toHaveLength(again ? 2 : 1);
    expect(outcomes).toHaveLength(again ? 2 : 1);
    const lost = { rejected: 10, partial: 3, delivered: 0, retryable: 0 }[
      outcomes[0]?.kind ?? 'rejected'
    ];
    expect(deliver.stats()).toMatchObject({
      pushed: 10,
      sent: 10 - lost,
      rejected: lost,
      queuedRecords: 0,
      retries: again ? 1 : 0,
      dropped: { queue_full: 0, retry_expired: 0, shutdown: 0, exit: 0 },
    });
    const hashes = server.received.map(({ body }) =>
      createHash('sha256').update(body).digest('hex'),
    );
    expect(new Set(hashes)).toEqual(
      new Set([createHash('sha256').update(sent.body).digest('hex')]),
    );
  });

  it('passes on how long to wait', async () => {
    const server = await listen([
      answer(429, { 'retry-after': '17' }),
      answer(503, { 'retry-after': freshDate(600_000) }),
    ]);
    const transport = transportTo(name, server.url);
    expect(await transport.send(payload())).toMatchObject({ ...retryable, delayMs: 17_000 });
    const { delayMs } = (await transport.send(payload())) as { delayMs: number };
    expect(delayMs).toBeGreaterThan(0);
    expect(delayMs).toBeLessThanOrEqual(600_000);
  });

  it('retries the statuses it is told to', async () => {
    const server = await listen([answer(500), answer(503), answer(302)]);
    const retryable = { httpStatuses: [500] };
    const transport = transportTo(name, server.url, { retryable });
    const kinds = [];
    for (let i = 0; i < 3; i++) kinds.push((await transport.send(payload())).kind);
    expect(kinds).toEqual(['retryable', 'rejected', 'rejected']);
  });

  it('says what may help where a payload is refused', async () => {
    const server = await listen([answer(413), answer(415), answer(400), answer(415), answer(404)]);
    const transport = transportTo(name, server.url);
    const remedies = [];
    for (const encoding of ['gzip', 'gzip', 'zstd', 'identity', 'gzip'] as const) {
      const outcome = await transport.send({ ...payload(), encoding });
      remedies.push(outcome.kind === 'rejected' ? outcome.remedy : outcome);
    }
    const plain = 'recode';
    expect(remedies).toEqual(['split', plain, plain, undefined, undefined]);
  });

  it('gives up waiting for a server that hangs', async () => {
    const server = await listen([hang]);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const outcome = transportTo(name, server.url).send(payload());
    await server.requested(1);
    vi.advanceTimersByTime(30_000);
    expect(await outcome).toEqual({ kind: 'retryable', reason: 'no answer within 30000 ms' });
  });

  it('goes by the status when the body trickles past the time limit', async () => {
    const trickle = (status: number) => (socket: Socket) => {
      answer(status, { ...PROTOBUF, 'content-length': '50' }, 'x')(socket);
    };
    const server = await listen([trickle(200), trickle(400)]);
    const transport = transportTo(name, server.url);
    const channel = name === 'node' ? 'http.client.response.finish' : 'undici:request:headers';
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    for (const expected of [warned, rejected('HTTP 400')]) {
      const headersArrived = new Promise<void>((resolve) => {
        const listener = () => {
          diagnostics.unsubscribe(channel, listener);
          resolve();
        };
        diagnostics.subscribe(channel, listener);
      });
      const outcome = transport.send(payload());
      await headersArrived;
      // what follows the headers in the same turns of the event loop
      for (let i = 0; i < 5; i++) await new Promise((wake) => setImmediate(wake));
      vi.advanceTimersByTime(30_000);
      expect(await outcome).toMatchObject(expected);
    }
  });

  it('retries when nobody listens', async () => {
    const server = await listen([]);
    await server.close();
    const outcome = await transportTo(name, server.url).send(payload());
    expect(outcome).toEqual({
      kind: 'retryable',
      reason: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('retries when the name does not resolve', async () => {
    const lookup = (...args: unknown[]) => {
      const error = new Error('getaddrinfo ENOTFOUND collector.test');
      const answered = args.at(-1) as (error: Error) => void;
      answered(Object.assign(error, { code: 'ENOTFOUND' }));
    };
    vi.spyOn(dns, 'lookup').mockImplementation(lookup as never);
    const transport = transportTo(name, 'http://collector.test:4318/v1/traces');
    expect(await transport.send(payload())).toMatchObject({
      kind: 'retryable',
      reason: expect.stringContaining('ENOTFOUND'),
    });
  });

  it('sends one complete request', async () => {
    const server = await listen([OK]);
    const headers = { 'X-Api-Key': 'key-1', 'Content-Type': 'text/plain' };
    const url = server.url.replace('http://', 'http://jo:pass@').concat('?tenant=7');
    const transport = transportTo(name, url, { headers });
    const sent = payload();
    await transport.send(sent);
    await transport.send({ ...sent, encoding: 'identity', contentType: 'application/json' });
    const [first, second] = server.received.map(({ head }) => head.toLowerCase().split('\r\n'));
    expect(first?.[0]).toBe('post /v1/traces?tenant=7 http/1.1');
    for (const line of [
      `host: 127.0.0.1:${server.port}`,
      'content-type: application/x-protobuf',
      'content-encoding: gzip',
      'content-length: 3000',
      'x-api-key: key-1',
      'user-agent: otel-otlp-exporter-javascript/test',
      `authorization: basic ${Buffer.from('jo:pass').toString('base64')}`.toLowerCase(),
    ]) {
      expect(first?.filter((found) => found === line)).toEqual([line]);
    }
    expect(second).toContain('content-type: application/json');
    const secondHead = second?.join() ?? '';
    expect(secondHead).not.toContain('content-encoding');
    expect(secondHead).not.toContain('transfer-encoding');
    expect(server.received.map(({ body }) => body.equals(sent.body))).toEqual([true, true]);
  });

  it('keeps the connection', async () => {
    const server = await listen([OK, answer(400, PROTOBUF, STATUS), answer(503, {}, 'busy'), OK]);
    const transport = transportTo(name, server.url);
    for (let i = 0; i < 6; i++) {
      await transport.send(payload());
      // the connection returns to its pool a few turns after the answer
      for (let turn = 0; turn < 5; turn++) await new Promise((wake) => setImmediate(wake));
    }
    expect(server.received.map(({ earlier }) => earlier)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('refuses a header that cannot be sent, without showing its value', async () => {
    const server = await listen([OK]);
    const transport = transportTo(name, server.url, { headers: { 'x-key': 'hidden-value\nno' } });
    const outcome = await transport.send(payload());
    expect(outcome).toMatchObject({ kind: 'rejected' });
    expect(JSON.stringify(outcome)).not.toContain('hidden-value');
    expect(server.received).toHaveLength(0);
  });

  it('does not repeat a credential the server quotes', async () => {
    const server = await listen([
      answer(401, { 'content-type': 'text/plain' }, 'token-77 expired'),
    ]);
    const headers = { authorization: 'Bearer token-77' };
    expect(await transportTo(name, server.url, { headers }).send(payload())).toMatchObject({
      reason: 'HTTP 401: *** expired',
    });
  });

  it('cuts what is in flight when closed, and sends nothing after', async () => {
    const server = await listen([hang]);
    const transport = transportTo(name, server.url);
    const outcomes = [transport.send(payload()), transport.send(payload())];
    await server.requested(2);
    transport.close();
    for (const outcome of outcomes) expect(await outcome).toMatchObject(retryable);
    expect(await transport.send(payload())).toMatchObject(retryable);
    expect(server.received).toHaveLength(2);
  });

  it('survives a restart of the server', async () => {
    const before = await listen([OK]);
    const { deliver, outcomes } = deliverTo(name, before.url);
    deliver.push(payload());
    await deliver.drained(60_000);
    await before.close();
    deliver.push(payload());
    const drained = deliver.drained(60_000);
    while (!outcomes.some(({ kind }) => kind === 'retryable')) {
      await new Promise((wake) => setImmediate(wake));
    }
    const after = await listen([OK], before.port);
    expect(await drained).toBe(true);
    expect(after.received).toHaveLength(1);
    expect(deliver.stats()).toMatchObject({ sent: 20, rejected: 0 });
  });
});

describe('node transport', () => {
  it('opens no more connections than it may, and uses each for many requests', async () => {
    const server = await listen([OK]);
    const transport = transportTo('node', server.url, { maxConnections: 2 });
    const outcomes = Array.from({ length: 30 }, () => transport.send(payload()));
    for (const outcome of outcomes) expect(await outcome).toEqual({ kind: 'delivered' });
    expect(server.received.filter(({ earlier }) => earlier === 0)).toHaveLength(2);
  });

  it('sends again at once when a pooled connection turns out dead', async () => {
    const server = await listen([
      (socket, received) => {
        if (received.earlier > 0) socket.resetAndDestroy();
        else OK(socket);
      },
    ]);
    const { deliver, outcomes } = deliverTo('node', server.url);
    for (let i = 0; i < 2; i++) {
      deliver.push(payload());
      await deliver.drained(60_000);
      for (let turn = 0; turn < 5; turn++) await new Promise((wake) => setImmediate(wake));
    }
    expect(outcomes.map(({ kind }) => kind)).toEqual(['delivered', 'retryable', 'delivered']);
    expect(outcomes[1]).toMatchObject({ atOnce: true });
    expect(server.received.map(({ earlier }) => earlier)).toEqual([0, 1, 0]);
    expect(deliver.stats()).toMatchObject({ sent: 20, requests: 3, failing: false });
  });

  it('asks for no encoding, and does not guess what an encoded answer says', async () => {
    const encoded = { ...PROTOBUF, 'content-encoding': 'gzip' };
    const server = await listen([answer(200, encoded, gzipSync(PARTIAL))]);
    expect(await transportTo('node', server.url).send(payload())).toMatchObject({
      kind: 'delivered',
      warning: expect.any(String),
    });
    expect(server.received[0]?.head).not.toMatch(/accept-encoding/i);
  });

  it('does not go through the functions that instrumentation replaces', async () => {
    const server = await listen([OK]);
    const request = vi.spyOn(http, 'request');
    expect(await transportTo('node', server.url).send(payload())).toEqual({ kind: 'delivered' });
    expect(request).not.toHaveBeenCalled();
  });

  it('works bundled, and an idle connection does not keep the process alive', async () => {
    const server = await listen([OK]);
    const bundled = await build({
      stdin: {
        contents: `
          import { nodeHttpTransport } from './src/runtime/node/http-transport.ts';
          const transport = nodeHttpTransport({
            url: ${JSON.stringify(server.url)}, headers: {}, userAgent: 'x',
            timeoutMs: 3600000, maxConnections: 1, maxResponseBytes: 1000,
          });
          const outcome = await transport.send({
            signal: 'traces', body: new Uint8Array(10), encoding: 'identity',
            contentType: 'application/x-protobuf', records: 1, rawBytes: 10,
          });
          console.log(outcome.kind);
        `,
        resolveDir: process.cwd(),
        loader: 'ts',
      },
      bundle: true,
      platform: 'node',
      format: 'esm',
      write: false,
    });
    const child = spawn(process.execPath, ['--input-type=module', '-'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    cleanups.push(() => child.kill());
    child.stdin.end(bundled.outputFiles[0]?.text);
    let printed = '';
    child.stdout.on('data', (chunk) => {
      printed += chunk;
    });
    // the server keeps its end of the connection open: only the child can end this
    const [code] = await once(child, 'close');
    expect(printed.trim()).toBe('delivered');
    expect(code).toBe(0);
  });
});

describe('fetch transport', () => {
  it('understands an encoded answer, and bounds what it inflates to', async () => {
    const encoded = { ...PROTOBUF, 'content-encoding': 'gzip' };
    const bomb = gzipSync(new Uint8Array(1_000_000));
    expect(bomb.length).toBeLessThan(options.maxResponseBytes);
    expect(gunzipSync(bomb)).toHaveLength(1_000_000);
    const server = await listen([
      answer(200, encoded, gzipSync(PARTIAL)),
      answer(200, encoded, bomb),
    ]);
    const transport = transportTo('fetch', server.url);
    expect(await transport.send(payload())).toMatchObject({ kind: 'partial', rejected: 3 });
    expect(await transport.send(payload())).toMatchObject({ kind: 'rejected' });
  });

  it('uses the fetch it is given, and sends no empty User-Agent', async () => {
    const calls: [string, RequestInit][] = [];
    const given = (async (url: string, init: RequestInit) => {
      calls.push([url, init]);
      return new Response(null, { status: 204 });
    }) as typeof fetch;
    const url = 'http://collector.test/v1/traces';
    const transport = fetchTransport({ ...options, userAgent: '', url }, given);
    expect(await transport.send(payload())).toEqual({ kind: 'delivered' });
    expect(calls[0]?.[0]).toBe(url);
    expect(new Headers(calls[0]?.[1].headers).has('user-agent')).toBe(false);
  });

  it('refuses a redirect that browsers hide', async () => {
    const hidden = (async () => ({ type: 'opaqueredirect', status: 0 })) as unknown as typeof fetch;
    const transport = fetchTransport({ ...options, url: 'http://collector.test/' }, hidden);
    expect(await transport.send(payload())).toMatchObject({ kind: 'rejected' });
  });
});
