import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { GRPC_CODES } from '../../src/deliver/grpc-outcome.ts';
import {
  cleanups,
  defaults,
  delivered,
  deliverTo,
  listen,
  listenRaw,
  payload,
  rejected,
  retryable,
  transportTo,
} from '../support/grpc-delivery.ts';
import { type Answer, answered, framed, retryInfo, trailersOnly } from '../support/grpc-server.ts';

const OK = answered({ 'grpc-status': '0' });
const hang: Answer = () => {};
/** partial_success { rejected: 3, error_message: "old" } */
const PARTIAL = Uint8Array.of(0x0a, 7, 0x08, 3, 0x12, 3, 0x6f, 0x6c, 0x64);

const warned = { kind: 'delivered', warning: expect.any(String) };
const partial = { kind: 'partial', rejected: 3, message: 'old' };
const status = (code: number, more: Record<string, string> = {}) => ({
  'grpc-status': String(code),
  ...more,
});
const html = (httpStatus: number, headers: Record<string, string> = {}): Answer => {
  return (stream) => {
    stream.respond({ ':status': httpStatus, 'content-type': 'text/html', ...headers });
    stream.end('<html>');
  };
};
const SENT_AGAIN = new Set([1, 4, 10, 11, 14, 15]);

const faults: [string, Answer, object][] = [
  ['OK', OK, delivered],
  ['OK, trailers only', trailersOnly(status(0)), warned],
  ['partial success', answered(status(0), framed(PARTIAL)), partial],
  [
    'partial success, gzip',
    answered(status(0), framed(gzipSync(PARTIAL), true), { 'grpc-encoding': 'gzip' }),
    partial,
  ],
  ['OK, compressed, not said how', answered(status(0), framed(gzipSync(PARTIAL), true)), warned],
  [
    'OK, broken gzip',
    answered(status(0), framed(Buffer.from('nope'), true), { 'grpc-encoding': 'gzip' }),
    warned,
  ],
  ['OK, garbage', answered(status(0), framed(Buffer.from('<html>'))), warned],
  ['OK, a message that breaks off', answered(status(0), framed(PARTIAL).subarray(0, 8)), warned],
  ['OK, no message', answered(status(0), Buffer.alloc(0)), warned],
  [
    'an answer that is too large',
    answered(status(0), framed(Buffer.alloc(10_001))),
    rejected('10000 bytes'),
  ],
  [
    'an answer that is too large, inflated',
    answered(status(0), framed(gzipSync(Buffer.alloc(10_001)), true), { 'grpc-encoding': 'gzip' }),
    rejected('10000 bytes'),
  ],
  [
    'an answer without end',
    (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      stream.write(Buffer.alloc(50_000));
    },
    rejected('10000 bytes'),
  ],
  ...GRPC_CODES.flatMap((name, code): [string, Answer, object][] => {
    if (code === 0) return [];
    const outcome = SENT_AGAIN.has(code) ? retryable : rejected;
    return [
      [name, answered(status(code, { 'grpc-message': 'why' })), outcome(`gRPC ${name}: why`)],
      [`${name}, trailers only`, trailersOnly(status(code)), outcome(`gRPC ${name}`)],
    ];
  }),
  ['a code that is not known', trailersOnly(status(99)), rejected('gRPC UNKNOWN')],
  ['a status that is no number', trailersOnly({ 'grpc-status': 'fine' }), rejected('gRPC UNKNOWN')],
  [
    'RESOURCE_EXHAUSTED with RetryInfo',
    trailersOnly(status(8, { 'grpc-status-details-bin': retryInfo(0, 20_000_000) })),
    { ...retryable('gRPC RESOURCE_EXHAUSTED'), delayMs: 20 },
  ],
  [
    'RESOURCE_EXHAUSTED with RetryInfo that names no delay',
    trailersOnly(status(8, { 'grpc-status-details-bin': retryInfo(0) })),
    { ...retryable(), delayMs: 0 },
  ],
  [
    'RESOURCE_EXHAUSTED with other details',
    trailersOnly(status(8, { 'grpc-status-details-bin': retryInfo(1, 0, 'google.rpc.Help') })),
    rejected('gRPC RESOURCE_EXHAUSTED'),
  ],
  [
    'RESOURCE_EXHAUSTED with details that are garbage',
    trailersOnly(status(8, { 'grpc-status-details-bin': '_not_base64_' })),
    rejected('gRPC RESOURCE_EXHAUSTED'),
  ],
  [
    'UNAVAILABLE with RetryInfo',
    answered(status(14, { 'grpc-status-details-bin': retryInfo(0, 5_000_000) })),
    { ...retryable('gRPC UNAVAILABLE'), delayMs: 5 },
  ],
  [
    'INTERNAL with RetryInfo',
    trailersOnly(status(13, { 'grpc-status-details-bin': retryInfo(1) })),
    rejected('gRPC INTERNAL'),
  ],
  [
    'a message in percent-encoding',
    trailersOnly(status(3, { 'grpc-message': 'gr%C3%B6%c3%9fe 100% %zz%0Aline' })),
    { kind: 'rejected', reason: 'gRPC INVALID_ARGUMENT: größe 100% %zz line' },
  ],
  ['HTTP 200 without grpc-status', html(200), rejected('HTTP 200 with "text/html"')],
  ['HTTP 400', html(400), rejected('HTTP 400')],
  ['HTTP 401', html(401), rejected('HTTP 401')],
  ['HTTP 403', html(403), rejected('HTTP 403')],
  ['HTTP 404', html(404), rejected('HTTP 404')],
  ['HTTP 500', html(500), rejected('HTTP 500')],
  ['HTTP 429', html(429), retryable('HTTP 429')],
  ['HTTP 502', html(502), retryable('HTTP 502')],
  ['HTTP 503', html(503, { 'retry-after': '0' }), { ...retryable('HTTP 503'), delayMs: 0 }],
  ['HTTP 504', html(504), retryable('HTTP 504')],
  [
    'HTTP 502 with a grpc-status',
    trailersOnly({ ':status': 502, ...status(3) }),
    rejected('gRPC INVALID_ARGUMENT'),
  ],
  ['no trailers', answered({}), rejected('no grpc-status')],
  [
    'REFUSED_STREAM',
    (stream) => stream.close(http2.constants.NGHTTP2_REFUSED_STREAM),
    { ...retryable('REFUSED_STREAM'), atOnce: true },
  ],
  ['CANCEL', (stream) => stream.close(http2.constants.NGHTTP2_CANCEL), retryable('closed')],
  [
    'INTERNAL_ERROR',
    (stream) => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR),
    retryable('INTERNAL_ERROR'),
  ],
  [
    'ENHANCE_YOUR_CALM',
    (stream) => stream.close(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM),
    retryable('CALM'),
  ],
  [
    'HTTP_1_1_REQUIRED',
    (stream) => stream.close(http2.constants.NGHTTP2_HTTP_1_1_REQUIRED),
    rejected('HTTP_1_1'),
  ],
  [
    'reset within the message',
    (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      stream.write(framed(PARTIAL).subarray(0, 6), () => stream.destroy(new Error('broken')));
    },
    retryable('INTERNAL_ERROR'),
  ],
  ['the connection is cut', (stream) => stream.session?.destroy(), retryable()],
  ['GOAWAY that has not seen the call', (stream) => stream.session?.goaway(2, 0), retryable()],
];

describe('gRPC transport', () => {
  it.each(faults)('%s', async (_, fault, expected) => {
    const server = await listen([fault, OK]);
    const { deliver, outcomes } = deliverTo(server.url);
    const sent = payload();
    const before = createHash('sha256').update(sent.body).digest('hex');
    deliver.push(sent);
    expect(await deliver.drained(60_000)).toBe(true);
    expect(outcomes[0]).toMatchObject(expected);
    const again = outcomes[0]?.kind === 'retryable';
    expect(outcomes).toHaveLength(again ? 2 : 1);
    expect(server.received).toHaveLength(again ? 2 : 1);
    const lost = { rejected: 10, partial: 3, delivered: 0, retryable: 0 }[outcomes[0]!.kind];
    expect(deliver.stats()).toMatchObject({
      pushed: 10,
      sent: 10 - lost,
      rejected: lost,
      queuedRecords: 0,
      retries: again ? 1 : 0,
      dropped: { queue_full: 0, retry_expired: 0, shutdown: 0, exit: 0 },
    });
    for (const { bytes } of server.received) {
      expect(bytes.readUInt32BE(1)).toBe(sent.body.length);
      expect(createHash('sha256').update(bytes.subarray(5)).digest('hex')).toBe(before);
    }
  });

  it.each([
    ['gzip', 1],
    ['identity', 0],
  ] as const)('%s: what a call is', async (encoding, flag) => {
    const server = await listen([OK]);
    const transport = transportTo(server.url, {
      headers: {
        'Api-Key': 'k-1234',
        'trace-bin': 'AAEC/w',
        'grpc-encoding': 'br',
        Host: 'x',
        TE: 'y',
      },
      timeoutMs: 100_000_000,
    });
    expect(await transport.send(payload(100, encoding))).toEqual(delivered);
    const [{ headers, bytes }] = server.received as [(typeof server.received)[0]];
    expect(bytes).toEqual(Buffer.concat([Buffer.from([flag, 0, 0, 0, 100]), payload(100).body]));
    expect(headers).toMatchObject({
      ':method': 'POST',
      ':scheme': 'http',
      ':path': '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
      ':authority': new URL(server.url).host,
      te: 'trailers',
      'content-type': 'application/grpc',
      'user-agent': defaults.userAgent,
      'grpc-encoding': encoding,
      'grpc-accept-encoding': 'identity,gzip',
      'grpc-timeout': expect.stringMatching(/^\d{1,8}[mS]$/),
      'api-key': 'k-1234',
      'trace-bin': 'AAEC/w',
    });
    expect(headers).not.toHaveProperty('host');
  });

  it('calls share a connection, and find it again', async () => {
    const server = await listen([OK]);
    const transport = transportTo(server.url);
    const many = await Promise.all(Array.from({ length: 20 }, () => transport.send(payload())));
    expect(many).toEqual(many.map(() => delivered));
    expect(await transport.send(payload())).toEqual(delivered);
    expect(server.connections()).toBe(1);
  });

  it('several hundred calls through a peer that takes one at a time, over so many connections at most', async () => {
    let open = 0;
    let most = 0;
    const slow: Answer = (stream, call) => {
      most = Math.max(most, ++open);
      setImmediate(() => {
        open--;
        OK(stream, call);
      });
    };
    const server = await listen([slow], { settings: { maxConcurrentStreams: 1 } });
    const transport = transportTo(server.url, { maxConnections: 3 });
    const all = await Promise.all(Array.from({ length: 400 }, () => transport.send(payload(2000))));
    expect(all.filter(({ kind }) => kind === 'delivered')).toHaveLength(400);
    expect(server.received).toHaveLength(400);
    expect(server.connections()).toBe(3);
    expect(most).toBeLessThanOrEqual(3);
  });

  it('large payloads, hundreds in flight', async () => {
    const server = await listen([OK]);
    const transport = transportTo(server.url);
    const sent = payload(200_000);
    const all = await Promise.all(Array.from({ length: 200 }, () => transport.send(sent)));
    expect(all.filter(({ kind }) => kind === 'delivered')).toHaveLength(200);
    const wanted = framed(sent.body, true);
    expect(server.received.every(({ bytes }) => bytes.equals(wanted))).toBe(true);
  });

  it('GOAWAY: what is in flight is answered, what comes then goes over a new connection', async () => {
    let first: (() => void) | undefined;
    const server = await listen([
      (stream, call) => {
        stream.session?.close();
        first = () => OK(stream, call);
      },
      OK,
    ]);
    const transport = transportTo(server.url);
    const early = transport.send(payload());
    await server.requested(1);
    // the GOAWAY arrives some time; until it has, the call is put on the old connection or refused
    const { deliver } = deliverTo(server.url);
    deliver.push(payload());
    expect(await deliver.drained(60_000)).toBe(true);
    first?.();
    expect(await early).toEqual(delivered);
    expect(await transport.send(payload())).toMatchObject({
      kind: expect.stringMatching(/delivered|retryable/),
    });
    expect(await transport.send(payload())).toEqual(delivered);
    expect(server.connections()).toBe(3);
  });

  it('a connection that was closed while it was idle costs no wait', async () => {
    let session: http2.ServerHttp2Session | undefined;
    const server = await listen([
      (stream, call) => {
        session = stream.session as http2.ServerHttp2Session;
        OK(stream, call);
      },
      (stream) => stream.session?.destroy(),
      OK,
    ]);
    const { deliver, outcomes } = deliverTo(server.url);
    for (let i = 0; i < 2; i++) {
      deliver.push(payload());
      expect(await deliver.drained(60_000)).toBe(true);
    }
    expect(outcomes).toMatchObject([delivered, { kind: 'retryable', atOnce: true }, delivered]);
    expect(session?.destroyed).toBe(true);
    expect(server.connections()).toBe(2);
  });

  it('a server that starts again is found again', async () => {
    const server = await listen([OK]);
    const { deliver, outcomes } = deliverTo(server.url);
    deliver.push(payload());
    await deliver.drained(60_000);
    await server.close();
    const port = Number(new URL(server.url).port);
    deliver.push(payload());
    while (outcomes.length < 2) await new Promise((resolve) => setImmediate(resolve));
    expect(outcomes[1]).toMatchObject(retryable());
    const again = http2.createServer();
    again.on('stream', (stream, headers) => {
      stream
        .resume()
        .on('end', () => OK(stream, { headers, bytes: Buffer.alloc(0), connection: 0 }));
    });
    again.listen(port, '127.0.0.1');
    await once(again, 'listening');
    cleanups.push(() => again.close());
    expect(await deliver.drained(60_000)).toBe(true);
    expect(deliver.stats().sent).toBe(20);
    await deliver.close(0);
  });

  it('connection refused: worth another attempt, for all that wait', async () => {
    const server = await listen([OK]);
    await server.close();
    const transport = transportTo(server.url);
    const outcomes = await Promise.all([transport.send(payload()), transport.send(payload())]);
    expect(outcomes).toMatchObject([retryable('ECONNREFUSED'), retryable('ECONNREFUSED')]);
  });

  it.each([
    ['closed at once', (socket: Socket) => void socket.end(), retryable('closed')],
    ['reset at once', (socket: Socket) => void socket.resetAndDestroy(), retryable('ECONNRESET')],
    [
      'another protocol',
      (socket: Socket) => void socket.write('SSH-2.0-x\r\n'),
      rejected('HTTP/2'),
    ],
  ])('a peer: %s', async (_, behaviour, expected) => {
    const server = await listenRaw(behaviour);
    expect(await transportTo(server.url).send(payload())).toMatchObject(expected);
  });

  it('an HTTP/1 server: says that the port is the wrong one', async () => {
    const server = http.createServer((_, response) => response.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    expect(await transportTo(`http://127.0.0.1:${port}`).send(payload())).toEqual(
      rejected('is this an OTLP/gRPC endpoint?'),
    );
  });

  it('a deadline: the call is cut, the connection is not', async () => {
    const server = await listen([hang, OK]);
    const transport = transportTo(server.url, { timeoutMs: 150 });
    const sent = payload();
    let outcome = await transport.send(sent);
    expect(outcome).toEqual({ kind: 'retryable', reason: 'no answer within 150 ms' });
    // a busy machine may need several attempts
    while (outcome.kind !== 'delivered') outcome = await transport.send(sent);
    expect(server.connections()).toBe(1);
  });

  it('a peer that says nothing: after the deadline another connection is tried', async () => {
    const server = await listenRaw(() => {});
    const transport = transportTo(server.url, { timeoutMs: 30 });
    const silent = /^(no answer|not connected) within 30 ms$/;
    for (let connections = 1; connections <= 2; connections++) {
      while (server.sockets.size < connections) {
        expect(await transport.send(payload())).toEqual({
          kind: 'retryable',
          reason: expect.stringMatching(silent),
        });
      }
    }
  });

  it('a connection that is dead is given up: it answers no PING', async () => {
    // SETTINGS and their acknowledgement; then it says nothing more
    const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0]);
    const server = await listenRaw((socket) => void socket.write(SETTINGS));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const transport = transportTo(server.url, { timeoutMs: 1000 });
    const real = () => new Promise((resolve) => setImmediate(resolve));
    let sent = transport.send(payload());
    const until = async (condition: () => boolean) => {
      while (!condition()) await real();
    };
    // the call is on its way
    await until(() => [...server.sockets].some(({ bytesRead }) => bytesRead > 3000));
    vi.advanceTimersByTime(1000);
    expect(await sent).toEqual({ kind: 'retryable', reason: 'no answer within 1000 ms' });
    const [socket] = server.sockets;
    const gone = once(socket!, 'close');
    vi.advanceTimersByTime(5000);
    await gone;
    sent = transport.send(payload());
    await until(() => server.sockets.size === 2);
    transport.close();
    expect(await sent).toMatchObject(retryable('closed'));
  });

  it('a connection that has been silent is asked whether it lives before it is relied on', async () => {
    const server = http2.createServer();
    let pings = 0;
    server.on('session', (session) => session.on('ping', () => pings++));
    server.on('stream', (stream, headers) => {
      const call = { headers, bytes: Buffer.alloc(0), connection: 0 };
      stream.resume().on('end', () => OK(stream, call));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(() => server.close());
    const transport = transportTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await transport.send(payload());
    await transport.send(payload());
    expect(pings).toBe(0);
    const real = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => real() + 15_000);
    expect(await transport.send(payload())).toEqual(delivered);
    expect(pings).toBe(1);
  });

  it('GOAWAY: a call that it says was not seen is sent again at once, over a new connection', async () => {
    const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    const GOAWAY = Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    const server = await listenRaw((socket) => {
      socket.write(SETTINGS);
      socket.on('data', () => {
        if (socket.bytesRead > 3000 && server.sockets.size === 1) socket.write(GOAWAY);
      });
    });
    const transport = transportTo(server.url);
    expect(await transport.send(payload())).toMatchObject({ kind: 'retryable', atOnce: true });
    const again = transport.send(payload());
    while (server.sockets.size < 2) await new Promise((resolve) => setImmediate(resolve));
    transport.close();
    expect(await again).toMatchObject(retryable('closed'));
  });

  it('a further connection that cannot be had fails nobody: calls wait for the one there is', async () => {
    let connections = 0;
    const server = http2.createServer({ settings: { maxConcurrentStreams: 1 } });
    server.on('connection', (socket: Socket) => {
      if (++connections > 1) socket.destroy();
    });
    server.on('session', (session) => session.on('error', () => {}));
    server.on('stream', (stream, headers) => {
      const call = { headers, bytes: Buffer.alloc(0), connection: 0 };
      stream.on('error', () => {});
      stream.resume().on('end', () => OK(stream, call));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(() => server.close());
    const transport = transportTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const all = await Promise.all(Array.from({ length: 20 }, () => transport.send(payload())));
    expect(all).toEqual(all.map(() => delivered));
    expect(connections).toBeGreaterThan(1);
  });

  it('close cuts what is in flight, and ends', async () => {
    const server = await listen([hang]);
    const transport = transportTo(server.url);
    const sent = [transport.send(payload()), transport.send(payload())];
    await server.requested(2);
    transport.close();
    expect(await Promise.all(sent)).toMatchObject([retryable('closed'), retryable('closed')]);
    expect(await transport.send(payload())).toEqual(retryable('the transport is closed'));
    transport.close();
  });

  it('secrets that a server repeats are not shown', async () => {
    const server = await listen([
      trailersOnly(status(16, { 'grpc-message': 'token s3cr3t-token of user:hunter22 is old' })),
    ]);
    const url = server.url.replace('//', '//user:hunter22@');
    const transport = transportTo(url, { headers: { authorization: 'Bearer s3cr3t-token' } });
    const outcome = await transport.send(payload());
    expect(outcome).toMatchObject(rejected('UNAUTHENTICATED'));
    expect(JSON.stringify(outcome)).not.toMatch(/s3cr3t|hunter/);
  });

  it('headers that are asked for before every attempt', async () => {
    const server = await listen([OK]);
    const { endpointOf } = await import('../../src/deliver/endpoint.ts');
    let asked = 0;
    const askEndpoint = async () =>
      endpointOf({ ...defaults, url: server.url, headers: { token: `t${++asked}` } });
    const transport = transportTo(server.url, { askEndpoint });
    await transport.send(payload());
    await transport.send(payload());
    expect(server.received.map(({ headers }) => headers['token'])).toEqual(['t1', 't2']);
  });
});
