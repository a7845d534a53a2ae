import { once } from 'node:events';
import http2, { type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import {
  cleanups,
  delivered,
  deliverTo,
  listenRaw,
  payload,
  retryable,
  transportTo,
  until,
} from '../support/grpc-delivery.ts';
import { answered, framed } from '../support/grpc-server.ts';

const OK = answered({ 'grpc-status': '0' });

/** A payload that can be told from others. */
function numbered(number: number) {
  const one = payload(2000, 'identity');
  new DataView(one.body.buffer).setUint32(0, number);
  return one;
}

/** A server that can be started again where it was. */
function restartable(
  handle: (stream: ServerHttp2Stream, number: number) => void,
  settings: http2.Settings = {},
) {
  const sessions = new Set<ServerHttp2Session>();
  let server: http2.Http2Server | undefined;
  let port = 0;
  const start = async () => {
    server = http2.createServer({ settings });
    server.on('session', (session) => {
      sessions.add(session);
      session.on('error', () => {});
      session.on('close', () => sessions.delete(session));
    });
    server.on('stream', (stream) => {
      const chunks: Buffer[] = [];
      stream.on('error', () => {});
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        if (stream.destroyed || stream.rstCode !== 0) return;
        handle(stream, Buffer.concat(chunks).readUInt32BE(5));
      });
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  };
  const stop = async (end: (session: ServerHttp2Session) => void) => {
    if (server?.listening !== true) return;
    const closed = once(server, 'close');
    server.close();
    for (const session of sessions) end(session);
    await closed;
  };
  cleanups.push(() => stop((session) => session.destroy()));
  return { start, stop, url: () => `http://127.0.0.1:${port}` };
}

const answer = (stream: ServerHttp2Stream) =>
  OK(stream, { headers: {}, bytes: Buffer.of(), connection: 0 });

describe('a server that starts again under load', () => {
  const COUNT = 300;

  it('takes leave (GOAWAY): everything arrives, nothing twice', async () => {
    const arrived: number[] = [];
    const server = restartable((stream, number) => {
      arrived.push(number);
      setImmediate(() => answer(stream));
    });
    await server.start();
    const { deliver, outcomes } = deliverTo(server.url());
    for (let i = 0; i < COUNT; i++) deliver.push(numbered(i));
    for (const after of [50, 150]) {
      await until(() => arrived.length >= after);
      await server.stop((session) => session.close());
      await server.start();
    }
    expect(await deliver.drained(60_000)).toBe(true);
    expect(deliver.stats()).toMatchObject({ sent: COUNT * 10, rejected: 0, queuedRecords: 0 });
    expect(outcomes.filter(({ kind }) => kind === 'delivered')).toHaveLength(COUNT);
    expect([...arrived].sort((a, b) => a - b)).toEqual(Array.from({ length: COUNT }, (_, i) => i));
    await deliver.close(0);
  });

  it('is killed: everything arrives; twice only what was on its way', async () => {
    const arrivals: number[] = [];
    const server = restartable((stream, number) => {
      arrivals.push(number);
      setImmediate(() => {
        if (!stream.destroyed) answer(stream);
      });
    });
    await server.start();
    const { deliver, outcomes } = deliverTo(server.url());
    for (let i = 0; i < COUNT; i++) deliver.push(numbered(i));
    await until(() => arrivals.length >= 100);
    const inFlight = deliver.stats().inFlight;
    await server.stop((session) => session.destroy());
    await server.start();
    expect(await deliver.drained(60_000)).toBe(true);
    expect(deliver.stats()).toMatchObject({ sent: COUNT * 10, rejected: 0, queuedRecords: 0 });
    expect(outcomes.filter(({ kind }) => kind === 'delivered')).toHaveLength(COUNT);
    const once = new Set(arrivals);
    expect(once.size).toBe(COUNT);
    expect(arrivals.length - once.size).toBeLessThanOrEqual(inFlight);
    await deliver.close(0);
  });

  it('takes one call at a time: fifty wait their turn, over a restart', async () => {
    const arrived: number[] = [];
    let open = 0;
    let most = 0;
    const server = restartable(
      (stream, number) => {
        arrived.push(number);
        most = Math.max(most, ++open);
        setImmediate(() => {
          open--;
          answer(stream);
        });
      },
      { maxConcurrentStreams: 1 },
    );
    await server.start();
    const { deliver } = deliverTo(server.url(), { maxConnections: 1 });
    for (let i = 0; i < 50; i++) deliver.push(numbered(i));
    await until(() => arrived.length >= 20);
    await server.stop((session) => session.close());
    await server.start();
    expect(await deliver.drained(60_000)).toBe(true);
    expect([...arrived].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(most).toBe(1);
    await deliver.close(0);
  });
});

/** A frame of HTTP/2 (RFC 9113 §4.1). */
function frame(type: number, flags: number, stream: number, content: Uint8Array = Buffer.of()) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(content.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, content]);
}

const DATA = 0;
const HEADERS = 1;
const SETTINGS = 4;
const GOAWAY = 7;
const END_STREAM = 1;
const END_HEADERS = 4;
const ACK = 1;

function goaway(lastStream: number, code = 0): Buffer {
  const content = Buffer.alloc(8);
  content.writeUInt32BE(lastStream, 0);
  content.writeUInt32BE(code, 4);
  return frame(GOAWAY, 0, 0, content);
}

/** A header in HPACK, literal without indexing (RFC 7541 §6.2.2). */
function literal(name: string, value: string): Buffer {
  return Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
}

/** An answer OK to a stream: headers, an empty message, trailers. */
function okFrames(stream: number): Buffer {
  const head = [literal(':status', '200'), literal('content-type', 'application/grpc')];
  return Buffer.concat([
    frame(HEADERS, END_HEADERS, stream, Buffer.concat(head)),
    frame(DATA, 0, stream, framed(Buffer.of())),
    frame(HEADERS, END_HEADERS | END_STREAM, stream, literal('grpc-status', '0')),
  ]);
}

describe('GOAWAY in the middle of calls', () => {
  /** Three calls are on streams 1, 3 and 5 when the server says this. */
  async function threeCalls(said: Buffer, then: 'stays' | 'ends') {
    const server = await listenRaw((socket) => {
      socket.write(frame(SETTINGS, 0, 0));
      let all = Buffer.of();
      let over = false;
      socket.on('data', (chunk: Buffer) => {
        all = Buffer.concat([all, chunk]);
        if (over || server.sockets.size > 1 || ended(all) < 3) return;
        over = true;
        socket.write(frame(SETTINGS, ACK, 0));
        if (then === 'ends') socket.end(said);
        else socket.write(said);
      });
    });
    const transport = transportTo(server.url);
    const outcomes = await Promise.all([0, 1, 2].map((number) => transport.send(numbered(number))));
    return outcomes;
  }

  /** Streams that the client has ended. */
  function ended(bytes: Buffer): number {
    let count = 0;
    for (let at = 24; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
      if (bytes[at + 3] === DATA && (bytes[at + 4]! & END_STREAM) !== 0) count++;
    }
    return count;
  }

  const atOnce = { kind: 'retryable', atOnce: true };

  it('those it covers are answered, the others sent again at once', async () => {
    const said = Buffer.concat([goaway(3), okFrames(1), okFrames(3)]);
    expect(await threeCalls(said, 'ends')).toMatchObject([delivered, delivered, atOnce]);
  });

  it('those it covers are answered by a connection that stays open', async () => {
    const said = Buffer.concat([goaway(3), okFrames(3), okFrames(1)]);
    expect(await threeCalls(said, 'stays')).toMatchObject([delivered, delivered, atOnce]);
  });

  it('one that it covers and that is not answered before the end is sent again, too: nobody has answered', async () => {
    const outcomes = await threeCalls(Buffer.concat([goaway(3), okFrames(1)]), 'ends');
    expect(outcomes).toMatchObject([delivered, retryable(), atOnce]);
  });

  it('with an error: those it covers wait, the others go at once', async () => {
    const outcomes = await threeCalls(goaway(1, http2.constants.NGHTTP2_INTERNAL_ERROR), 'ends');
    expect(outcomes).toMatchObject([retryable(), atOnce, atOnce]);
    expect(outcomes[0]).not.toHaveProperty('atOnce');
  });

  it('in two steps, as servers shut down gracefully: all are answered', async () => {
    const said = [goaway(2 ** 31 - 1), goaway(5), okFrames(1), okFrames(3), okFrames(5)];
    const outcomes = await threeCalls(Buffer.concat(said), 'ends');
    expect(outcomes).toEqual([delivered, delivered, delivered]);
  });
});

describe('a connection that went silent', () => {
  it('is given up when it does not answer the PING before a call; the call is sent again at once', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const server = await listenRaw((socket) => {
      socket.write(Buffer.concat([frame(SETTINGS, 0, 0), frame(SETTINGS, ACK, 0)]));
      let said = false;
      socket.on('data', () => {
        if (said || socket.bytesRead < 2000 || server.sockets.size > 1) return;
        said = true;
        socket.write(okFrames(1));
      });
    });
    const transport = transportTo(server.url);
    expect(await transport.send(numbered(0))).toEqual(delivered);
    const [socket] = server.sockets;
    const real = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => real() + 15_000);
    const before = socket!.bytesRead;
    const sent = transport.send(numbered(1));
    await until(() => socket!.bytesRead > before + 2000);
    vi.advanceTimersByTime(5000);
    expect(await sent).toMatchObject({ ...retryable('no PING within 5000 ms'), atOnce: true });
    expect(transport.connections?.()).toEqual({ state: 'failing', open: 0, busy: 0 });
    const again = transport.send(numbered(1));
    await until(() => server.sockets.size === 2);
    transport.close();
    expect(await again).toMatchObject(retryable('closed'));
  });
});
