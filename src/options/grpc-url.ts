/** Where OTLP/gRPC calls go (specification, "OTLP exporter", "Endpoint URLs" and "insecure"). */

import type { RecordedSignal } from '../deliver/transport.ts';
import { checkedEndpoint, checkedUrl, invalid } from './checks.ts';
import { type Env, exporterVariables, setVariables } from './variables.ts';

const DEFAULT_URL = 'http://localhost:4317';

/** Where variables come from, of which signal, and who is told of those that are of no use. */
interface Source {
  readonly signal: RecordedSignal;
  readonly env: Env;
  readonly warn: (line: string) => void;
}

/**
 * Where OTLP/gRPC calls go: the option, else `OTEL_EXPORTER_OTLP_[<SIGNAL>_]ENDPOINT`, else
 * `http://localhost:4317`. A path is left out. As gRPC names it, `unix:/run/otel.sock` and
 * `unix:///run/otel.sock` are a Unix socket.
 *
 * @param secure Whether with TLS, if that is known; otherwise the scheme decides, without one
 *   `OTEL_EXPORTER_OTLP_[<SIGNAL>_]INSECURE`; TLS is the default.
 * @throws OtlpError `invalid_option`
 */
export function grpcUrl(
  option: string,
  url: string | undefined,
  secure: boolean | undefined,
  source: Source,
): string {
  const { env, warn, signal } = source;
  if (url !== undefined) return target(option, url, secure, source);
  for (const { name, text } of setVariables(env, exporterVariables('ENDPOINT', signal))) {
    try {
      return target(name, text, secure, source);
    } catch (error) {
      warn(`${(error as Error).message} It is ignored.`);
    }
  }
  return target('the default', DEFAULT_URL, secure, source);
}

/** Scheme, host and port; TLS or not as upstream decides it. */
function target(
  name: string,
  value: string,
  secure: boolean | undefined,
  { env, warn, signal }: Source,
): string {
  const text = typeof value === 'string' ? value.trim() : value;
  if (typeof text === 'string' && /^unix:/i.test(text)) return socketUrl(name, text, secure);
  const plain =
    secure === undefined
      ? setVariables(env, exporterVariables('INSECURE', signal))[0]?.text
      : undefined;
  const assumed = plain?.toLowerCase() === 'true' ? 'http' : 'https';
  // What is no string is refused as it is.
  const complete = typeof text !== 'string' || /^\w{1,8}:\/\//.test(text);
  const url = new URL(checkedUrl(name, complete ? text : `${assumed}://${text}`, DEFAULT_URL));
  if (url.pathname !== '/' || url.search !== '') {
    warn(`${name} has a path, which gRPC has no use for; it is ignored.`);
  }
  // A port that is the default of the scheme given is not of the other.
  const port = url.port || (url.protocol === 'http:' ? '80' : '443');
  if (secure !== undefined) {
    url.protocol = secure ? 'https:' : 'http:';
    url.port = port;
  }
  url.pathname = '/';
  url.search = '';
  url.hash = '';
  return url.href;
}

/** Of a Unix socket, over which there is no TLS. */
function socketUrl(name: string, text: string, secure: boolean | undefined): string {
  const { pathname } = new URL(checkedEndpoint(name, text));
  if (secure === true) {
    throw invalid(
      `${name} is a Unix socket, which is without TLS, but option 'credentials' is secure; give insecure ones, or leave them out.`,
    );
  }
  return `unix://${pathname}`;
}
