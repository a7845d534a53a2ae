import { endpointFor, type HttpEndpoint } from '../deliver/endpoint.ts';
import { type HttpAnswer, LASTING_ERROR, outcomeOf, oversized, shown } from '../deliver/outcome.ts';
import type {
  Outcome,
  Payload,
  Signal,
  Transport,
  TransportOptions,
} from '../deliver/transport.ts';
import { readAll } from './read-all.ts';

/**
 * OTLP/HTTP over `fetch`, for every host that has no better one. The host pools connections, so
 * `maxConnections` is its business. Redirects are not followed. `fetcher` replaces the global
 * `fetch` (a service binding, a test). Throws a TypeError when `url` is none.
 */
export function fetchTransport(options: TransportOptions, fetcher?: typeof fetch): Transport {
  const { timeoutMs, maxResponseBytes, askEndpoint, retryable } = options;
  /** By signal; the first is read at once, for what is wrong with it. */
  const endpoints: Partial<Record<Signal, HttpEndpoint>> = {};
  endpointFor(options, 'traces');
  const inFlight = new Set<AbortController>();
  let closed = false;

  async function send(payload: Payload): Promise<Outcome> {
    const { signal } = payload;
    if (askEndpoint === undefined) {
      endpoints[signal] ??= endpointFor(options, signal);
      return attempt(payload, endpoints[signal]);
    }
    const asked = await askEndpoint(signal);
    return 'kind' in asked ? asked : attempt(payload, asked);
  }

  async function attempt(payload: Payload, target: HttpEndpoint): Promise<Outcome> {
    if (closed) return { kind: 'retryable', reason: 'the transport is closed' };
    const { url, headers: fixed, secrets } = target;
    if (url.protocol === 'unix:') {
      const reason = 'Unix sockets cannot be had here; give an endpoint with http: or https:';
      return { kind: 'rejected', reason };
    }
    let headers: Headers;
    try {
      headers = new Headers(fixed);
    } catch (error) {
      return { kind: 'rejected', reason: shown(String(error), secrets) };
    }
    headers.set('content-type', payload.contentType);
    if (payload.encoding !== 'identity') headers.set('content-encoding', payload.encoding);

    const controller = new AbortController();
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      controller.abort();
    }, timeoutMs);
    inFlight.add(controller);
    try {
      const response = await (fetcher ?? fetch)(url.href, {
        method: 'POST',
        headers,
        body: payload.body as Uint8Array<ArrayBuffer>,
        signal: controller.signal,
        redirect: 'manual',
      });
      if (response.type === 'opaqueredirect') {
        return { kind: 'rejected', reason: 'HTTP 3xx: redirects are not followed' };
      }
      const body = await readBody(response, maxResponseBytes);
      if (body === 'oversized') return oversized(response.status, maxResponseBytes);
      return outcomeOf(answerOf(response, body), payload, secrets, retryable?.httpStatuses);
    } catch (error) {
      if (timedOut) return { kind: 'retryable', reason: `no answer within ${timeoutMs} ms` };
      const { message, code } = causeOf(error);
      const kind = LASTING_ERROR.test(code) ? 'rejected' : 'retryable';
      return { kind, reason: shown(`${message} ${code}`, secrets) };
    } finally {
      clearTimeout(timer);
      inFlight.delete(controller);
    }
  }

  function close(): void {
    closed = true;
    for (const controller of inFlight) controller.abort();
  }

  return { send, close };
}

/** The whole body, decompressed; `undefined` when it breaks off: the status counts all the same. */
async function readBody(
  { body }: Response,
  maxBytes: number,
): Promise<Uint8Array | undefined | 'oversized'> {
  if (body === null) return new Uint8Array(0);
  try {
    return (await readAll(body, maxBytes)) ?? 'oversized';
  } catch {
    return undefined;
  }
}

function answerOf({ status, headers }: Response, body: Uint8Array | undefined): HttpAnswer {
  return {
    status,
    contentType: headers.get('content-type') ?? '',
    retryAfter: headers.get('retry-after') ?? '',
    body,
    unixMs: Date.now(),
  };
}

/** `fetch` says little itself; where there is a cause, that names the network error. */
function causeOf(error: unknown): { message: string; code: string } {
  const { message = String(error), cause } = error as { message?: string; cause?: unknown };
  const { message: detail, code = '' } = (cause ?? {}) as { message?: string; code?: unknown };
  return { message: detail || message, code: String(code) };
}
