import { type Attributes, RecordMap, type RecordValue } from '../../buffer/record.ts';
import { unboundedTree } from '../../buffer/shape.ts';

/** Deeper values are cut off (SDK limit AttributeValueDepthLimit, specification 1.60). */
const MAX_DEPTH = 64;

/**
 * What a user gave as an attribute value, as it is at this moment: arrays and maps are copied,
 * so that a later change of theirs does not show. Returns undefined for what cannot be an
 * attribute (functions, symbols, undefined).
 *
 * @param limit strings are cut at this many UTF-16 units, byte arrays at this many bytes.
 */
export function snapshot(value: unknown, limit: number, depth = 0): RecordValue | undefined {
  switch (typeof value) {
    case 'string':
      return value.length > limit ? value.slice(0, limit) : value;
    case 'number':
    case 'boolean':
    case 'bigint':
      return value;
    case 'object':
      break;
    default:
      return undefined;
  }
  if (value === null) return null;
  if (depth >= MAX_DEPTH) return null;
  if (value instanceof Uint8Array) return value.slice(0, Math.min(value.length, limit));
  if (Array.isArray(value)) {
    const copy: RecordValue[] = new Array(value.length);
    for (let i = 0; i < value.length; i++) copy[i] = snapshot(value[i], limit, depth + 1) ?? null;
    return copy;
  }
  if (value instanceof Date) return value.toString();
  const keys: string[] = [];
  const values: RecordValue[] = [];
  for (const key of Object.keys(value)) {
    const member = snapshot((value as Record<string, unknown>)[key], limit, depth + 1);
    if (member === undefined) continue;
    keys.push(key);
    values.push(member);
  }
  return new RecordMap(keys, values);
}

/**
 * Sets one attribute: the last value of a key wins. Returns false when it was dropped, because
 * there are too many or because it is none. Never throws, whatever the value does.
 */
export function setAttribute(target: Attributes, name: string, value: unknown): boolean {
  if (typeof name !== 'string' || name === '') return true;
  const { shape } = target;
  const { bounds } = shape.tree;
  let copy: RecordValue | undefined;
  const type = typeof value;
  if (type === 'number' || type === 'boolean') {
    copy = value as RecordValue;
  } else {
    try {
      copy = snapshot(value, bounds.valueLength);
    } catch {
      return false;
    }
    if (copy === undefined) return true;
  }
  let next = shape.known(name);
  if (next === undefined) {
    const index = shape.indexOf(name);
    if (index >= 0) {
      target.values[index] = copy;
      return true;
    }
    if (shape.size >= bounds.count) return false;
    next = shape.with(name);
  }
  target.values[shape.size] = copy;
  target.shape = next;
  return true;
}

/** Sets all of an object's own attributes; returns how many were dropped. */
export function setAttributes(target: Attributes, attributes: object): number {
  let dropped = 0;
  for (const name in attributes) {
    if (!Object.hasOwn(attributes, name)) continue;
    const value = (attributes as Record<string, unknown>)[name];
    if (!setAttribute(target, name, value)) dropped++;
  }
  return dropped;
}

/** Attributes without bounds, for what is described once: a resource, a scope. */
export function describe(attributes: object): Attributes {
  const tree = unboundedTree();
  const target: Attributes = { shape: tree.root(tree.key('')), values: [] };
  setAttributes(target, attributes);
  return target;
}
