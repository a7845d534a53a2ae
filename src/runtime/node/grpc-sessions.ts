/**
 * The HTTP/2 connections to one gRPC endpoint. A call takes a stream of the one that has room; a
 * further connection is opened when none has. Read it in this order:
 *
 *   take → serve → (connect →) start … give back → serve
 */

import type { ClientHttp2Session } from 'node:http2';
import type { Connections } from '../../deliver/transport.ts';
import { MAX_CONNECTION_AGE_MS } from './connection-age.ts';
import { type Dial, LastingError } from './grpc-dial.ts';
import { IDLE_CONNECTION_MS } from './http-transport.ts';

/** A connection that has been silent for this long is asked whether it lives before it is relied on. */
const SILENT_MS = 10_000;
/** How long it may take to answer that, milliseconds. */
const PING_TIMEOUT_MS = 5_000;

const CLOSED = 'the transport was closed';

/** A connection. */
export interface Session {
  readonly http2: ClientHttp2Session;
  /** Calls that have a stream of it. */
  readonly calls: number;
  /** It has brought an answer before. */
  readonly proven: boolean;
  /** The peer will answer no streams above this one (RFC 9113 §6.8). */
  readonly lastStreamId: number;
}

/** What waits for a stream. One of the two is called, once, unless it is taken back. */
export interface Waiting {
  start(session: Session): void;
  failed(error: Error): void;
}

export interface Sessions {
  /** Asks for a stream. */
  take(waiting: Waiting): void;
  /** Does so no longer. */
  takeBack(waiting: Waiting): void;
  /** The stream has ended; `answered`: by an answer. */
  giveBack(session: Session, answered: boolean): void;
  /** Finds out whether a connection is still there; one that is not is cut. */
  probe(session: Session): void;
  connections(): Connections;
  /** Cuts all connections. */
  close(): void;
}

interface Open extends Session {
  calls: number;
  proven: boolean;
  lastStreamId: number;
  /** The peer's SETTINGS have come: it speaks HTTP/2, and how many streams it takes is known. */
  ready: boolean;
  /** It takes streams, or will. */
  open: boolean;
  error: Error | undefined;
  readonly openedAt: number;
  heardAt: number;
  pinging: boolean;
  held: boolean;
  idle: NodeJS.Timeout | undefined;
}

/** Errors of a peer that answers in another protocol, or wants none of those offered. */
const NOT_HTTP2 = /^ERR_HTTP2_|NO_APPLICATION_PROTOCOL/;

/**
 * @param maxSessions Connections at most.
 * @param connectMs How long the peer may take until its SETTINGS have come, milliseconds.
 */
export function openSessions(dial: Dial, maxSessions: number, connectMs: number): Sessions {
  const sessions = new Set<Open>();
  const waiting = new Set<Waiting>();
  let dialing = false;
  /** The last connection could not be made, or broke. */
  let failing = false;
  let closed = false;

  function take(one: Waiting): void {
    waiting.add(one);
    serve();
  }

  function takeBack(one: Waiting): void {
    waiting.delete(one);
    hold();
  }

  /** Starts what can be started, and connects when something cannot. */
  function serve(): void {
    for (const one of waiting) {
      const session = withRoom();
      if (session === undefined) break;
      waiting.delete(one);
      session.calls++;
      clearTimeout(session.idle);
      hold();
      if (performance.now() - session.heardAt > SILENT_MS) probe(session);
      one.start(session);
    }
    const open = [...sessions].filter((session) => session.open);
    const connecting = dialing || open.some(({ ready }) => !ready);
    if (waiting.size > 0 && !connecting && open.length < maxSessions && !closed) void connect();
    hold();
  }

  function withRoom(): Open | undefined {
    const oldest = performance.now() - MAX_CONNECTION_AGE_MS;
    for (const session of sessions) {
      if (session.open && session.ready && session.openedAt < oldest) retire(session);
      const { maxConcurrentStreams = Number.POSITIVE_INFINITY } = session.http2.remoteSettings;
      const usable = session.open && session.ready && !session.http2.closed;
      if (usable && session.calls < maxConcurrentStreams) return session;
    }
    return undefined;
  }

  /** A connection keeps the process alive while something is on its way, or waits for it. */
  function hold(): void {
    for (const session of sessions) {
      const needed = session.calls > 0 || waiting.size > 0;
      if (needed === session.held) continue;
      session.held = needed;
      if (needed) session.http2.ref();
      else session.http2.unref();
    }
  }

  async function connect(): Promise<void> {
    dialing = true;
    try {
      const begin = await dial();
      dialing = false;
      const session = opened(begin());
      if (closed) cut(session, new Error(CLOSED));
    } catch (error) {
      // certificates that cannot be read, a proxy that refuses
      dialing = false;
      abandon(error as Error);
    }
  }

  function opened(connection: ClientHttp2Session): Open {
    const session: Open = {
      http2: connection,
      calls: 0,
      proven: false,
      lastStreamId: Number.POSITIVE_INFINITY,
      ready: false,
      open: true,
      error: undefined,
      openedAt: performance.now(),
      heardAt: performance.now(),
      pinging: false,
      held: true,
      // until it is ready: the end of waiting for that
      idle: setTimeout(() => {
        cut(session, new Error(`not connected within ${connectMs} ms`));
      }, connectMs).unref(),
    };
    sessions.add(session);
    session.http2
      .on('remoteSettings', () => {
        if (!session.ready) rest(session);
        session.ready = true;
        failing = false;
        session.heardAt = performance.now();
        serve();
      })
      .on('goaway', (_code, lastStreamId) => {
        session.lastStreamId = lastStreamId;
        session.open = false;
        serve();
      })
      .on('error', (error) => failed(session, error))
      .on('connect', (_session, socket) => {
        // a TLS peer that refuses our certificate after the handshake: the session tells nobody,
        // and leaves the socket open
        socket.once('error', (error: Error) => {
          failed(session, error);
          over(session);
          socket.destroy();
        });
      })
      .on('close', () => over(session));
    return session;
  }

  function failed(session: Open, error: Error & { readonly code?: string }): void {
    const other = !session.ready && NOT_HTTP2.test(error.code ?? '');
    session.error ??= other
      ? new LastingError(
          `the peer does not speak HTTP/2 (${error.message}): is this an OTLP/gRPC endpoint?`,
        )
      : error;
  }

  /** The connection is gone. */
  function over(session: Open): void {
    if (!sessions.delete(session)) return;
    session.open = false;
    clearTimeout(session.idle);
    if (session.error !== undefined || session.calls > 0) failing = true;
    // another one is tried when a call ends, not at once
    if (session.ready) serve();
    else abandon(session.error ?? new Error('the connection was closed'));
  }

  /** No connection can be had: what waits for one fails, unless others will have room again. */
  function abandon(error: Error): void {
    failing = true;
    if ([...sessions].some(({ ready, open }) => ready && open)) return;
    const abandoned = [...waiting];
    waiting.clear();
    for (const one of abandoned) one.failed(error);
  }

  function giveBack(lent: Session, answered: boolean): void {
    const session = lent as Open;
    session.calls--;
    if (answered) {
      session.proven = true;
      session.heardAt = performance.now();
    } else if (session.http2.destroyed) {
      failing = true;
    }
    if (session.calls === 0) rest(session);
    serve();
  }

  /** Nothing uses the connection: it is closed after a while, or now when it is to take no more. */
  function rest(session: Open): void {
    clearTimeout(session.idle);
    if (!session.open) {
      session.http2.close();
      return;
    }
    session.idle = setTimeout(() => {
      failing = false;
      retire(session);
    }, IDLE_CONNECTION_MS).unref();
  }

  /** The connection takes no more calls, and is closed when those on it have ended. */
  function retire(session: Open): void {
    session.open = false;
    if (session.calls === 0) session.http2.close();
  }

  /** Calls that have a stream of it fail with the error. */
  function cut(session: Open, error: Error): void {
    failed(session, error);
    // Node takes what a tunnel has brought already a tick after the start, and throws where there is
    // no session any more
    if (session.ready) session.http2.destroy(error);
    else setImmediate(() => session.http2.destroy(error));
    over(session);
  }

  function probe(lent: Session): void {
    const session = lent as Open;
    if (session.pinging || session.http2.destroyed) return;
    session.pinging = true;
    const timer = setTimeout(() => {
      cut(session, new Error(`the connection is dead: no PING within ${PING_TIMEOUT_MS} ms`));
    }, PING_TIMEOUT_MS).unref();
    session.http2.once('close', () => clearTimeout(timer));
    session.http2.ping((error) => {
      clearTimeout(timer);
      session.pinging = false;
      if (error === null) session.heardAt = performance.now();
    });
  }

  function connections(): Connections {
    const ready = [...sessions].filter((session) => session.ready && !session.http2.destroyed);
    const busy = ready.filter(({ calls }) => calls > 0).length;
    return { state: state(ready.length), open: ready.length, busy };
  }

  function state(open: number): Connections['state'] {
    if (open > 0) return 'ready';
    if (failing && !closed) return 'failing';
    const connecting = dialing || [...sessions].some(({ ready }) => !ready);
    return connecting ? 'connecting' : 'idle';
  }

  function close(): void {
    closed = true;
    const error = new Error(CLOSED);
    for (const session of sessions) cut(session, error);
    abandon(error);
  }

  return { take, takeBack, giveBack, probe, connections, close };
}
