/**
 * Units of OpenTelemetry (UCUM) as the words Prometheus has for them (specification, "Prometheus and
 * OpenMetrics compatibility", "Metric Metadata").
 */

const WORDS: Readonly<Record<string, string>> = {
  d: 'days',
  h: 'hours',
  min: 'minutes',
  s: 'seconds',
  ms: 'milliseconds',
  us: 'microseconds',
  ns: 'nanoseconds',
  By: 'bytes',
  KiBy: 'kibibytes',
  MiBy: 'mebibytes',
  GiBy: 'gibibytes',
  TiBy: 'tebibytes',
  kBy: 'kilobytes',
  KBy: 'kilobytes',
  MBy: 'megabytes',
  GBy: 'gigabytes',
  TBy: 'terabytes',
  m: 'meters',
  V: 'volts',
  A: 'amperes',
  J: 'joules',
  W: 'watts',
  g: 'grams',
  Cel: 'celsius',
  Hz: 'hertz',
  '%': 'percent',
};

/** After "per" the word is singular. `m` is a minute there, as it is for Prometheus and collectors. */
const PER_WORDS: Readonly<Record<string, string>> = {
  m: 'minute',
  w: 'week',
  mo: 'month',
  y: 'year',
};

/** A unit in words; `''` where there is none. */
export interface UnitWords {
  /** `bytes` of `bytes_per_second` */
  readonly main: string;
  /** `per_second` of `bytes_per_second` */
  readonly per: string;
}

export const NO_UNIT: UnitWords = { main: '', per: '' };

/** Annotations, which stand in braces, are dropped; units that are not known stay as they are. */
export function unitWords(unit: string): UnitWords {
  const [main = '', ...rest] = unit.replace(/\{[^}]*\}/g, '').split('/');
  const per = rest.join('/').trim();
  return { main: mainWord(main.trim()), per: per === '' ? '' : `per_${perWord(per)}` };
}

function mainWord(unit: string): string {
  if (unit === '1') return '';
  return own(WORDS, unit) ?? unit;
}

function perWord(unit: string): string {
  const word = own(PER_WORDS, unit) ?? own(WORDS, unit) ?? unit;
  return word === unit || word === 'celsius' ? word : word.replace(/s$/, '');
}

function own(words: Readonly<Record<string, string>>, unit: string): string | undefined {
  return Object.hasOwn(words, unit) ? words[unit] : undefined;
}
