/** What options and variables are checked by. Values are shown short, and secrets not at all. */

import { signalPath } from '../deliver/endpoint.ts';
import type { RecordedSignal } from '../deliver/transport.ts';
import { OtlpError } from '../errors.ts';

/** As a message may show it. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value.slice(0, 80)}'`;
  if (value === null) return 'null';
  return typeof value === 'object' || typeof value === 'function'
    ? typeShown(value)
    : String(value);
}

export function typeShown(value: unknown): string {
  const type = typeof value;
  return type === 'object' ? 'an object' : `a ${type}`;
}

export function invalid(message: string): OtlpError {
  return new OtlpError('invalid_option', message);
}

/** For an option whose value is of no use; `wanted` ends in what leaving it out would mean. */
export function refused(name: string, value: unknown, wanted: string, seen = ''): OtlpError {
  return invalid(`option '${name}' is ${shown(value)}${seen}; give ${wanted}, or leave it out.`);
}

/** `a, b or c` */
export function anyOf(texts: readonly string[]): string {
  return `${texts.slice(0, -1).join(', ')} or ${texts.at(-1)}`;
}

/** For an option that has something of no use in it. */
export function refusedEntry(name: string, entry: string, wanted: string): OtlpError {
  return invalid(`option '${name}' has an entry ${entry}; give ${wanted}.`);
}

/** A group of options, `{}` when it is left out. */
export function group<T extends object>(
  name: string,
  value: T | undefined,
): T | Record<string, never> {
  if (value === undefined) return {};
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  // Not the value: of headers that are one text it is all.
  const seen = value === null ? 'null' : Array.isArray(value) ? 'an array' : typeShown(value);
  throw invalid(`option '${name}' is ${seen}; give an object, or leave it out.`);
}

/** A list, copied: `[]` when it is left out. */
export function list<T>(name: string, value: readonly T[] | undefined, of: string): readonly T[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return [...value];
  throw refused(name, value, `an array of ${of}`);
}

/** @throws OtlpError `invalid_option`, which begins with `name` */
export function checkedUrl(name: string, value: string, example = 'http://localhost:4318'): string {
  let protocol = '';
  let href = '';
  try {
    const url = new URL(value);
    // They become a header; what cannot be decoded cannot.
    decodeURIComponent(url.username + url.password);
    ({ protocol, href } = url);
  } catch {}
  if (/^https?:$/.test(protocol)) return href;
  // The value may hold credentials, so it is not repeated.
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(String(value)) ?? [];
  const web = scheme === undefined || /^https?$/i.test(scheme);
  const seen = web ? '' : ` but begins with ${shown(scheme)}`;
  throw invalid(`${name} is not an http or https URL${seen}; give one such as ${example}.`);
}

/**
 * As `checkedUrl`, and takes the URL of a Unix socket, `unix:///run/otel.sock`.
 *
 * @throws OtlpError `invalid_option`, which begins with `name`
 */
export function checkedEndpoint(name: string, value: string): string {
  if (!/^unix:/i.test(value)) return checkedUrl(name, value);
  try {
    const { host, pathname, href } = new URL(value);
    if (host === '' && /^\/[^/]/.test(decodeURIComponent(pathname))) return href;
  } catch {}
  throw invalid(
    `${name} begins with 'unix' but has no absolute path of a socket; give one such as unix:///run/otel.sock.`,
  );
}

/**
 * The URL for a signal below a base URL (OTLP exporter, "Endpoint URLs for OTLP/HTTP"). That of a Unix
 * socket has no place for it.
 */
export function signalUrl(base: string, signal: RecordedSignal): string {
  const url = new URL(base);
  if (url.protocol === 'unix:') return base;
  url.pathname = url.pathname.replace(/\/$/, '') + signalPath(signal);
  return url.href;
}

/** What is wrong with a header, without its value: that is a secret more often than not. */
export function headerProblem(name: string, value: unknown): string | undefined {
  if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/i.test(name)) return 'whose name is no HTTP token';
  if (typeof value !== 'string') {
    return `whose value is ${value === null ? 'null' : typeShown(value)}, not a string`;
  }
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
    return 'whose value has characters that headers cannot have';
  }
  return undefined;
}
