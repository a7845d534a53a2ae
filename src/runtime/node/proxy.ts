import type { Agent, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { endpointOf } from '../../deliver/endpoint.ts';
import { RETRYABLE_STATUSES } from '../../deliver/outcome.ts';
import { builtin } from './builtin.ts';
import type { Route } from './http-transport.ts';

/** Variables as the environment has them. */
type Env = Readonly<Record<string, string | undefined>>;

type CreateConnection = Agent['createConnection'];

/**
 * The proxy that variables name for requests to a URL; undefined for none. As curl reads them:
 * `http_proxy`, `https_proxy` by the scheme of `url`, else `all_proxy`, unless `no_proxy` has the
 * host; lower case before upper case, empty is unset. `HTTP_PROXY` in upper case does not count in a
 * CGI program (one with `REQUEST_METHOD`), where it is a header of whoever made the request.
 *
 * @throws Error for a value that is no URL of an HTTP proxy: going around it would be no better.
 */
export function proxyOf(url: URL, env: Env): URL | undefined {
  const scheme = url.protocol.slice(0, -1);
  if (scheme !== 'http' && scheme !== 'https') return undefined;
  const cgi = scheme === 'http' && variable('request_method', env) !== undefined;
  const found = variable(`${scheme}_proxy`, env, cgi) ?? variable('all_proxy', env);
  return found === undefined || isExempt(url, env) ? undefined : checkedProxy(...found);
}

/**
 * The same for gRPC calls, as its libraries read the variables: whatever the scheme, `grpc_proxy`,
 * else `https_proxy`, else `http_proxy`; `no_grpc_proxy`, else `no_proxy`. Then `all_proxy`, as above.
 *
 * @throws Error for a value that is no URL of an HTTP proxy.
 */
export function grpcProxyOf(url: URL, env: Env): URL | undefined {
  const cgi = variable('request_method', env) !== undefined;
  const found =
    variable('grpc_proxy', env) ??
    variable('https_proxy', env) ??
    variable('http_proxy', env, cgi) ??
    variable('all_proxy', env);
  const exempt = found === undefined || isExempt(url, env, 'no_grpc_proxy');
  return exempt ? undefined : checkedProxy(...found);
}

function variable(name: string, env: Env, lowerCaseOnly = false) {
  for (const spelled of lowerCaseOnly ? [name] : [name, name.toUpperCase()]) {
    const text = env[spelled]?.trim();
    if (text) return [spelled, text] as const;
  }
  return undefined;
}

function checkedProxy(name: string, text: string): URL {
  let proxy: URL | undefined;
  try {
    proxy = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
    // They become a header; what cannot be decoded cannot.
    decodeURIComponent(proxy.username + proxy.password);
  } catch {
    proxy = undefined;
  }
  if (proxy !== undefined && /^https?:$/.test(proxy.protocol)) return proxy;
  // The value may hold credentials, so it is not repeated.
  const scheme = proxy === undefined ? '' : ` but begins with '${proxy.protocol}//'`;
  throw new Error(
    `${name} is not the http or https URL of a proxy${scheme}; give one such as http://localhost:3128.`,
  );
}

/**
 * Whether `no_proxy` has the host. Entries are parted by commas or spaces: `*` for all hosts; a name,
 * which is that of the hosts below it, too, with a leading dot or without; an address; a block of
 * addresses (`10.0.0.0/8`). `:port` after any of them is for that port alone.
 */
function isExempt(url: URL, env: Env, first = 'no_proxy'): boolean {
  const [, text = ''] = variable(first, env) ?? variable('no_proxy', env) ?? [];
  const entries = text.toLowerCase().split(/[\s,]+/);
  return entries.some((entry) => isOf(bareHost(url.hostname), portOf(url), entry));
}

function isOf(host: string, port: number, entry: string): boolean {
  const { BlockList, isIP } = builtin('node:net');
  // Only in brackets can an IPv6 address have a port.
  const plain = isIP(entry.split('/')[0]!) === 6;
  const [, hosts = '', ofPort] = plain ? [entry, entry] : /^(.*?)(?::(\d+))?$/.exec(entry)!;
  if (ofPort !== undefined && Number(ofPort) !== port) return false;
  if (hosts === '*') return true;
  const [address, prefix] = hosts.replace(/[[\]]/g, '').split('/') as [string, string?];
  const family = isIP(address);
  const hostFamily = isIP(host);
  if (family === 0) {
    const name = bareHost(hosts.replace(/^\*?\./, ''));
    return name !== '' && hostFamily === 0 && `.${host}`.endsWith(`.${name}`);
  }
  const longest = family === 4 ? 32 : 128;
  const bits = prefix === undefined ? longest : Number.parseInt(prefix, 10);
  if (hostFamily === 0 || !(bits >= 0 && bits <= longest)) return false;
  const block = new BlockList();
  block.addSubnet(address, bits, `ipv${family as 4 | 6}`);
  return block.check(host, `ipv${hostFamily as 4 | 6}`);
}

/** Without the brackets that IPv6 addresses have in URLs, and the dot of fully qualified names. */
function bareHost(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}

export function portOf({ port, protocol }: URL): number {
  return Number(port) || (protocol === 'https:' ? 443 : 80);
}

/** A proxy is an endpoint, too: what it is to see, and what must not be repeated. */
function credentialsOf(proxy: URL) {
  const { headers, secrets } = endpointOf({ url: proxy.href, headers: {}, userAgent: '' });
  return { authorization: headers['authorization'], secrets };
}

/** By a request to the proxy that has the whole URL in it (RFC 9112 §3.2.2), for `http:`. */
export function forwarded({ target, secrets }: Route, { origin }: URL, proxy: URL): Route {
  const own = credentialsOf(proxy);
  const headers = own.authorization === undefined ? [] : ['proxy-authorization', own.authorization];
  return {
    target: {
      protocol: proxy.protocol,
      hostname: bareHost(proxy.hostname),
      port: proxy.port,
      path: origin + target.path,
      headers: [...target.headers, ...headers],
    },
    secrets: [...secrets, ...own.secrets],
  };
}

/** Has an agent of node:https make its connections through a proxy, within `timeoutMs` each. */
export function tunnel(agent: Agent, proxy: URL, timeoutMs: number): void {
  const { createConnection, destroy } = agent;
  const ended = new AbortController();
  const connect = async (options: Parameters<CreateConnection>[0]): Promise<Socket> => {
    const target = { host: String(options.host), port: Number(options.port) };
    const socket = await connectThrough(proxy, target, timeoutMs, ended.signal);
    const secured = { ...options, socket };
    return createConnection.call(agent, secured) as Socket;
  };
  const later: CreateConnection = (options, connected) => {
    connect(options).then(
      (socket) => connected!(null, socket),
      (error: Error) => connected!(error, undefined as never),
    );
    return undefined;
  };
  Object.assign(agent, {
    createConnection: later,
    destroy() {
      ended.abort();
      destroy.call(agent);
    },
  });
}

/**
 * A connection to `target` through an HTTP proxy (RFC 9110 §9.3.6, CONNECT), over TLS to an `https:`
 * one. What is said on it is for the caller, TLS to the target included.
 *
 * @param timeoutMs for all of it, in milliseconds.
 * @param signal ends the connection, also later.
 * @throws Error, its `code` that of the network error; `ERR_HTTP_PROXY_REFUSED` where the proxy
 *   refuses for good, `EPROXY` where it may not the next time. Never with credentials.
 */
export function connectThrough(
  proxy: URL,
  target: { readonly host: string; readonly port: number },
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const host = bareHost(target.host);
    const authority = `${host.includes(':') ? `[${host}]` : host}:${target.port}`;
    const connection = connectTo(proxy);
    if (signal !== undefined) builtin('node:stream').addAbortSignal(signal, connection);
    const fail = (message: string, code: string | undefined) => {
      clearTimeout(timer);
      connection.destroy();
      reject(
        Object.assign(new Error(`proxy ${proxy.protocol}//${proxy.host}: ${message}`), { code }),
      );
    };
    const timer = setTimeout(
      () => fail(`no connection within ${timeoutMs} ms`, 'ETIMEDOUT'),
      timeoutMs,
    ).unref();

    const headers = { Host: authority, Connection: 'keep-alive' };
    const { authorization } = credentialsOf(proxy);
    const { ClientRequest } = builtin('node:http');
    const request = new ClientRequest({
      method: 'CONNECT',
      path: authority,
      headers:
        authorization === undefined
          ? headers
          : { ...headers, 'Proxy-Authorization': authorization },
      createConnection: () => connection,
    });
    request.on('error', ({ message, code }: NodeJS.ErrnoException) => fail(message, code));
    request.on('connect', ({ statusCode = 0 }: IncomingMessage, socket: Socket, head: Buffer) => {
      if (statusCode < 200 || statusCode > 299) {
        const hint = statusCode === 407 ? ', for want of a user and password in its URL' : '';
        const lasting = !RETRYABLE_STATUSES.includes(statusCode);
        return fail(
          `refused to connect to ${authority} with HTTP ${statusCode}${hint}`,
          lasting ? 'ERR_HTTP_PROXY_REFUSED' : 'EPROXY',
        );
      }
      clearTimeout(timer);
      // A server may speak first (HTTP/2 without TLS).
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    request.end();
  });
}

function connectTo(proxy: URL): Socket {
  const host = bareHost(proxy.hostname);
  const port = portOf(proxy);
  if (proxy.protocol === 'http:') return builtin('node:net').connect({ host, port });
  const { connect } = builtin('node:tls');
  // A server name must not be an address (RFC 6066 §3).
  const servername = builtin('node:net').isIP(host) === 0 ? host : '';
  return connect({ host, port, servername, ALPNProtocols: ['http/1.1'] });
}
