/** Conditions of `composableRuleBased()`. */

import type { SpanKind } from '@opentelemetry/api';
import type { SpanToSample } from './composite.ts';

/** Whether a rule is about a span. */
export type SpanPredicate = (span: SpanToSample) => boolean;

/**
 * A text of which `*` stands for any number of characters and `?` for one, the whole of which
 * must match; or a regular expression, which may match anywhere.
 */
export type TextPattern = string | RegExp;

/** The span is of one of these kinds. */
export function spanKindIs(...kinds: readonly SpanKind[]): SpanPredicate {
  return ({ kind }) => kinds.includes(kind);
}

/** One of the patterns matches the name the span starts with. */
export function spanNameMatches(...patterns: readonly TextPattern[]): SpanPredicate {
  const matches = anyMatches(patterns);
  return ({ name }) => matches(name);
}

/**
 * The span starts with this attribute and one of the patterns matches its value, or one of its
 * values when it is a list. Numbers and booleans are matched as text: `404`, `true`.
 */
export function attributeMatches(key: string, ...patterns: readonly TextPattern[]): SpanPredicate {
  const matches = anyMatches(patterns);
  return ({ attributes }) => {
    if (!Object.hasOwn(attributes, key)) return false;
    const value = attributes[key];
    if (Array.isArray(value)) return value.some((one) => one !== null && matches(String(one)));
    return value !== undefined && value !== null && matches(String(value));
  };
}

/** Where a span's parent is: it has none, it is in another process, or in this one. */
export type ParentPlace = 'none' | 'remote' | 'local';

/** The span's parent is in one of these places: `parentIs('none')` holds of roots. */
export function parentIs(...places: readonly ParentPlace[]): SpanPredicate {
  return ({ parent }) => {
    const place = parent === undefined ? 'none' : parent.isRemote === true ? 'remote' : 'local';
    return places.includes(place);
  };
}

/** Every predicate holds; true of every span when there are none. */
export function allOf(...predicates: readonly SpanPredicate[]): SpanPredicate {
  return (span) => predicates.every((predicate) => predicate(span));
}

/** At least one predicate holds. */
export function anyOf(...predicates: readonly SpanPredicate[]): SpanPredicate {
  return (span) => predicates.some((predicate) => predicate(span));
}

/** The predicate does not hold. */
export function not(predicate: SpanPredicate): SpanPredicate {
  return (span) => !predicate(span);
}

function anyMatches(patterns: readonly TextPattern[]): (text: string) => boolean {
  const matchers = patterns.map((pattern) => {
    if (typeof pattern === 'string') return (text: string) => wildcardMatches(pattern, text);
    // One that is global or sticky would go on where it stopped.
    const stateless = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
    return (text: string) => stateless.test(text);
  });
  return (text) => matchers.some((matches) => matches(text));
}

/** At most `pattern.length * text.length` steps, whatever the pattern. */
function wildcardMatches(pattern: string, text: string): boolean {
  let at = 0;
  // Where the last `*` is, and up to where it has taken the text.
  let star = -1;
  let taken = 0;
  for (let i = 0; i < text.length; ) {
    const wanted = pattern[at];
    if (wanted === '*') {
      star = at++;
      taken = i;
    } else if (wanted !== undefined && (wanted === '?' || wanted === text[i])) {
      at++;
      i++;
    } else if (star >= 0) {
      at = star + 1;
      i = ++taken;
    } else {
      return false;
    }
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}
