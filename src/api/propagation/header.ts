import type { TextMapGetter } from '@opentelemetry/api';

const SPACE = 32;
const TAB = 9;

/** Without the optional white space around it (OWS of RFC 9110 §5.6.3: spaces and tabs). */
export function trimOws(text: string): string {
  let from = 0;
  let to = text.length;
  for (; from < to; from++) {
    const code = text.charCodeAt(from);
    if (code !== SPACE && code !== TAB) break;
  }
  for (; to > from; to--) {
    const code = text.charCodeAt(to - 1);
    if (code !== SPACE && code !== TAB) break;
  }
  return text.slice(from, to);
}

/**
 * A header that may occur once; undefined when it is missing or occurs several times. Getters
 * answer several fields as an array (specification, "GetAll").
 */
export function singleHeader<Carrier>(
  carrier: Carrier,
  getter: TextMapGetter<Carrier>,
  name: string,
): string | undefined {
  let value: unknown = getter.get(carrier, name);
  if (Array.isArray(value)) value = value.length === 1 ? value[0] : undefined;
  return typeof value === 'string' ? trimOws(value) : undefined;
}

/**
 * A header that is a list: several fields are one, joined in their order by commas (RFC 9110
 * §5.3).
 */
export function listHeader<Carrier>(
  carrier: Carrier,
  getter: TextMapGetter<Carrier>,
  name: string,
): string | undefined {
  const value: unknown = getter.get(carrier, name);
  if (Array.isArray(value)) return value.filter((field) => typeof field === 'string').join(',');
  return typeof value === 'string' ? value : undefined;
}
