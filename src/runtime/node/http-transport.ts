import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import {
  endpointFor,
  type HttpEndpoint,
  signalPath,
  socketPathOf,
} from '../../deliver/endpoint.ts';
import {
  LASTING_ERROR,
  networkErrorText,
  outcomeOf,
  oversized,
  shown,
} from '../../deliver/outcome.ts';
import type {
  Connections,
  Outcome,
  Payload,
  Signal,
  Transport,
  TransportOptions,
} from '../../deliver/transport.ts';
import { builtin } from './builtin.ts';
import { MAX_CONNECTION_AGE_MS } from './connection-age.ts';
import { loadProxies } from './proxied.ts';

/** How long an unused connection stays open, milliseconds. */
export const IDLE_CONNECTION_MS = 30_000;

/**
 * OTLP/HTTP over node:http(s): a pool of keep-alive connections, one write per request. Idle
 * connections do not keep the process alive, requests in flight do (for `timeoutMs` at most).
 * Proxies are those of the environment, unless the agent is the user's. Redirects are not followed:
 * headers may hold credentials meant for one host only.
 */
export function nodeHttpTransport(options: TransportOptions): Transport {
  const { timeoutMs, maxResponseBytes, askEndpoint, retryable } = options;
  /** The agent is the user's, and so are its connections. */
  const shared = isAgent(options.agent);
  /** Attempts in flight, by what cuts them. */
  const inFlight = new Set<(error: Error) => void>();
  /** When a connection answered for the first time. */
  const usedSince = new WeakMap<Socket, number>();
  let opening: Promise<Pool> | undefined;
  let pool: Pool | undefined;
  /** The last connection could not be made, or broke. */
  let failing = false;
  let closed = false;

  function send(payload: Payload): Promise<Outcome> {
    if (pool === undefined || askEndpoint !== undefined) return prepare(payload);
    return attempt(payload, pool, pool.route(payload.signal));
  }

  /** The pool comes with the first request, an endpoint that is asked for with each. */
  async function prepare(payload: Payload): Promise<Outcome> {
    const asked = await askEndpoint?.(payload.signal);
    if (asked !== undefined && 'kind' in asked) return asked;
    try {
      opening ??= openPool(options);
      pool = await opening;
    } catch (error) {
      // of the configuration, and without what is secret in it
      return { kind: 'rejected', reason: shown(String(error), []) };
    }
    const route = asked === undefined ? pool.route(payload.signal) : pool.routeTo(asked);
    return attempt(payload, pool, route);
  }

  function attempt(
    payload: Payload,
    { agent, ClientRequest }: Pool,
    route: Route,
  ): Promise<Outcome> {
    return new Promise((resolve) => {
      if (closed) return resolve({ kind: 'retryable', reason: 'the transport is closed' });
      const { target, secrets } = route;
      let request: ClientRequest;
      try {
        const headers = headersOf(target.headers, payload);
        const path = target.path || signalPath(payload.signal);
        request = new ClientRequest({ ...target, path, method: 'POST', agent, headers });
      } catch (error) {
        return resolve({ kind: 'rejected', reason: shown(String(error), secrets) });
      }
      let response: IncomingMessage | undefined;

      // all of these may follow each other; the first one that settles the promise counts
      const answered = (body: Uint8Array | undefined) => {
        done();
        const { statusCode: status = 0, headers } = response as IncomingMessage;
        const answer = {
          status,
          contentType: headers['content-type'] ?? '',
          retryAfter: headers['retry-after'] ?? '',
          // we accept no encoding, so what is encoded all the same is not readable
          body: headers['content-encoding'] === undefined || body?.length === 0 ? body : undefined,
          unixMs: Date.now(),
        };
        resolve(outcomeOf(answer, payload, secrets, retryable?.httpStatuses));
      };
      const broken = (error: NodeJS.ErrnoException) => {
        if (response !== undefined) return answered(undefined);
        const outcome = outcomeOfError(error, request.reusedSocket, secrets);
        // not for what follows the end of the attempt
        if (done()) failing ||= !('atOnce' in outcome);
        resolve(outcome);
      };
      const done = () => {
        clearTimeout(timer);
        return inFlight.delete(cut);
      };
      // a connection with half an exchange on it goes with it
      const cut = (error: Error) => {
        broken(error);
        request.destroy();
      };
      const timer = setTimeout(() => {
        cut(new Error(`no answer within ${timeoutMs} ms`));
      }, timeoutMs).unref();

      inFlight.add(cut);
      request.on('error', broken);
      request.on('response', (incoming) => {
        response = incoming;
        failing = false;
        // Not by `agent.keepSocketAlive`, which is not asked while requests wait for a connection.
        if (!shared && isOld(incoming.socket)) request.shouldKeepAlive = false;
        const chunks: Uint8Array[] = [];
        let size = 0;
        incoming.on('error', broken);
        incoming.on('data', (chunk: Uint8Array) => {
          chunks.push(chunk);
          size += chunk.length;
          if (size <= maxResponseBytes) return;
          done();
          resolve(oversized(incoming.statusCode ?? 0, maxResponseBytes));
          request.destroy();
        });
        incoming.on('end', () => {
          answered(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
          // a server that answers before it has read everything may never read the rest
          if (!request.writableFinished) request.destroy();
        });
      });
      request.end(payload.body);
    });
  }

  function isOld(socket: Socket): boolean {
    const now = performance.now();
    const since = usedSince.get(socket);
    if (since === undefined) usedSince.set(socket, now);
    return since !== undefined && now - since >= MAX_CONNECTION_AGE_MS;
  }

  function connections(): Connections {
    const { sockets = {}, freeSockets = {} } = pool?.agent ?? {};
    const busy = openAmong(sockets);
    const open = busy + openAmong(freeSockets);
    const none = failing ? 'failing' : inFlight.size > 0 ? 'connecting' : 'idle';
    return { state: open > 0 ? 'ready' : none, open, busy };
  }

  function close(): void {
    closed = true;
    for (const cut of inFlight) cut(new Error('the transport was closed'));
    if (!shared) pool?.agent.destroy();
  }

  return shared ? { send, close } : { send, connections, close };
}

/** Programs may ask often. */
function openAmong(lists: NodeJS.ReadOnlyDict<Socket[]>): number {
  let open = 0;
  for (const host in lists) for (const socket of lists[host]!) if (isOpen(socket)) open++;
  return open;
}

function isOpen(socket: (Socket & { readonly secureConnecting?: boolean }) | undefined): boolean {
  return socket?.readyState === 'open' && socket.secureConnecting !== true;
}

interface Pool {
  readonly agent: Agent;
  readonly ClientRequest: typeof ClientRequest;
  route(signal: Signal): Route;
  /** The same for another endpoint. */
  routeTo(endpoint: HttpEndpoint): Route;
}

/**
 * Comes with the first request: node:http costs more than everything else at start-up. The
 * class is used rather than `http.request`, which instrumentation replaces.
 */
async function openPool(options: TransportOptions): Promise<Pool> {
  const { url } = endpointFor(options, 'traces');
  const { protocol } = url;
  const { ClientRequest } = builtin('node:http');
  const poolOf = (agent: Agent, routeTo = directly): Pool => {
    const routes: Partial<Record<Signal, Route>> = {};
    const route = (signal: Signal) => (routes[signal] ??= routeTo(endpointFor(options, signal)));
    return { agent, ClientRequest, route, routeTo };
  };
  if (isAgent(options.agent)) return poolOf(options.agent);
  // As Node's own agents have it (24 and later).
  const { proxyEnv: env = process.env } = (options.agent ?? {}) as { proxyEnv?: NodeJS.ProcessEnv };
  const proxies = await loadProxies(env);
  const proxy = proxies?.proxyOf(url, env);
  if (proxies === undefined || proxy === undefined) return poolOf(newAgent(options, protocol));
  if (protocol === 'http:') {
    const routeTo = (to: HttpEndpoint) => proxies.forwarded(directly(to), to.url, proxy);
    return poolOf(newAgent(options, proxy.protocol), routeTo);
  }
  const agent = newAgent(options, protocol);
  proxies.tunnel(agent, proxy, options.timeoutMs);
  return poolOf(agent);
}

/** As node:http tells, which takes agents of other kinds, too. */
function isAgent(agent: object | undefined): agent is Agent {
  return agent !== undefined && 'addRequest' in agent;
}

function newAgent({ maxConnections, agent }: TransportOptions, protocol: string): Agent {
  const { Agent: PoolAgent } = builtin(protocol === 'https:' ? 'node:https' : 'node:http');
  return new PoolAgent({
    keepAlive: true,
    maxSockets: maxConnections,
    maxFreeSockets: maxConnections,
    timeout: IDLE_CONNECTION_MS,
    ...agent,
    // it has been read
    ...{ proxyEnv: undefined },
  });
}

/** How an endpoint is reached. */
export interface Route {
  readonly target: {
    readonly protocol: string;
    readonly hostname: string;
    readonly port: string;
    readonly socketPath?: string;
    /** Empty for the signal's own. */
    readonly path: string;
    /** Name, value, name, value: written as it is, which saves Node a map and us its checks. */
    readonly headers: readonly string[];
  };
  readonly secrets: readonly string[];
}

function directly({ url, headers, secrets }: HttpEndpoint): Route {
  const { protocol, hostname, port, host, pathname, search } = url;
  const socketPath = socketPathOf(url);
  const lines = (authority: string) => Object.entries({ host: authority, ...headers }).flat();
  const target =
    socketPath === undefined
      ? {
          protocol,
          // IPv6 addresses stand in brackets in a URL only
          hostname: hostname.replace(/^\[|\]$/g, ''),
          port,
          path: pathname + search,
          headers: lines(host),
        }
      : {
          protocol: 'http:',
          hostname: 'localhost',
          port: '',
          socketPath,
          path: '',
          headers: lines('localhost'),
        };
  return { target, secrets };
}

function headersOf(fixed: readonly string[], { body, contentType, encoding }: Payload): string[] {
  const headers = [...fixed, 'Content-Type', contentType, 'Content-Length', String(body.length)];
  if (encoding !== 'identity') headers.push('Content-Encoding', encoding);
  return headers;
}

function outcomeOfError(
  error: NodeJS.ErrnoException,
  reusedSocket: boolean,
  secrets: readonly string[],
): Outcome {
  const { code = '' } = error;
  const reason = shown(networkErrorText(error), secrets);
  if (LASTING_ERROR.test(code)) return { kind: 'rejected', reason };
  // the server had closed the connection while it was idle: nothing has reached it
  const stale = reusedSocket && (code === 'ECONNRESET' || code === 'EPIPE');
  return stale ? { kind: 'retryable', reason, atOnce: true } : { kind: 'retryable', reason };
}
