/**
 * Values of attributes as texts (specification, "AnyValue representation for non-OTLP protocols").
 */

export function valueText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return '';
  if (value instanceof Uint8Array) return base64(value);
  if (typeof value === 'object') return JSON.stringify(jsonOf(value, 0));
  return String(value);
}

/** Deeper than this is nothing: values may contain themselves. */
const MAX_DEPTH = 64;

function jsonOf(value: unknown, depth: number): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  // JSON has no other integers of 64 bits.
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Uint8Array) return base64(value);
  if (typeof value !== 'object' || value === null) return value ?? null;
  if (depth === MAX_DEPTH) return null;
  if (Array.isArray(value)) return value.map((each) => jsonOf(each, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, jsonOf(each, depth + 1)]),
  );
}

function base64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
