/** Values of attributes, bodies and metrics as short text for a terminal. */

import type { ReceivedAttributes, ReceivedValue } from '../collector/received.ts';
import { formatBytes, formatCount, formatDuration, visible } from './text.ts';

/** Characters of a value that are looked at: what is longer does not fit into a line. */
const MAX_TEXT = 1_000;
const MAX_DEPTH = 5;
const MAX_ITEMS = 50;

/** One line. Strings are bare at the top and quoted inside lists and maps. */
export function valueText(value: ReceivedValue, depth = 0): string {
  if (typeof value === 'string') {
    const text = visible(value.slice(0, MAX_TEXT));
    return depth === 0 ? text : `"${text}"`;
  }
  if (value === null) return 'null';
  if (value instanceof Uint8Array) return `<${value.length} bytes>`;
  if (typeof value !== 'object') return String(value);
  if (depth >= MAX_DEPTH) return '…';
  if (Array.isArray(value)) {
    return `[${listed(value, (item) => valueText(item, depth + 1))}]`;
  }
  const members = listed(
    Object.entries(value),
    ([key, member]) => `${visible(key)}: ${valueText(member, depth + 1)}`,
  );
  return members === '' ? '{}' : `{ ${members} }`;
}

function listed<T>(items: readonly T[], text: (item: T) => string): string {
  const shown = items.slice(0, MAX_ITEMS).map(text);
  if (items.length > MAX_ITEMS) shown.push('…');
  return shown.join(', ');
}

/** `method=GET status=200`; empty for none. */
export function attributesText(attributes: ReceivedAttributes): string {
  return Object.entries(attributes)
    .slice(0, MAX_ITEMS)
    .map(([key, value]) => `${visible(key)}=${valueText(value)}`)
    .join(' ');
}

/** Nanoseconds in units of time (UCUM, as semantic conventions have them). */
const NANOSECONDS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  ms: 1e6,
  s: 1e9,
  min: 60e9,
  h: 3600e9,
};

const BYTES: Readonly<Record<string, number>> = {
  By: 1,
  KiBy: 1024,
  MiBy: 1024 ** 2,
  GiBy: 1024 ** 3,
  kBy: 1e3,
  MBy: 1e6,
};

/** A value in a unit: `12.3 ms`, `31.2 MiB`, `1 204 order`, `42 %`. */
export function formatMeasure(value: number, unit: string): string {
  const nanoseconds = NANOSECONDS[unit];
  if (Number.isFinite(value)) {
    if (nanoseconds !== undefined) return value === 0 ? '0 s' : formatDuration(value * nanoseconds);
    const bytes = BYTES[unit];
    if (bytes !== undefined && value >= 0) return formatBytes(rounded(value * bytes));
  }
  // `{request}` is an annotation, `1` no unit.
  const name = visible(unit.replace(/^\{(.*)\}$/, '$1').replace(/^1$/, ''));
  return name === '' ? formatNumber(value) : `${formatNumber(value)} ${name}`;
}

const rounded = (bytes: number) => (bytes < 1024 ? Math.round(bytes) : bytes);

/** `1 204`, `0.0125`, `3.14 M`. */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || value === 0) return Object.is(value, -0) ? '0' : String(value);
  const sign = value < 0 ? '-' : '';
  if (Number.isInteger(size) && size < 1e6) return sign + formatCount(size);
  if (size >= 999_500) {
    const units = ['M', 'G', 'T', 'P', 'E'];
    let scaled = size / 1e6;
    let unit = 0;
    while (scaled >= 999.5 && unit < units.length - 1) {
      scaled /= 1000;
      unit++;
    }
    return `${sign}${scaled >= 999.5 ? scaled.toExponential(2) : scaled.toPrecision(3)} ${units[unit]}`;
  }
  if (size >= 999.5) return sign + formatCount(size);
  return sign + (size < 1e-4 ? size.toExponential(2) : trimmed(size.toPrecision(3)));
}

const trimmed = (text: string) => (text.includes('.') ? text.replace(/\.?0+$/, '') : text);
