/** Option `auth`, and headers that have to be asked for. */

import type { Headers } from '../deliver/asked-endpoint.ts';
import { type Auth, tokenFile } from '../deliver/auth.ts';
import { keyProblem, tokenProblem } from '../deliver/credentials.ts';
import { OWN_HEADERS } from '../deliver/endpoint.ts';
import type { Host } from '../runtime/host.ts';
import { headerProblem, invalid, refused, shown, typeShown } from './checks.ts';
import { checkHeaders } from './delivery.ts';

/**
 * A secret, or a function that is asked for it before every attempt (attempts that are made while
 * it is asked share the answer; what it gives is not kept, so one that has to fetch its answer
 * should keep that itself). While it throws, rejects, or takes longer than `timeoutMs`, spans wait
 * as they do for a collector that is away.
 */
export type Secret = string | (() => string | Promise<string>);

/** `Authorization: Bearer …` (RFC 6750). */
export interface BearerAuth {
  /** The token, without `Bearer`. */
  readonly bearer: Secret;
}

/** `Authorization: Bearer …` with a token that something else keeps fresh in a file. */
export interface BearerFileAuth {
  /**
   * Path of a file with the token and nothing else but white space around it, such as the service
   * account's in a Kubernetes pod. Read again before an attempt when it was last read 10 s ago.
   * While it cannot be read, is empty or holds no token, the last token is used for up to 60 s after
   * it was read; then, or when there was none, spans wait as they do for a collector that is
   * away. Hosts with files only (Node, Deno, Bun).
   */
  readonly bearerFile: string;
}

/** A key in a header of its own. */
export interface ApiKeyAuth {
  readonly apiKey: Secret;
  /** Name of the header. Default `x-api-key`. */
  readonly header?: string;
}

/** Who sends the requests; one of these. Values are never shown. */
export type AuthOptions = BearerAuth | BearerFileAuth | ApiKeyAuth;

/** Headers, or a function that is asked for them as {@link Secret} has it. */
export type HeadersOption = Headers | (() => Headers | Promise<Headers>);

/** The options of `start()` that matter here. */
interface Given {
  readonly auth?: AuthOptions | undefined;
  readonly headers?: HeadersOption | undefined;
  readonly endpoint?: string | undefined;
  readonly tracesEndpoint?: string | undefined;
}

type FileHost = Pick<Host, 'name' | 'now' | 'readText'>;

const KINDS = ['bearer', 'bearerFile', 'apiKey'] as const;

/** All that some kind of `auth` may have. */
type Members = { readonly [name in (typeof KINDS)[number] | 'header']?: unknown };

/**
 * What `auth` and `headers` come to beyond headers that are plain values.
 *
 * @throws OtlpError `invalid_option`
 */
export function resolveAuth(given: Given, host: FileHost): Auth | undefined {
  const { headers } = given;
  const own = given.auth === undefined ? undefined : ownAuth(given, host);
  if (typeof headers !== 'function') return own;
  const ask = async () => checkHeaders(checkAnswer(await headers()) as Headers);
  if (own === undefined) return { askHeaders: ask };
  const askOwn = 'askHeaders' in own ? own.askHeaders : () => own.staticHeaders;
  return {
    askHeaders: async () => {
      const [asked, authorization] = await Promise.all([ask(), askOwn()]);
      return { ...asked, ...authorization };
    },
  };
}

function ownAuth(given: Given, host: FileHost): Auth {
  const auth = given.auth as Members | null;
  const kinds = KINDS.filter((kind) => auth?.[kind] !== undefined);
  const [kind] = kinds;
  if (auth === null || kind === undefined || kinds.length > 1) {
    const has = kinds.join(' and ') || 'nothing, or only what is undefined';
    throw invalid(`option 'auth' has ${has}; give it one of ${KINDS.join(', ')}.`);
  }
  const keyed = kind === 'apiKey';
  if (auth.header !== undefined && !keyed) {
    throw invalid(`option 'auth.header' goes with apiKey, not with ${kind}; leave it out.`);
  }
  const header = keyed ? headerName(auth.header) : 'authorization';
  checkAlone(given, header);
  const secret = kind === 'bearerFile' ? fileOf(auth[kind], host) : secretOf(kind, auth[kind]);
  const headers = (text: string) => ({ [header]: keyed ? text : `Bearer ${text}` });
  return typeof secret === 'string'
    ? { staticHeaders: headers(secret) }
    : { askHeaders: async () => headers(await secret()) };
}

function headerName(name: unknown = 'x-api-key'): string {
  const wanted = 'the name of a header that is free for a key';
  if (typeof name !== 'string') throw refused('auth.header', name, wanted);
  const header = name.toLowerCase();
  // The User-Agent is no secret elsewhere.
  const taken = OWN_HEADERS.has(header) || header === 'user-agent';
  if (taken || headerProblem(name, '') !== undefined) throw refused('auth.header', name, wanted);
  return header;
}

/** Of two that were meant to be sent, one would not be. Variables do not count: options win. */
function checkAlone({ headers, endpoint, tracesEndpoint }: Given, header: string): void {
  const named = Object.keys(headers ?? {});
  let other = named.some((name) => name.toLowerCase() === header) ? 'headers' : '';
  const url = tracesEndpoint ?? endpoint;
  // With gRPC, URLs may come without a scheme.
  if (header === 'authorization' && url !== undefined && /^(\w+:\/\/)?[^/?#]*@/.test(url)) {
    other = tracesEndpoint === undefined ? 'endpoint' : 'tracesEndpoint';
  }
  if (other === '') return;
  throw invalid(`options 'auth' and '${other}' both say what '${header}' is; leave one out.`);
}

function fileOf(path: unknown, host: FileHost): () => Promise<string> {
  if (typeof path !== 'string' || path === '') {
    throw refused('auth.bearerFile', path, 'the path of a file with a token');
  }
  if (host.readText !== undefined) return tokenFile(host, path);
  throw invalid(
    `option 'auth.bearerFile' is ${shown(path)}, but there are no files on ${host.name}; give bearer in its place.`,
  );
}

function secretOf(kind: 'bearer' | 'apiKey', value: unknown): string | (() => Promise<string>) {
  const what = kind === 'bearer' ? 'token' : 'key';
  const problemOf = kind === 'bearer' ? tokenProblem : keyProblem;
  const checked = (secret: unknown, returned = '') => {
    const problem = typeof secret === 'string' ? problemOf(secret) : `is ${seen(secret)}`;
    if (typeof secret === 'string' && problem === undefined) return secret;
    throw invalid(
      `${returned}option 'auth.${kind}' ${problem}; give the ${what} and nothing else.`,
    );
  };
  if (typeof value !== 'function') return checked(value);
  return async () => checked(await value(), 'what was returned for ');
}

/** The headers that a function gave. Throws a TypeError for what are none. */
export function checkAnswer(answer: unknown): object {
  if (typeof answer === 'object' && answer !== null) return answer;
  throw new TypeError(`option 'headers' returned ${seen(answer)}, not an object`);
}

function seen(value: unknown): string {
  return value === null || value === undefined ? String(value) : typeShown(value);
}
