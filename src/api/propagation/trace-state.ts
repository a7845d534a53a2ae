import type { TraceState } from '@opentelemetry/api';
import { trimOws } from './header.ts';

/** W3C Trace Context Level 2, "tracestate Header Field Values". */
const MAX_MEMBERS = 32;
const KEY = /^[a-z0-9][a-z0-9_\-*/@]{0,255}$/;
const VALUE = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/** TraceState of `@opentelemetry/api`: an immutable list, the most recently changed key first. */
export class W3CTraceState implements TraceState {
  /** `key=value`, each key once. */
  readonly #members: readonly string[];
  #serialized: string | undefined;

  constructor(members: readonly string[] = []) {
    this.#members = members;
  }

  /**
   * A list that begins with this pair. A 33rd member pushes out the last one. A key or value
   * that the header cannot carry leaves the list as it is.
   */
  set(key: string, value: string): W3CTraceState {
    if (!KEY.test(key) || !VALUE.test(value)) return this;
    const others = this.#members.filter((member) => !member.startsWith(`${key}=`));
    return new W3CTraceState([`${key}=${value}`, ...others].slice(0, MAX_MEMBERS));
  }

  unset(key: string): W3CTraceState {
    const others = this.#members.filter((member) => !member.startsWith(`${key}=`));
    return others.length === this.#members.length ? this : new W3CTraceState(others);
  }

  get(key: string): string | undefined {
    const start = `${key}=`;
    return this.#members.find((member) => member.startsWith(start))?.slice(start.length);
  }

  /** The value of the `tracestate` header; empty when there is no member. */
  serialize(): string {
    return (this.#serialized ??= this.#members.join(','));
  }
}

/**
 * Reads a `tracestate` header. Of a key that occurs twice the first, most recent, value stays.
 *
 * @returns undefined when there is no member or when anything in it is invalid: one member that
 * cannot be read makes the whole list unreliable (W3C Trace Context, "Tracestate Header").
 */
export function parseTraceState(header: string): W3CTraceState | undefined {
  const members: string[] = [];
  const keys = new Set<string>();
  let count = 0;
  for (let from = 0; from <= header.length; ) {
    let to = header.indexOf(',', from);
    if (to < 0) to = header.length;
    const member = trimOws(header.slice(from, to));
    from = to + 1;
    // Empty members are what joining an empty header to others leaves behind.
    if (member === '') continue;
    if (++count > MAX_MEMBERS) return undefined;
    const split = member.indexOf('=');
    if (split < 0) return undefined;
    const key = member.slice(0, split);
    if (!KEY.test(key) || !VALUE.test(member.slice(split + 1))) return undefined;
    if (keys.has(key)) continue;
    keys.add(key);
    members.push(member);
  }
  return count === 0 ? undefined : new W3CTraceState(members);
}
