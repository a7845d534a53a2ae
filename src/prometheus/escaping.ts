/**
 * What becomes of names with characters beyond the classic ones, when whoever scrapes cannot read
 * them (Prometheus, "UTF-8 metric and label name escaping schemes"). Classic names stay as they are
 * in every scheme.
 */

export type EscapingScheme = 'allow-utf-8' | 'underscores' | 'dots' | 'values';

/** Colons are for names of metrics only. */
const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

export function isEscapingScheme(text: string): text is EscapingScheme {
  return text === 'allow-utf-8' || text === 'underscores' || text === 'dots' || text === 'values';
}

export function isClassicMetricName(name: string): boolean {
  return METRIC_NAME.test(name);
}

export function isClassicLabelName(name: string): boolean {
  return LABEL_NAME.test(name);
}

export function escapedMetricName(name: string, scheme: EscapingScheme): string {
  return isClassicMetricName(name) ? name : escaped(name, scheme, /[a-zA-Z0-9:]/);
}

export function escapedLabelName(name: string, scheme: EscapingScheme): string {
  return isClassicLabelName(name) ? name : escaped(name, scheme, /[a-zA-Z0-9]/);
}

/** @param plain what stays, but for underscores, and digits in front. */
function escaped(name: string, scheme: EscapingScheme, plain: RegExp): string {
  if (scheme === 'allow-utf-8') return name;
  let text = scheme === 'values' ? 'U__' : '';
  let isFirst = true;
  // By code point, as other exporters do it.
  for (const character of name) {
    const stays = plain.test(character) && !(isFirst && /\d/.test(character));
    text += stays ? character : REPLACEMENTS[scheme](character);
    isFirst = false;
  }
  return text;
}

/**
 * For dots, Prometheus' documentation has one underscore for what is neither dot nor underscore; its
 * own library, whose names ours have to meet, has two.
 */
const REPLACEMENTS = {
  underscores: () => '_',
  dots: (character: string) => (character === '.' ? '_dot_' : '__'),
  values: (character: string) =>
    character === '_' ? '__' : `_${codePointOf(character).toString(16)}_`,
};

/** That of U+FFFD for half a surrogate pair, which has no place in UTF-8. */
function codePointOf(character: string): number {
  const point = character.codePointAt(0)!;
  return point >= 0xd800 && point <= 0xdfff ? 0xfffd : point;
}
