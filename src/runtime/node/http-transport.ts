import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import { endpointOf, type HttpEndpoint } from '../../deliver/endpoint.ts';
import {
  LASTING_ERROR,
  networkErrorText,
  outcomeOf,
  oversized,
  shown,
} from '../../deliver/outcome.ts';
import type { Outcome, Payload, Transport, TransportOptions } from '../../deliver/transport.ts';
import { builtin } from './builtin.ts';

/** How long an unused connection stays open, milliseconds. */
export const IDLE_CONNECTION_MS = 30_000;

/**
 * OTLP/HTTP over node:http(s): a pool of keep-alive connections, one write per request. Idle
 * connections do not keep the process alive, requests in flight do (for `timeoutMs` at most).
 * Redirects are not followed: headers may hold credentials meant for one host only.
 */
export function nodeHttpTransport(options: TransportOptions): Transport {
  const { timeoutMs, maxResponseBytes, askEndpoint } = options;
  const inFlight = new Set<ClientRequest>();
  let pool: Pool | undefined;
  let closed = false;

  async function sendAsked(payload: Payload): Promise<Outcome> {
    const asked = await askEndpoint!();
    return 'kind' in asked ? asked : attempt(payload, asked);
  }

  function attempt(payload: Payload, asked?: HttpEndpoint): Promise<Outcome> {
    return new Promise((resolve) => {
      if (closed) return resolve({ kind: 'retryable', reason: 'the transport is closed' });
      let request: ClientRequest;
      let secrets: readonly string[] = [];
      try {
        pool ??= openPool(options);
        secrets = asked?.secrets ?? pool.secrets;
        const { agent, ClientRequest } = pool;
        const target = asked === undefined ? pool.target : targetOf(asked);
        const headers = headersOf(target.headers, payload);
        request = new ClientRequest({ ...target, method: 'POST', agent, headers });
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
        };
        resolve(outcomeOf(answer, Date.now(), secrets));
      };
      const broken = (error: NodeJS.ErrnoException) => {
        if (response !== undefined) return answered(undefined);
        done();
        resolve(outcomeOfError(error, request.reusedSocket, secrets));
      };
      const done = () => {
        clearTimeout(timer);
        inFlight.delete(request);
      };
      const timer = setTimeout(() => {
        broken(new Error(`no answer within ${timeoutMs} ms`));
        request.destroy();
      }, timeoutMs).unref();

      inFlight.add(request);
      request.on('error', broken);
      request.on('response', (incoming) => {
        response = incoming;
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

  function close(): void {
    closed = true;
    for (const request of inFlight) request.destroy(new Error('the transport was closed'));
    if (pool?.agent !== options.agent) pool?.agent.destroy();
  }

  return { send: askEndpoint === undefined ? attempt : sendAsked, close };
}

interface Pool {
  readonly agent: Agent;
  readonly ClientRequest: typeof ClientRequest;
  readonly target: Target;
  readonly secrets: readonly string[];
}

/**
 * Comes with the first request: node:http costs more than everything else at start-up. The
 * class is used rather than `http.request`, which instrumentation replaces.
 */
function openPool(options: TransportOptions): Pool {
  const endpoint = endpointOf(options);
  const http = builtin('node:http');
  const agent = isAgent(options.agent)
    ? options.agent
    : newAgent(options, endpoint.url.protocol === 'https:');
  const { ClientRequest } = http;
  return { agent, ClientRequest, target: targetOf(endpoint), secrets: endpoint.secrets };
}

/** As node:http tells, which takes agents of other kinds, too. */
function isAgent(agent: object | undefined): agent is Agent {
  return agent !== undefined && 'addRequest' in agent;
}

function newAgent({ maxConnections, agent }: TransportOptions, secure: boolean): Agent {
  const { Agent: PoolAgent } = builtin(secure ? 'node:https' : 'node:http');
  return new PoolAgent({
    keepAlive: true,
    maxSockets: maxConnections,
    maxFreeSockets: maxConnections,
    timeout: IDLE_CONNECTION_MS,
    ...agent,
  });
}

interface Target {
  readonly protocol: string;
  readonly hostname: string;
  readonly port: string;
  readonly path: string;
  /** Name, value, name, value: written as it is, which saves Node a map and us its checks. */
  readonly headers: readonly string[];
}

function targetOf({ url, headers }: HttpEndpoint): Target {
  const { protocol, hostname, port, host, pathname, search } = url;
  return {
    protocol,
    // IPv6 addresses stand in brackets in a URL only
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port,
    path: pathname + search,
    headers: Object.entries<string>({ host, ...headers }).flat(),
  };
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
