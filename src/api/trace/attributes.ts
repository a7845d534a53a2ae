import { type Attributes, RecordMap, type RecordValue } from '../../buffer/record.ts';
import {
  type Redaction,
  type ShapeTree,
  type Treatment,
  unboundedTree,
} from '../../buffer/shape.ts';

/** Members of arrays and maps, nested ones included: one value must not stall the program. */
const MAX_MEMBERS = 65_536;

/** Members that the value being copied may still have. */
let membersLeft = 0;

/**
 * What a user gave as an attribute value, as it is at this moment: arrays and maps are copied,
 * so that a later change of theirs does not show. Cut, where the tree's bounds say so, and
 * without what its redaction keeps back. Returns undefined for what cannot be an attribute
 * (functions, symbols, undefined). Throws a RangeError when it has too many members, as an
 * object that refers to itself twice has, and whatever the value's own getters throw.
 */
export function snapshot(
  value: unknown,
  tree: ShapeTree,
  treatment?: Treatment,
): RecordValue | undefined {
  membersLeft = MAX_MEMBERS;
  return copyOf(value, tree, tree.bounds.valueDepth, treatment);
}

/** @param depthLeft how many arrays and maps may lie within each other from here. */
function copyOf(
  value: unknown,
  tree: ShapeTree,
  depthLeft: number,
  treatment: Treatment | undefined,
): RecordValue | undefined {
  const limit = tree.bounds.valueLength;
  if (treatment?.action === 'mask') return maskOf(value, tree.redaction!, limit);
  switch (typeof value) {
    case 'string':
      return cut(treatment?.action === 'rewrite' ? tree.redaction!.rewrite(value) : value, limit);
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
  if (value instanceof Date) return cut(value.toString(), limit);
  // Deeper than the limit: an empty value (specification, "Attribute Limits").
  if (depthLeft < 1) return null;
  if (Array.isArray(value)) {
    const { length } = value;
    takeMembers(length);
    const copy: RecordValue[] = new Array(length);
    for (let i = 0; i < length; i++) {
      copy[i] = copyOf(value[i], tree, depthLeft - 1, treatment) ?? null;
    }
    return copy;
  }
  const keys: string[] = [];
  const values: RecordValue[] = [];
  const names = Object.keys(value);
  takeMembers(names.length);
  for (const key of names) {
    const inner = treatment?.within(key);
    if (inner?.action === 'drop') {
      tree.redaction!.counts.dropped++;
      continue;
    }
    const given = (value as Record<string, unknown>)[key];
    const member = copyOf(given, tree, depthLeft - 1, inner);
    if (member === undefined) continue;
    keys.push(key);
    values.push(member);
  }
  return new RecordMap(keys, values);
}

/** What stands for a value: an array for an array, so that the key keeps its type. */
function maskOf(value: unknown, redaction: Redaction, limit: number): RecordValue | undefined {
  const type = typeof value;
  if (type === 'undefined' || type === 'function' || type === 'symbol') return undefined;
  redaction.counts.masked++;
  const mask = cut(redaction.mask, limit);
  return Array.isArray(value) ? [mask] : mask;
}

/** The first `limit` characters of a text; a pair of surrogates is one. */
function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  let end = 0;
  for (let left = limit; left > 0 && end < text.length; left--) {
    end += text.codePointAt(end)! > 0xffff ? 2 : 1;
  }
  return text.slice(0, end);
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
  const { tree } = shape;
  const treatment = tree.treatment(name);
  // What must not be kept is not lost: it is no dropped attribute.
  if (treatment?.action === 'drop') {
    tree.redaction!.counts.dropped++;
    return true;
  }
  let copy: RecordValue | undefined;
  const type = typeof value;
  if ((type === 'number' || type === 'boolean') && treatment?.action !== 'mask') {
    copy = value as RecordValue;
  } else {
    try {
      copy = snapshot(value, tree, treatment);
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
    if (count >= tree.bounds.count) return false;
    next = shape.with(name, count);
  }
  target.values[count] = copy;
  target.count = count + 1;
  target.shape = next;
  return true;
}

/**
 * The same where the key is not the one that was expected next. Where this list of keys parts from
 * the last one, there is mostly one that goes on.
 */
export function setGuessed(target: Attributes, name: string, value: unknown): boolean {
  const { shape, count } = target;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    const next = shape.fork(name, count);
    if (next !== undefined) {
      target.values[count] = value;
      target.count = count + 1;
      target.shape = next;
      return true;
    }
  }
  return setAttribute(target, name, value);
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
