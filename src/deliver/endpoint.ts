import { takeCredentials } from './credentials.ts';
import type { Signal, TransportOptions } from './transport.ts';

/** Where requests go and what every one of them carries. */
export interface HttpEndpoint {
  /** Without credentials. One with `unix:` names a socket, and no path of requests. */
  readonly url: URL;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** What must not be repeated when a server or a library quotes it, longest first. */
  readonly secrets: readonly string[];
}

/** Set per request, or by the connection; a configured header must not contradict them. */
export const OWN_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'transfer-encoding',
]);

/** Of one of the signals that share a transport. */
export function endpointFor(options: TransportOptions, signal: Signal): HttpEndpoint {
  return endpointOf({ ...options, url: options.urls?.[signal] ?? options.url });
}

/**
 * Reads the options once. Credentials in the URL become the Authorization header they stand for,
 * unless one is configured. Throws a TypeError when `url` is none.
 */
export function endpointOf(
  options: Pick<TransportOptions, 'url' | 'headers' | 'userAgent'>,
): HttpEndpoint {
  const url = new URL(options.url);
  const headers: Record<string, string> = {};
  if (options.userAgent !== '') headers['user-agent'] = options.userAgent;
  const { password } = url;
  const authorization = takeCredentials(url);
  if (authorization !== undefined) headers['authorization'] = authorization;
  for (const [name, value] of Object.entries(options.headers)) {
    const key = name.toLowerCase();
    if (!OWN_HEADERS.has(key)) headers[key] = value;
  }
  const { 'user-agent': _, ...secretHeaders } = headers;
  const values = [
    ...Object.values(secretHeaders),
    ...url.searchParams.values(),
    decodeURIComponent(password),
  ];
  const secrets = values
    .flatMap((value) => [value, ...value.split(/\s+/)])
    // as they are quoted in a URL and in JSON
    .flatMap((text) => [text, encodeURIComponent(text), JSON.stringify(text).slice(1, -1)])
    // shorter ones would garble the message more than they hide
    .filter(({ length }) => length >= 4)
    .sort((a, b) => b.length - a.length);
  return { url, headers, secrets };
}

/** Where a signal is posted to when the endpoint says nothing of it (OTLP/HTTP: Request). */
export function signalPath(signal: Signal): string {
  return signal === 'profiles' ? '/v1development/profiles' : `/v1/${signal}`;
}

/** The socket that a `unix:` URL names; undefined for others. */
export function socketPathOf({ protocol, pathname }: URL): string | undefined {
  return protocol === 'unix:' ? decodeURIComponent(pathname) : undefined;
}
