/**
 * Names of metrics and labels in Prometheus' terms (specification, "Prometheus and OpenMetrics
 * compatibility", "Metric Metadata" and "Metric Attributes").
 */

import type { UnitWords } from './units.ts';

/**
 * How names are translated (specification, "Prometheus exporter", "Translation Strategy"):
 * - `UnderscoreEscapingWithSuffixes`: `http.server.duration` in `s` is `http_server_duration_seconds`;
 * - `UnderscoreEscapingWithoutSuffixes`: it is `http_server_duration`;
 * - `NoUTF8EscapingWithSuffixes`: it is `http.server.duration_seconds`;
 * - `NoTranslation`: it stays as it is.
 *
 * What is not a classic name then is escaped again for whoever does not ask for UTF-8.
 */
export type TranslationStrategy =
  | 'UnderscoreEscapingWithSuffixes'
  | 'UnderscoreEscapingWithoutSuffixes'
  | 'NoUTF8EscapingWithSuffixes'
  | 'NoTranslation';

export const TRANSLATION_STRATEGIES: readonly TranslationStrategy[] = [
  'UnderscoreEscapingWithSuffixes',
  'UnderscoreEscapingWithoutSuffixes',
  'NoUTF8EscapingWithSuffixes',
  'NoTranslation',
];

const escapes = (strategy: TranslationStrategy) => strategy.startsWith('UnderscoreEscaping');
const hasSuffixes = (strategy: TranslationStrategy) => strategy.endsWith('WithSuffixes');

export interface Naming {
  readonly unit: UnitWords;
  readonly isCounter: boolean;
  readonly strategy: TranslationStrategy;
}

/** A name with the suffixes it gets, `_total` included; `''` where nothing readable is left of it. */
export function metricName(name: string, { unit, isCounter, strategy }: Naming): string {
  let translated = escapes(strategy) ? underscored(name, /[^a-zA-Z0-9:]+/g) : name;
  if (/^_*$/.test(translated)) return '';
  if (hasSuffixes(strategy)) {
    // The unit comes before the suffix of the type, also where the name has that already.
    if (isCounter && endsWithWord(translated, 'total')) translated = translated.slice(0, -6);
    translated = withUnit(translated, escapes(strategy) ? underscoredUnit(unit) : unit);
    if (isCounter) translated += '_total';
  }
  if (!escapes(strategy)) return translated;
  translated = translated.replace(/_{2,}/g, '_');
  return /^\d/.test(translated) ? `_${translated}` : translated;
}

/** `''` for an attribute that cannot become a label. */
export function labelName(key: string, strategy: TranslationStrategy): string {
  if (!escapes(strategy)) return key;
  const translated = underscored(key, /[^a-zA-Z0-9]+/g);
  if (/^_*$/.test(translated)) return '';
  // As Prometheus does it for OTLP that it is sent.
  return /^\d/.test(translated) ? `key_${translated}` : translated;
}

/** As `unit` is in metadata: that of a name that ends in it. */
export function unitText({ main, per }: UnitWords): string {
  return main !== '' && per !== '' ? `${main}_${per}` : main + per;
}

function underscored(text: string, discouraged: RegExp): string {
  return text.replace(discouraged, '_');
}

function underscoredUnit({ main, per }: UnitWords): UnitWords {
  const word = (text: string) => underscored(text, /[^a-zA-Z0-9:]+/g).replace(/^_|_$/g, '');
  return { main: word(main), per: word(per) };
}

/** Unless the name ends in the unit; one that ends in its first word gets the rest. */
function withUnit(name: string, unit: UnitWords): string {
  const text = unitText(unit);
  if (text === '' || endsWithWord(name, text)) return name;
  if (unit.per !== '' && endsWithWord(name, unit.main)) return `${name}_${unit.per}`;
  return `${name}_${text}`;
}

/** Also after a dot, where dots may stay. */
function endsWithWord(name: string, word: string): boolean {
  if (word === '' || !name.endsWith(word)) return false;
  const before = name.at(-word.length - 1);
  // `total` alone is a name without a suffix, `bytes` alone one that tells its unit.
  return before === undefined ? word !== 'total' : /[^a-zA-Z0-9]/.test(before);
}
