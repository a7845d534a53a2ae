import { isError } from './any-value.ts';

/** Objects within each other that are shown; those further in are `[Object]`. */
const MAX_DEPTH = 2;
/** Members of one array, map or set that are shown. */
const MAX_MEMBERS = 100;

/**
 * What a console prints for these values (WHATWG Console Standard, "Formatter"): a first string is a
 * format with `%s %d %i %f %j %o %O %c`, all else is shown behind it, objects as they are written in
 * JavaScript.
 */
export function formatValues(values: readonly unknown[]): string {
  const [format, ...rest] = values;
  if (typeof format !== 'string') return values.map(plain).join(' ');
  let next = 0;
  const text = format.replace(/%([%sdifjoOc])/g, (directive, kind: string) => {
    if (kind === '%') return rest.length === 0 ? directive : '%';
    if (next === rest.length) return directive;
    const value = rest[next++];
    if (kind === 's') return typeof value === 'object' ? shown(value, [], 0) : textOf(value);
    if (kind === 'c') return '';
    if (kind === 'j') return jsonOf(value);
    if (kind === 'o' || kind === 'O') return shown(value, []);
    return numberOf(value, kind);
  });
  return [text, ...rest.slice(next).map(plain)].join(' ');
}

function plain(value: unknown): string {
  return typeof value === 'string' ? value : shown(value, []);
}

function textOf(value: unknown): string {
  return typeof value === 'bigint' ? `${value}n` : String(value);
}

function jsonOf(value: unknown): string {
  try {
    return String(JSON.stringify(value));
  } catch {
    return '[Circular]';
  }
}

function numberOf(value: unknown, kind: string): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'symbol' || (typeof value === 'object' && value !== null)) return 'NaN';
  if (kind === 'd') return String(Number(value));
  return String(
    kind === 'i' ? Number.parseInt(String(value), 10) : Number.parseFloat(String(value)),
  );
}

function shown(value: unknown, around: readonly object[], depth = MAX_DEPTH): string {
  if (typeof value === 'string') return quoted(value);
  if (Object.is(value, -0)) return '-0';
  if (typeof value === 'function') {
    return value.name === '' ? '[Function (anonymous)]' : `[Function: ${value.name}]`;
  }
  if (typeof value !== 'object' || value === null) return textOf(value);
  if (around.includes(value)) return '[Circular]';
  try {
    return objectOf(value, [...around, value], depth);
  } catch {
    return '[Object]';
  }
}

function objectOf(value: object, around: readonly object[], depth: number): string {
  const member = (inner: unknown) => shown(inner, around, depth);
  if (isError(value)) return String(value.stack || value);
  if (value instanceof Date) {
    return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  }
  if (value instanceof RegExp) return String(value);
  const given: unknown = Object.getPrototypeOf(value)?.constructor?.name ?? 'null';
  const name = typeof given === 'string' ? given : 'Object';
  const list = Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value);
  const deep = around.length > depth + 1;
  if (deep) return list ? '[Array]' : `[${name}]`;
  if (list) {
    const members = value as unknown as ArrayLike<unknown>;
    const prefix = Array.isArray(value) ? '' : `${name}(${members.length}) `;
    return prefix + braced('[]', Array.from(cut(members), member), members.length);
  }
  if (value instanceof Map) {
    const entries = cut([...value]).map(([key, inner]) => `${member(key)} => ${member(inner)}`);
    return `Map(${value.size}) ${braced('{}', entries, value.size)}`;
  }
  if (value instanceof Set) {
    return `Set(${value.size}) ${braced('{}', cut([...value]).map(member), value.size)}`;
  }
  const keys = Object.keys(value);
  const entries = cut(keys).map((key) => `${keyOf(key)}: ${memberOf(value, key, member)}`);
  return `${name === 'Object' ? '' : `${name} `}${braced('{}', entries, keys.length)}`;
}

function cut<T>(members: ArrayLike<T>): T[] {
  return Array.prototype.slice.call(members, 0, MAX_MEMBERS) as T[];
}

function braced(pair: string, entries: readonly string[], count: number): string {
  const left = count - entries.length;
  const all = left > 0 ? [...entries, `... ${left} more item${left > 1 ? 's' : ''}`] : entries;
  return all.length === 0 ? pair : `${pair[0]} ${all.join(', ')} ${pair[1]}`;
}

function memberOf(value: object, key: string, member: (inner: unknown) => string): string {
  try {
    return member((value as Record<string, unknown>)[key]);
  } catch {
    return '[Throws]';
  }
}

function keyOf(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : quoted(key);
}

function quoted(text: string): string {
  const json = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"');
  return `'${json.replaceAll("'", "\\'")}'`;
}
