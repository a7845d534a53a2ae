/** Numbers and times as the formats write them. */

import type { HrTime } from '@opentelemetry/api';

export function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  // -0 included, which is 0.
  return String(value);
}

/**
 * As Go writes it (`%g`), which is how bounds are known to queries: labels are compared as texts.
 *
 * @param point whether integers get `.0` (OpenMetrics, "Considerations: Canonical Numbers").
 */
export function boundText(value: number, point: boolean): string {
  if (!Number.isFinite(value)) return numberText(value);
  const [digits = '', power = '0'] = value.toExponential().split('e');
  const exponent = Number(power);
  if (value !== 0 && (exponent < -4 || exponent >= 6)) {
    const size = String(Math.abs(exponent)).padStart(2, '0');
    return `${digits}e${exponent < 0 ? '-' : '+'}${size}`;
  }
  const text = String(value);
  return point && !text.includes('.') ? `${text}.0` : text;
}

/** Seconds, to the nanosecond, without an exponent. */
export function secondsText([seconds, nanos]: HrTime): string {
  const rest = String(Math.round(nanos)).padStart(9, '0').replace(/0+$/, '');
  return rest === '' ? String(seconds) : `${seconds}.${rest}`;
}

export function millisText([seconds, nanos]: HrTime): string {
  return String(seconds * 1000 + Math.floor(nanos / 1e6));
}

export function isAfter(a: HrTime, b: HrTime): boolean {
  return a[0] > b[0] || (a[0] === b[0] && a[1] > b[1]);
}
