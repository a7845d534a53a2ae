/**
 * Finds the number of an attribute set. Each value of each key is a pair with a number of its own
 * and a random-looking word; the words of a set's pairs add up to its hash, so that their order
 * does not matter and nothing is sorted or joined. What the hash finds is then compared pair by
 * pair. A set that is known is found without allocating anything, also by a fresh literal:
 *
 *   key     the i-th key of the last set is mostly the i-th of this one, the same string
 *   value   texts and numbers are looked up by a few of their bits in an array of recent ones
 *   set     open addressing in one Int32Array
 *
 * Bounded: pairs are made only for sets that are added, of which there are `capacity` at most.
 */

import type { Attributes, RecordValue } from '../../buffer/record.ts';
import { RecordMap } from '../../buffer/record.ts';
import type { ShapeTree } from '../../buffer/shape.ts';
import { setAttributes } from '../trace/attributes.ts';

/** Decides which attribute keys are kept; the same for the same key. */
export interface KeyFilter {
  /** Equal for filters that keep the same keys. */
  readonly id: string;
  keeps(name: string): boolean;
}

/** No number of a set: what was asked for is not known, or there is no room for it. */
export const UNKNOWN = -1;

/** Sets with more keys are always looked up the slow way. */
const MAX_KEYS_FAST = 64;
/** Keys remembered; those of further ones are looked up the slow way. */
const MAX_KEYS = 4096;
const RECENT_MIN = 16;
const RECENT_MAX = 1024;

/** A value of a key. */
class Pair {
  readonly key: Key;
  readonly id: number;
  /** Adds to the hash of its sets. */
  readonly mix: number;
  /** What it is found by: the value itself, or the text that stands for an object. */
  readonly value: unknown;
  /** The value, if it is a text or a number; otherwise what equals none that is looked up here. */
  readonly text: string;
  readonly number: number;

  constructor(key: Key, id: number, value: unknown) {
    this.key = key;
    this.id = id;
    this.mix = scrambled(id);
    this.value = value;
    this.text = typeof value === 'string' ? value : '';
    this.number = typeof value === 'number' ? value : Number.NaN;
  }
}

/** Murmur3's finalizer: every bit of a number changes half of the others. */
function scrambled(id: number): number {
  let h = Math.imul(id + 1, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Where a text is looked up among recent ones. Only the empty text has 0 before it is masked. */
function placeOf(text: string): number {
  const { length } = text;
  if (length === 0) return 0;
  return length * 19 + text.charCodeAt(length - 1) * 7 + text.charCodeAt(length >> 1) * 31 + 1;
}

class Key {
  readonly name: string;
  readonly dropped: boolean;
  mask = 0;
  /** Values met lately, by `placeOf` and by their lowest bits. */
  texts: Pair[] = [];
  numbers: Pair[] = [];
  yes: Pair | undefined = undefined;
  no: Pair | undefined = undefined;
  readonly values = new Map<unknown, Pair>();
  /** Arrays, maps and bytes, by a text of what is in them. */
  readonly objects = new Map<string, Pair>();

  constructor(name: string, dropped: boolean) {
    this.name = name;
    this.dropped = dropped;
    if (!dropped) this.resize(RECENT_MIN);
  }

  private resize(size: number): void {
    this.mask = size - 1;
    this.texts = new Array(size);
    this.numbers = new Array(size);
    // Never found in its place: an empty text is looked up in the first alone.
    const blank = new Pair(this, UNKNOWN, undefined);
    this.texts.fill(blank);
    this.numbers.fill(blank);
    this.texts[0] = new Pair(this, UNKNOWN, this.elsewhere());
  }

  /** A text that is not looked up in the first place. */
  private elsewhere(): string {
    for (let code = 0; ; code++) {
      const text = String.fromCharCode(code);
      if ((placeOf(text) & this.mask) !== 0) return text;
    }
  }

  findText(text: string): Pair | undefined {
    const pair = this.values.get(text);
    if (pair !== undefined) this.texts[placeOf(text) & this.mask] = pair;
    return pair;
  }

  findNumber(value: number): Pair | undefined {
    const pair = this.values.get(value);
    if (pair !== undefined) this.numbers[value & this.mask] = pair;
    return pair;
  }

  find(value: RecordValue): Pair | undefined {
    return typeof value === 'object' && value !== null
      ? this.objects.get(contentOf(value))
      : this.values.get(value);
  }

  add(value: RecordValue, id: number): Pair {
    let pair: Pair;
    if (typeof value === 'object' && value !== null) {
      const content = contentOf(value);
      pair = new Pair(this, id, undefined);
      this.objects.set(content, pair);
      return pair;
    }
    // Zeros are one value, as they are in a Map and in JSON.
    pair = new Pair(this, id, value === 0 ? 0 : value);
    this.values.set(value, pair);
    if (value === true) this.yes = pair;
    if (value === false) this.no = pair;
    const { size } = this.values;
    if (size > this.mask + 1 && size <= RECENT_MAX) this.resize((this.mask + 1) * 4);
    return pair;
  }

  get isEmpty(): boolean {
    return !this.dropped && this.values.size === 0 && this.objects.size === 0;
  }

  /** Forgets the values that are not in `used`. */
  retain(used: Uint8Array, free: (id: number) => void): void {
    for (const map of [this.values, this.objects]) {
      for (const [value, pair] of map) {
        if (used[pair.id] === 1) continue;
        map.delete(value as string);
        free(pair.id);
      }
    }
    if (this.dropped) return;
    this.yes = this.values.get(true);
    this.no = this.values.get(false);
    this.resize(this.mask + 1);
  }
}

/** The same text for values that are the same, and only for those. */
function contentOf(value: RecordValue): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (value instanceof Uint8Array) return `bytes(${value.join()})`;
  if (value instanceof RecordMap) {
    const { keys, values } = value;
    const members = keys.map((key, i) => `${JSON.stringify(key)}:${contentOf(values[i]!)}`);
    return `{${members.sort().join()}}`;
  }
  return `[${value.map(contentOf).join()}]`;
}

/** The same text for attributes that are the same, in whatever order they are. */
export function contentOfAll(all: Attributes): string {
  const { shape, values, count } = all;
  const names = shape.keys.slice(0, count).map((key) => key.name);
  return contentOf(new RecordMap(names, values.slice(0, count)));
}

function grown(array: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  if (length <= array.length) return array;
  const larger = new Int32Array(Math.max(length, array.length * 2));
  larger.set(array);
  return larger;
}

/** One entry of the table was here: go on searching. */
const GONE = -1;

export class AttributeSets {
  readonly filter: KeyFilter | undefined;
  /** Sets that there are. */
  size = 0;
  /** Sets that there may be; raised when somebody else needs more. */
  capacity: number;
  /** One more than the largest number of a set. */
  private end = 0;
  /** The set without attributes. */
  private empty = UNKNOWN;
  private readonly tree: ShapeTree;
  private keys = new Map<string, Key>();
  /** The keys as they came last. */
  private order: Key[] = [];
  private readonly blank: Key;
  private readonly found = new Int32Array(MAX_KEYS_FAST);
  /** Numbers of sets plus one; 0 where there is none. */
  private table = new Int32Array(64);
  private tableMask = 63;
  /** Entries of the table that are not 0. */
  private taken = 0;
  /** By number of the set: its hash, and where its pairs are, behind their count. */
  private hashes = new Int32Array(32);
  private starts = new Int32Array(32);
  private freeSets: number[] = [];
  /** Pairs of all sets. */
  private pool = new Int32Array(128);
  private poolEnd = 0;
  /** Of them, those of sets that there still are. */
  private live = 0;
  private pairs = 0;
  private pairEnd = 0;
  private freePairs: number[] = [];
  /** Pairs at which those of sets that are gone are looked for. */
  private sweepAt = 1024;

  constructor(tree: ShapeTree, filter: KeyFilter | undefined, capacity: number) {
    this.tree = tree;
    this.filter = filter;
    this.capacity = capacity;
    this.blank = new Key('', true);
    for (let i = 0; i < MAX_KEYS_FAST; i++) this.order.push(this.blank);
  }

  /**
   * The number of the set that a user gave, or UNKNOWN: then `read`, `kept` and `lookup` find out.
   * Those with a value that is neither text, number nor boolean are not found here.
   */
  find(attributes: unknown): number {
    if (attributes === undefined) return this.empty;
    try {
      return this.findGiven(attributes as Record<string, unknown>);
    } catch {
      // A proxy, or a getter, that throws.
      return UNKNOWN;
    }
  }

  private findGiven(attributes: Record<string, unknown>): number {
    const { order, found } = this;
    let i = 0;
    let count = 0;
    let hash = 0;
    for (const name in attributes) {
      if (i === MAX_KEYS_FAST) return UNKNOWN;
      let key = order[i]!;
      if (key.name !== name) {
        const known = this.keys.get(name);
        if (known === undefined) return UNKNOWN;
        key = known;
        order[i] = key;
      }
      i++;
      if (key.dropped) continue;
      const value = attributes[name];
      let pair: Pair | undefined;
      if (typeof value === 'string') {
        pair = key.texts[placeOf(value) & key.mask]!;
        if (pair.text !== value) pair = key.findText(value);
      } else if (typeof value === 'number') {
        pair = key.numbers[value & key.mask]!;
        if (pair.number !== value) pair = key.findNumber(value);
      } else if (typeof value === 'boolean') {
        pair = value ? key.yes : key.no;
      } else if (value === undefined) {
        continue;
      }
      if (pair === undefined) return UNKNOWN;
      found[count++] = pair.id;
      hash = (hash + pair.mix) | 0;
    }
    return this.search(hash, found, count);
  }

  private search(hash: number, found: Int32Array, count: number): number {
    const { table, tableMask, hashes } = this;
    for (let at = hash & tableMask; ; at = (at + 1) & tableMask) {
      const entry = table[at]!;
      if (entry === 0) return UNKNOWN;
      if (entry !== GONE && hashes[entry - 1] === hash && this.isSet(entry - 1, found, count)) {
        return entry - 1;
      }
    }
  }

  /** Whether a set has exactly these pairs, in any order. */
  private isSet(set: number, found: Int32Array, count: number): boolean {
    const { pool } = this;
    const start = this.starts[set]!;
    if (pool[start] !== count) return false;
    let same = 0;
    while (same < count && pool[start + 1 + same] === found[same]) same++;
    // All are distinct: when each is found and there are as many, the sets are equal.
    for (let i = same; i < count; i++) {
      let j = same;
      while (j < count && pool[start + 1 + j] !== found[i]) j++;
      if (j === count) return false;
    }
    return true;
  }

  /** The number of a set whose attributes are `kept`, or UNKNOWN. */
  lookup(kept: Attributes): number {
    const { count } = kept;
    const found = count > MAX_KEYS_FAST ? new Int32Array(count) : this.found;
    let hash = 0;
    for (let i = 0; i < count; i++) {
      const pair = this.keys.get(kept.shape.keys[i]!.name)?.find(kept.values[i]!);
      if (pair === undefined) return UNKNOWN;
      found[i] = pair.id;
      hash = (hash + pair.mix) | 0;
    }
    return this.search(hash, found, count);
  }

  /** A number for a set that `lookup` does not know, or UNKNOWN where there is no room for it. */
  add(kept: Attributes): number {
    if (this.size >= this.capacity) return UNKNOWN;
    const { count } = kept;
    const start = this.claim(count + 1);
    const set = this.freeSets.pop() ?? this.end++;
    this.hashes = grown(this.hashes, this.end);
    this.starts = grown(this.starts, this.end);
    this.starts[set] = start;
    this.pool[start] = count;
    let hash = 0;
    for (let i = 0; i < count; i++) {
      const pair = this.pairOf(kept.shape.keys[i]!.name, kept.values[i]!);
      this.pool[start + 1 + i] = pair.id;
      hash = (hash + pair.mix) | 0;
    }
    this.hashes[set] = hash;
    if (count === 0) this.empty = set;
    this.size++;
    this.taken++;
    if (this.taken * 4 > this.table.length * 3) this.rehash(set);
    this.insert(set);
    if (this.pairs >= this.sweepAt) this.sweep();
    return set;
  }

  private pairOf(name: string, value: RecordValue): Pair {
    let key = this.keys.get(name);
    if (key === undefined) {
      key = new Key(name, false);
      this.keys.set(name, key);
    }
    const known = key.find(value);
    if (known !== undefined) return known;
    this.pairs++;
    return key.add(value, this.freePairs.pop() ?? this.pairEnd++);
  }

  /** Forgets a set; its number goes to another one. */
  remove(set: number): void {
    const { table, tableMask } = this;
    let at = this.hashes[set]! & tableMask;
    while (table[at] !== set + 1) at = (at + 1) & tableMask;
    table[at] = GONE;
    this.live -= this.pool[this.starts[set]!]! + 1;
    if (set === this.empty) this.empty = UNKNOWN;
    this.starts[set] = UNKNOWN;
    this.freeSets.push(set);
    this.size--;
  }

  private insert(set: number): void {
    const { table, tableMask } = this;
    let at = this.hashes[set]! & tableMask;
    while (table[at] !== 0) at = (at + 1) & tableMask;
    table[at] = set + 1;
  }

  /** A table with room for twice as many sets as there are; `except` is to be inserted later. */
  private rehash(except: number): void {
    let length = 64;
    while (length < this.size * 3) length *= 2;
    this.table = new Int32Array(length);
    this.tableMask = length - 1;
    this.taken = this.size;
    for (let set = 0; set < this.end; set++) {
      if (set !== except && this.isLive(set)) this.insert(set);
    }
  }

  private isLive(set: number): boolean {
    return this.starts[set] !== UNKNOWN;
  }

  /** Room for so many words in the pool. */
  private claim(words: number): number {
    if (this.poolEnd + words > this.pool.length) {
      const from = this.pool;
      const enough = (this.live + words) * 2 <= from.length;
      this.pool = new Int32Array(enough ? from.length : Math.max(from.length * 2, words * 2));
      this.poolEnd = 0;
      for (let set = 0; set < this.end; set++) {
        const start = this.starts[set]!;
        if (start === UNKNOWN) continue;
        const end = start + 1 + from[start]!;
        this.pool.set(from.subarray(start, end), this.poolEnd);
        this.starts[set] = this.poolEnd;
        this.poolEnd += end - start;
      }
    }
    const start = this.poolEnd;
    this.poolEnd += words;
    this.live += words;
    return start;
  }

  /** Forgets the pairs of sets that are gone. */
  private sweep(): void {
    const used = new Uint8Array(this.pairEnd);
    for (let set = 0; set < this.end; set++) {
      const start = this.starts[set]!;
      if (start === UNKNOWN) continue;
      const last = start + this.pool[start]!;
      for (let i = start + 1; i <= last; i++) used[this.pool[i]!] = 1;
    }
    for (const [name, key] of this.keys) {
      key.retain(used, (id) => {
        this.freePairs.push(id);
        this.pairs--;
      });
      if (key.isEmpty) this.keys.delete(name);
    }
    this.order.fill(this.blank);
    this.sweepAt = Math.max(1024, this.pairs * 2);
  }

  /** What a user gave, as it is at this moment; never throws. */
  read(attributes: unknown): Attributes {
    const all = this.none();
    setAttributes(all, attributes);
    return all;
  }

  /** Those that the filter keeps. */
  kept(all: Attributes): Attributes {
    return this.filter === undefined ? all : this.part(all, (name) => this.keeps(name));
  }

  /** Those that it drops; undefined where it drops none. */
  dropped(all: Attributes): Attributes | undefined {
    if (this.filter === undefined) return undefined;
    return this.without(all, (name) => this.keeps(name));
  }

  /** Those whose key is not `left`; undefined where there are none. */
  without(all: Attributes, left: (name: string) => boolean): Attributes | undefined {
    const rest = this.part(all, (name) => !left(name));
    return rest.count === 0 ? undefined : rest;
  }

  private part(all: Attributes, isWanted: (name: string) => boolean): Attributes {
    const part = this.none();
    for (let i = 0; i < all.count; i++) {
      const { name } = all.shape.keys[i]!;
      if (!isWanted(name)) continue;
      part.shape = part.shape.known(name, part.count) ?? part.shape.with(name, part.count);
      part.values[part.count++] = all.values[i]!;
    }
    return part;
  }

  private keeps(name: string): boolean {
    const { keys, filter } = this;
    const key = keys.get(name);
    if (key !== undefined) return !key.dropped;
    const keeps = filter === undefined || filter.keeps(name);
    if (!keeps && keys.size < MAX_KEYS) keys.set(name, new Key(name, true));
    return keeps;
  }

  private none(): Attributes {
    const { tree } = this;
    return { shape: tree.first(tree.key('')), count: 0, values: [] };
  }
}
