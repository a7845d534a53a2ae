import type { Host } from '../runtime/host.ts';
import { askedEndpoint, type Headers } from './asked-endpoint.ts';
import { tokenProblem } from './credentials.ts';
import type { TransportOptions } from './transport.ts';

/** Headers that say who sends: known, or asked for before every attempt. */
export type Auth =
  | { readonly staticHeaders: Headers }
  | { readonly askHeaders: () => Promise<Headers> };

/** A token file is read again when it was last read this long ago, milliseconds. */
const FRESH_MS = 10_000;

/**
 * How long its last token is used while the file cannot be, milliseconds. One that is just being
 * written costs no attempt; but a token that has expired would have everything refused for good,
 * where waiting loses nothing.
 */
const KEPT_MS = 60_000;

/** The options of a transport whose requests say who sends them. */
export function authenticated(
  host: Pick<Host, 'setTimer'>,
  options: TransportOptions,
  auth: Auth | undefined,
): TransportOptions {
  if (auth === undefined) return options;
  if ('askHeaders' in auth) {
    return { ...options, askEndpoint: askedEndpoint(host, options, auth.askHeaders) };
  }
  return { ...options, headers: { ...options.headers, ...auth.staticHeaders } };
}

/** What gives the token in a file, and rejects when there is none to be had. */
export function tokenFile(
  host: Pick<Host, 'now' | 'readText'>,
  path: string,
): () => Promise<string> {
  let token = '';
  let readAtMs = Number.NEGATIVE_INFINITY;

  return async () => {
    const nowMs = host.now();
    const ageMs = nowMs - readAtMs;
    if (ageMs < FRESH_MS) return token;
    const text = (await host.readText?.(path))?.trim();
    const problem = text === undefined ? 'cannot be read' : tokenProblem(text);
    if (text !== undefined && problem === undefined) {
      token = text;
      readAtMs = nowMs;
    } else if (ageMs >= KEPT_MS) {
      throw new Error(`the token file '${path}' ${problem}`);
    }
    return token;
  };
}
