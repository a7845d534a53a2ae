import {
  type BaggageEntry,
  baggageEntryMetadataFromString,
  type Context,
  propagation,
  type TextMapGetter,
  type TextMapPropagator,
  type TextMapSetter,
} from '@opentelemetry/api';
import { isTracingSuppressed } from '../context/suppress-tracing.ts';
import { listHeader, trimOws } from './header.ts';

const BAGGAGE = 'baggage';

/**
 * Limits in both directions; that of the bytes holds for the commas too. W3C Baggage, "Limits",
 * has 64 members and 8192 bytes passed on at least; 180 is what the first drafts asked for and
 * others' SDKs still send. All that is counted is ASCII, so characters are bytes.
 */
const MAX_MEMBERS = 180;
const MAX_BYTES = 8192;

/** `token` of RFC 9110 and `baggage-octet` of W3C Baggage. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const OCTETS = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;
const NOT_OCTET = /[^\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]/gu;
/** What a key cannot hold as it is; an escape that the other side would undo is one of those. */
const NOT_KEY = /%(?=[0-9A-Fa-f]{2})|[^!#$%&'*+\-.^_`|~0-9A-Za-z]/gu;
const PERCENT_RUN = /(?:%[0-9A-Fa-f]{2})+/g;

/** The `baggage` header: W3C Baggage. */
export class BaggagePropagator implements TextMapPropagator {
  /**
   * Writes the context's baggage; nothing where tracing is suppressed. Of more than 180 entries
   * the first ones go; one that would take the header beyond 8192 bytes is left out whole, and
   * those after it that still fit go.
   */
  inject<Carrier>(context: Context, carrier: Carrier, setter: TextMapSetter<Carrier>): void {
    const baggage = propagation.getBaggage(context);
    if (baggage === undefined || isTracingSuppressed(context)) return;
    const members: string[] = [];
    let bytes = 0;
    for (const [key, entry] of baggage.getAllEntries()) {
      if (members.length === MAX_MEMBERS) break;
      if (key === '') continue;
      const member = memberOf(key, entry);
      const grown = bytes + member.length + (bytes > 0 ? 1 : 0);
      if (grown > MAX_BYTES) continue;
      members.push(member);
      bytes = grown;
    }
    if (members.length > 0) setter.set(carrier, BAGGAGE, members.join(','));
  }

  /**
   * The context with the caller's baggage in it; unchanged where there is none. Invalid members
   * and those beyond the limits of {@link inject} are skipped. Of a key that occurs twice the
   * last value stays.
   */
  extract<Carrier>(context: Context, carrier: Carrier, getter: TextMapGetter<Carrier>): Context {
    const header = listHeader(carrier, getter, BAGGAGE);
    if (!header) return context;
    // Without a prototype `__proto__` is a key like any other.
    const entries: Record<string, BaggageEntry> = Object.create(null);
    let count = 0;
    let bytes = 0;
    for (let from = 0; from <= header.length && count < MAX_MEMBERS && bytes < MAX_BYTES; ) {
      let to = header.indexOf(',', from);
      if (to < 0) to = header.length;
      const member = trimOws(header.slice(from, to));
      from = to + 1;
      const grown = bytes + member.length + (bytes > 0 ? 1 : 0);
      if (grown > MAX_BYTES) continue;
      const parsed = parseMember(member);
      if (parsed === undefined) continue;
      entries[parsed.key] = parsed.entry;
      count++;
      bytes = grown;
    }
    if (count === 0) return context;
    return propagation.setBaggage(context, propagation.createBaggage(entries));
  }

  fields(): string[] {
    return [BAGGAGE];
  }
}

/** `key=value;property;property=value` as it goes on the wire. */
function memberOf(key: string, { value, metadata }: BaggageEntry): string {
  let member = `${encodeKey(key)}=${encodeURIComponent(wellFormed(String(value)))}`;
  if (metadata === undefined) return member;
  for (const property of metadata.toString().split(';')) {
    const { name, text } = splitPair(property);
    if (name === '') continue;
    // What came from the wire is escaped already: only what cannot stay is escaped now.
    member += `;${TOKEN.test(name) ? name : encodeKey(name)}`;
    if (text !== undefined) member += `=${wellFormed(text).replace(NOT_OCTET, percentEncode)}`;
  }
  return member;
}

function parseMember(member: string): { key: string; entry: BaggageEntry } | undefined {
  const [pair, ...properties] = member.split(';') as [string, ...string[]];
  const { name, text } = splitPair(pair);
  if (text === undefined || !TOKEN.test(name) || !OCTETS.test(text)) return undefined;
  const metadata: string[] = [];
  for (const property of properties) {
    const { name, text } = splitPair(property);
    if (name === '' && text === undefined) continue;
    if (!TOKEN.test(name) || (text !== undefined && !OCTETS.test(text))) return undefined;
    metadata.push(text === undefined ? name : `${name}=${text}`);
  }
  const entry: BaggageEntry = { value: decodeValue(text) };
  if (metadata.length > 0) entry.metadata = baggageEntryMetadataFromString(metadata.join(';'));
  return { key: decodeKey(name), entry };
}

/** At the first `=`; a value may hold more of them. */
function splitPair(pair: string): { name: string; text: string | undefined } {
  const split = pair.indexOf('=');
  if (split < 0) return { name: trimOws(pair), text: undefined };
  return { name: trimOws(pair.slice(0, split)), text: trimOws(pair.slice(split + 1)) };
}

/** U+FFFD for each lone surrogate, which has no UTF-8. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}

function percentEncode(character: string): string {
  // The two that are left alone below although no token may hold them.
  if (character === '(') return '%28';
  if (character === ')') return '%29';
  return encodeURIComponent(character);
}

/**
 * W3C Baggage restricts keys to tokens and has no escapes for them; OpenTelemetry allows any
 * string. Others' SDKs for JavaScript escape keys as if they were values, so what no token may
 * hold travels that way, and nothing else is touched.
 */
function encodeKey(key: string): string {
  return wellFormed(key).replace(NOT_KEY, percentEncode);
}

/** Undoes {@link encodeKey}; what is no escape, or no UTF-8, is part of the key. */
function decodeKey(key: string): string {
  return percentDecode(key, (run) => run);
}

/** Octets that are no UTF-8 become U+FFFD, as W3C Baggage asks of values. */
function decodeValue(text: string): string {
  return percentDecode(text, (run) => {
    const octets = Uint8Array.from(run.slice(1).split('%'), (hex) => Number.parseInt(hex, 16));
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(octets);
  });
}

function percentDecode(text: string, notUtf8: (run: string) => string): string {
  if (!text.includes('%')) return text;
  return text.replace(PERCENT_RUN, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return notUtf8(run);
    }
  });
}
