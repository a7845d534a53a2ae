import { once } from 'node:events';
import type { ServerHttp2Session } from 'node:http2';
import type { LookupFunction } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import type { Transport } from '../../src/deliver/transport.ts';
import { MAX_CONNECTION_AGE_MS } from '../../src/runtime/node/connection-age.ts';
import {
  delivered,
  listen,
  listenRaw,
  payload,
  retryable,
  transportTo,
  until,
} from '../support/grpc-delivery.ts';
import { type Answer, answered } from '../support/grpc-server.ts';

const OK = answered({ 'grpc-status': '0' });

/** Answers when it is told to. */
function held() {
  const open: (() => void)[] = [];
  const answer: Answer = (stream, call) => void open.push(() => OK(stream, call));
  const release = () => {
    for (const one of open.splice(0)) one();
  };
  return { answer, release };
}

/** Lets a time pass on the monotonic clock that connections are measured by. */
function later(ms: number) {
  const real = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => real() + ms);
}

const at = (transport: Transport) => transport.connections?.();

describe('the state of connections', () => {
  it('idle before the first call, connecting, ready, idle when it is closed', async () => {
    const { answer, release } = held();
    const server = await listen([answer]);
    const transport = transportTo(server.url);
    expect(at(transport)).toEqual({ state: 'idle', open: 0, busy: 0 });
    const sent = transport.send(payload());
    expect(at(transport)).toEqual({ state: 'connecting', open: 0, busy: 0 });
    await server.requested(1);
    expect(at(transport)).toEqual({ state: 'ready', open: 1, busy: 1 });
    release();
    expect(await sent).toEqual(delivered);
    expect(at(transport)).toEqual({ state: 'ready', open: 1, busy: 0 });
    transport.close();
    expect(at(transport)).toEqual({ state: 'idle', open: 0, busy: 0 });
  });

  it('several, where one has no room', async () => {
    const { answer, release } = held();
    const server = await listen([answer], { settings: { maxConcurrentStreams: 1 } });
    const transport = transportTo(server.url, { maxConnections: 3 });
    const sent = [1, 2, 3].map(() => transport.send(payload()));
    await server.requested(3);
    expect(at(transport)).toEqual({ state: 'ready', open: 3, busy: 3 });
    release();
    await Promise.all(sent);
    expect(at(transport)).toEqual({ state: 'ready', open: 3, busy: 0 });
  });

  it('failing while nobody listens, also while it is tried again; ready when somebody does', async () => {
    const server = await listenRaw((socket) => void socket.destroy());
    const transport = transportTo(server.url);
    expect(await transport.send(payload())).toMatchObject(retryable());
    expect(at(transport)).toEqual({ state: 'failing', open: 0, busy: 0 });
    const again = transport.send(payload());
    expect(at(transport)).toEqual({ state: 'failing', open: 0, busy: 0 });
    expect(await again).toMatchObject(retryable());
  });

  it('failing when a connection breaks under a call, ready after the next', async () => {
    const server = await listen([(stream) => stream.session?.destroy(), OK]);
    const transport = transportTo(server.url);
    expect(await transport.send(payload())).toMatchObject(retryable());
    await until(() => at(transport)?.open === 0);
    expect(at(transport)).toEqual({ state: 'failing', open: 0, busy: 0 });
    expect(await transport.send(payload())).toEqual(delivered);
    expect(at(transport)).toEqual({ state: 'ready', open: 1, busy: 0 });
  });

  it('idle when the server takes leave of an unused one', async () => {
    let session: ServerHttp2Session | undefined;
    const server = await listen([
      (stream, call) => {
        session = stream.session as ServerHttp2Session;
        OK(stream, call);
      },
    ]);
    const transport = transportTo(server.url);
    expect(await transport.send(payload())).toEqual(delivered);
    session?.close();
    await until(() => at(transport)?.open === 0);
    expect(at(transport)).toEqual({ state: 'idle', open: 0, busy: 0 });
  });
});

describe('the age of connections', () => {
  it('an old one takes no more calls; those on it are answered, then it is closed', async () => {
    const { answer, release } = held();
    let old: ServerHttp2Session | undefined;
    const first: Answer = (stream, call) => {
      old = stream.session as ServerHttp2Session;
      answer(stream, call);
    };
    const server = await listen([first, OK]);
    const transport = transportTo(server.url);
    const early = transport.send(payload());
    await server.requested(1);
    later(MAX_CONNECTION_AGE_MS + 1000);
    expect(await transport.send(payload())).toEqual(delivered);
    expect(server.connections()).toBe(2);
    expect(at(transport)).toEqual({ state: 'ready', open: 2, busy: 1 });
    expect(old?.closed).toBe(false);
    const gone = once(old!, 'close');
    release();
    expect(await early).toEqual(delivered);
    await gone;
    await until(() => at(transport)?.open === 1);
    expect(await transport.send(payload())).toEqual(delivered);
    expect(server.connections()).toBe(2);
  });

  it('one that is unused is closed as it is found', async () => {
    const server = await listen([OK]);
    const transport = transportTo(server.url, { maxConnections: 1 });
    expect(await transport.send(payload())).toEqual(delivered);
    later(MAX_CONNECTION_AGE_MS + 1000);
    expect(await transport.send(payload())).toEqual(delivered);
    expect(server.connections()).toBe(2);
    await until(() => at(transport)?.open === 1);
  });

  it('a younger one goes on', async () => {
    const server = await listen([OK]);
    const transport = transportTo(server.url);
    expect(await transport.send(payload())).toEqual(delivered);
    later(MAX_CONNECTION_AGE_MS - 60_000);
    expect(await transport.send(payload())).toEqual(delivered);
    expect(server.connections()).toBe(1);
  });

  it('a name is looked up again', async () => {
    const server = await listen([OK]);
    const url = new URL(server.url);
    url.hostname = 'collector.test';
    let asked = 0;
    const lookup: LookupFunction = (_name, { all }, answer) => {
      asked++;
      if (all) answer(null, [{ address: '127.0.0.1', family: 4 }]);
      else answer(null, '127.0.0.1', 4);
    };
    const transport = transportTo(url.href, { agent: { lookup } });
    expect(await transport.send(payload())).toEqual(delivered);
    expect(await transport.send(payload())).toEqual(delivered);
    expect(asked).toBe(1);
    later(MAX_CONNECTION_AGE_MS + 1000);
    expect(await transport.send(payload())).toEqual(delivered);
    expect(asked).toBe(2);
  });
});
