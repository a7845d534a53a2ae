import { type Attributes, RecordMap, type RecordValue } from '../../buffer/record.ts';
import { unboundedTree } from '../../buffer/shape.ts';

/**
 * Messages that a value may nest; what lies deeper is cut off. Decoders give up at 100, by
 * protobuf's default, and with them goes the whole request; the six are those around an event's
 * attribute. So it is 31 maps or 47 arrays, fewer than the 64 of the specification
 * (AttributeValueDepthLimit, 1.60).
 */
const MAX_NESTED = 100 - 6;
/** ArrayValue and AnyValue; KeyValueList, KeyValue and AnyValue. */
const NESTED_BY_ARRAY = 2;
const NESTED_BY_MAP = 3;
/** Members of arrays and maps, nested ones included: one value must not stall the program. */
const MAX_MEMBERS = 65_536;

/** Members that the value being copied may still have. */
let membersLeft = 0;

/**
 * What a user gave as an attribute value, as it is at this moment: arrays and maps are copied,
 * so that a later change of theirs does not show. Returns undefined for what cannot be an
 * attribute (functions, symbols, undefined). Throws a RangeError when it has too many members,
 * as an object that refers to itself twice has, and whatever the value's own getters throw.
 *
 * @param limit strings are cut at this many UTF-16 units, byte arrays at this many bytes.
 */
export function snapshot(value: unknown, limit: number): RecordValue | undefined {
  membersLeft = MAX_MEMBERS;
  return copyOf(value, limit, MAX_NESTED);
}

function copyOf(value: unknown, limit: number, nestable: number): RecordValue | undefined {
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
  // Not `slice`: a Buffer's is a view of the same bytes.
  if (value instanceof Uint8Array) return new Uint8Array(value.subarray(0, limit));
  if (Array.isArray(value)) {
    const within = nestable - NESTED_BY_ARRAY;
    if (within < 0) return null;
    const { length } = value;
    takeMembers(length);
    const copy: RecordValue[] = new Array(length);
    for (let i = 0; i < length; i++) copy[i] = copyOf(value[i], limit, within) ?? null;
    return copy;
  }
  if (value instanceof Date) return value.toString();
  const keys: string[] = [];
  const values: RecordValue[] = [];
  const within = nestable - NESTED_BY_MAP;
  if (within < 0) return null;
  const names = Object.keys(value);
  takeMembers(names.length);
  for (const key of names) {
    const member = copyOf((value as Record<string, unknown>)[key], limit, within);
    if (member === undefined) continue;
    keys.push(key);
    values.push(member);
  }
  return new RecordMap(keys, values);
}

function takeMembers(count: number): void {
  membersLeft -= count;
  if (!(membersLeft >= 0)) throw new RangeError(`more than ${MAX_MEMBERS} members`);
}

/**
 * Sets one attribute: the last value of a key wins. Returns false when it was dropped, because
 * there are too many or because it is none. Never throws, whatever the value does.
 */
export function setAttribute(target: Attributes, name: string, value: unknown): boolean {
  if (typeof name !== 'string' || name === '') return true;
  const { shape, count } = target;
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
  let next = shape.known(name, count);
  if (next === undefined) {
    const index = shape.indexOf(name, count);
    if (index >= 0) {
      target.values[index] = copy;
      return true;
    }
    if (count >= bounds.count) return false;
    next = shape.with(name, count);
  }
  target.values[count] = copy;
  target.count = count + 1;
  target.shape = next;
  return true;
}

/** Sets all of an object's own attributes; returns how many were dropped. Never throws. */
export function setAttributes(target: Attributes, attributes: unknown): number {
  if (typeof attributes !== 'object' || attributes === null) return 0;
  let dropped = 0;
  try {
    for (const name in attributes) {
      if (!Object.hasOwn(attributes, name)) continue;
      let value: unknown;
      try {
        value = (attributes as Record<string, unknown>)[name];
      } catch {
        dropped++;
        continue;
      }
      if (!setAttribute(target, name, value)) dropped++;
    }
  } catch {
    // A proxy that does not let itself be looked at.
    dropped++;
  }
  return dropped;
}

/** Any value as text. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    return String(value);
  } catch {
    return '';
  }
}

/** Attributes without bounds, for what is described once: a resource, a scope. */
export function describe(attributes: unknown): Attributes {
  const tree = unboundedTree();
  const target: Attributes = { shape: tree.first(tree.key('')), count: 0, values: [] };
  setAttributes(target, attributes);
  return target;
}
