/** Parts of OTLP/JSON, as `codec/json.ts` writes it, as text: what is zero is left out there. */

export interface JsonValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string;
  readonly doubleValue?: number | string;
  readonly arrayValue?: { readonly values?: readonly JsonValue[] };
  readonly kvlistValue?: { readonly values?: JsonAttributes };
  readonly bytesValue?: string;
}

export type JsonAttributes = readonly { readonly key?: string; readonly value?: JsonValue }[];

export interface JsonScope {
  readonly name?: string;
  readonly version?: string;
}

/** Where a record comes from. */
export interface Origin {
  readonly scope: JsonScope;
  /** As text. */
  readonly service: string;
}

/** The lines that every record has. */
export function originLines({ service, scope }: Origin): string[] {
  const version = scope.version === undefined ? '' : ` ${quoted(scope.version)}`;
  return [`  service     ${service}`, `  scope       ${quoted(scope.name ?? '')}${version}`];
}

/** A title with indented lines below it; nothing when there are none. */
export function listLines(title: string, entries: readonly string[], dropped = 0): string[] {
  if (entries.length === 0 && dropped === 0) return [];
  const lines = [`  ${title}`, ...entries.map((entry) => `    ${entry}`)];
  if (dropped > 0) lines.push(`    (${dropped} more dropped)`);
  return lines;
}

export function attributesOf(attributes: JsonAttributes = []): string[] {
  return attributes.map(({ key = '', value }) => `${keyOf(key)}: ${textOf(value)}`);
}

export function braced(attributes: JsonAttributes = []): string {
  return attributes.length === 0 ? '' : ` { ${attributesOf(attributes).join(', ')} }`;
}

export function textOf(value: JsonValue | undefined): string {
  if (value?.stringValue !== undefined) return quoted(value.stringValue);
  if (value?.arrayValue !== undefined) {
    return `[${(value.arrayValue.values ?? []).map(textOf).join(', ')}]`;
  }
  if (value?.kvlistValue !== undefined) {
    const members = attributesOf(value.kvlistValue.values);
    return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
  }
  if (value?.bytesValue !== undefined) return `base64(${value.bytesValue})`;
  const { intValue, doubleValue, boolValue } = value ?? {};
  if (Object.is(doubleValue, -0)) return '-0';
  return String(intValue ?? doubleValue ?? boolValue ?? null);
}

/** Names that are what names usually are stay bare. */
function keyOf(key: string): string {
  return /^[\w.-]+$/.test(key) ? key : quoted(key);
}

/** In quotes, with escapes for all that a terminal might obey or not show. */
export function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}

/** RFC 3339 with nanoseconds. */
export function timeOf(unixNano: string): string {
  const nanos = BigInt(unixNano);
  const seconds = new Date(Number(nanos / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${seconds}.${String(nanos % 1_000_000_000n).padStart(9, '0')}Z`;
}

export function durationOf(nanos: bigint): string {
  const sign = nanos < 0n ? '-' : '';
  const size = nanos < 0n ? -nanos : nanos;
  const rest = String(size % 1_000_000n)
    .padStart(6, '0')
    .replace(/0+$/, '');
  return `${sign}${size / 1_000_000n}${rest === '' ? '' : `.${rest}`} ms`;
}
