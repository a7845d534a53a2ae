/**
 * Attribute keys as shapes. Instrumentation sets the same keys in the same order, span after
 * span of a name, so a span follows the list of keys that the last one of its name had. One
 * comparison of pointers per attribute says that its key is a known string, that it is new to
 * this span (no search for an earlier value) and where its value goes; a span stores values
 * only. A list is one piece of memory: following it touches two lines of cache for ten keys.
 * Where a span leaves the list, a fork leads to another one that begins alike.
 */

/** What is known about one attribute key, whatever shapes it occurs in. */
export class Key {
  // What every span touches stands first, in one line of the processor's cache.
  /** Values to write inline before interning is tried again. */
  rest = 0;
  /** The last interned value and its address, valid in that epoch of the string table. */
  lastValue = '';
  lastRef = 0;
  lastEpoch = -1;
  readonly name: string;
  /** The shape of the last span, or event, of this name: the next one follows it. */
  shape: Shape | undefined = undefined;
  /** The event, by its name, that a span of this name had last. */
  event: Key | undefined = undefined;
  /** How well interning this key's values has paid; see `Ring.find`. */
  credit = 16;
  restLength = 512;
  /** What redaction does to this key's values, once it was asked. */
  treatment: Treatment | undefined = undefined;

  constructor(name: string) {
    this.name = name;
  }
}

/** What redaction does to the values of an attribute key, or of a key inside its maps. */
export interface Treatment {
  /**
   * `drop`: there is no such attribute. `mask`: another value stands for it. `rewrite`: parts of
   * its texts are masked. `keep`: as it is, all that is in it too. `none`: as it is.
   */
  readonly action: 'none' | 'keep' | 'drop' | 'mask' | 'rewrite';
  /** Of the key `name` in a map that is a value of this one. */
  within(name: string): Treatment;
}

/** Decides, once per attribute key, what must not reach the ring (option `redact`). */
export interface Redaction {
  readonly mask: string;
  /** Attributes, keys inside maps included, since start. */
  readonly counts: { dropped: number; masked: number; rewritten: number };
  of(key: string): Treatment;
  rewrite(text: string): string;
}

/** Stands for the name of a key that needs a look: equal to nothing, itself included. */
const NO_NAME = Number.NaN as unknown as string;
/** Beyond so many keys they are searched by a map. */
const WIDE = 64;

/**
 * A list of distinct keys in the order they are set. Whoever follows one has the first `count`
 * of its keys; what comes after them is a guess. So a list may grow at its end at any time.
 */
export class Shape {
  /** Those of the keys whose values may be taken without a look; `NO_NAME` for the others. */
  readonly names: string[] = [];
  /** Keys among which `names` may be compared: none where long values are cut. */
  plain = 0;
  size = 0;
  /** The keys' addresses as they go into a record (0: inline), valid in `epoch`. */
  heads: number[] = [];
  epoch = -1;
  readonly keys: Key[] = [];
  readonly tree: ShapeTree;
  /** All names; the same array as `names` where nothing is redacted. */
  private readonly allNames: string[];
  /** `forks[i]`: the lists that have the first `i` keys in common with this one. */
  private readonly forks: Fork[];
  /** Where each key is, once somebody has asked for one of many. */
  private places: Map<string, number> | undefined = undefined;

  constructor(tree: ShapeTree, forks: Fork[]) {
    this.tree = tree;
    this.allNames = tree.redaction === undefined ? this.names : [];
    this.forks = forks;
  }

  /** Where `name` is among the first `count` keys, or -1. */
  indexOf(name: string, count: number): number {
    const { allNames } = this;
    if (count > WIDE) return this.placeOf(name, count);
    for (let i = 0; i < count; i++) if (allNames[i] === name) return i;
    return -1;
  }

  private placeOf(name: string, count: number): number {
    this.places ??= new Map(this.allNames.map((known, i) => [known, i]));
    const place = this.places.get(name);
    return place !== undefined && place < count ? place : -1;
  }

  /** A list with the first `count` keys of this one and `name` behind them, if there is one. */
  known(name: string, count: number): Shape | undefined {
    return this.allNames[count] === name ? this : this.forks[count]!.get(name);
  }

  /** Such a list, other than this one, if the key's value may be taken without a look. */
  fork(name: string, count: number): Shape | undefined {
    const next = this.forks[count]!.get(name);
    return next !== undefined && count < next.plain && next.names[count] === name
      ? next
      : undefined;
  }

  /** Makes such a list; `name` must not be among the first `count` keys. */
  with(name: string, count: number): Shape {
    if (count === this.size) {
      this.add(this.tree.grow(name, 1));
      return this;
    }
    const grown = new Shape(this.tree, this.forks.slice(0, count + 1));
    for (let i = 0; i < count; i++) grown.push(this.keys[i]!);
    grown.add(this.tree.grow(name, count + 1));
    this.forks[count]!.set(name, grown);
    return grown;
  }

  private add(key: Key): void {
    this.places?.set(key.name, this.size);
    this.push(key);
    this.forks.push(new Fork());
    // Its address is to be looked up.
    this.epoch = -1;
  }

  private push(key: Key): void {
    const { tree, names, allNames } = this;
    this.keys.push(key);
    names.push(tree.needsLook(key) ? NO_NAME : key.name);
    if (allNames !== names) allNames.push(key.name);
    this.size++;
    if (!tree.cuts) this.plain++;
  }
}

/** Up to here a search through an array beats a map. */
const FORK_ARRAY = 8;

/** Where lists that begin alike part: the next key, and the list it was last met in. */
class Fork {
  private readonly names: string[] = [];
  private readonly shapes: Shape[] = [];
  private more: Map<string, Shape> | undefined = undefined;

  get(name: string): Shape | undefined {
    const { names } = this;
    for (let i = 0; i < names.length; i++) if (names[i] === name) return this.shapes[i];
    return this.more?.get(name);
  }

  set(name: string, shape: Shape): void {
    const { names } = this;
    let i = 0;
    while (i < names.length && names[i] !== name) i++;
    if (i < FORK_ARRAY) {
      names[i] = name;
      this.shapes[i] = shape;
    } else {
      this.more ??= new Map();
      this.more.set(name, shape);
    }
  }
}

/** Bounds on one set of attributes (specification, "Attribute Limits"). */
export interface Bounds {
  /** Keys at most. */
  readonly count: number;
  /** Longest string in characters, longest byte array in bytes. */
  readonly valueLength: number;
  /** Deepest array or map, 1 being the value of an attribute; at most MAX_VALUE_DEPTH. */
  readonly valueDepth: number;
}

/** Deeper ones would end the stack of whoever reads them, or writes them. */
export const MAX_VALUE_DEPTH = 100;

const MAX_SHAPES = 8192;
const MAX_KEYS = 4096;
/** Cells (keys summed over shapes) that the tree may hold. */
const MAX_CELLS = 131072;

const RECENT = 256;

const BLANK = new Key('');

let blanks: Key[] | undefined;

/** One key in all places, as if there were none: the only name it has belongs in the first. */
function recentKeys(): Key[] {
  blanks ??= Array.from({ length: RECENT }, () => BLANK);
  const keys = blanks.slice();
  keys[0] = new Key('');
  return keys;
}

/**
 * The shapes of one kind of thing (spans, events, links), by name. Bounded: when it
 * has grown too large (keys made of ids, say) it starts anew. Spans under way keep the shapes
 * they have.
 */
export class ShapeTree {
  readonly bounds: Bounds;
  readonly redaction: Redaction | undefined;
  private count = 0;
  private cells = 0;
  private byName = new Map<string, Key>();
  /**
   * Names looked up lately, placed by length and four characters: they tend to repeat, and a look
   * here costs a fifth of one in the map. Of this tree: keys hold its ring's addresses.
   */
  private recent = recentKeys();

  /** Whether long values are cut. */
  readonly cuts: boolean;

  constructor(bounds: Bounds, redaction?: Redaction) {
    this.bounds = bounds;
    this.redaction = redaction;
    this.cuts = bounds.valueLength !== Infinity;
  }

  /** What is known about an attribute key or the name of a span. */
  key(name: string): Key {
    const { length } = name;
    const mixed =
      length * 197 +
      name.charCodeAt(0) * 7 +
      name.charCodeAt(length >> 2) * 29 +
      name.charCodeAt(length >> 1) * 53 +
      name.charCodeAt(length - 1) * 113;
    const place = mixed & (RECENT - 1);
    const recent = this.recent[place]!;
    if (recent.name === name) return recent;
    let key = this.byName.get(name);
    if (key === undefined) {
      key = new Key(name);
      if (this.byName.size < MAX_KEYS) this.byName.set(name, key);
    }
    this.recent[place] = key;
    return key;
  }

  /** What the first span, or event, of a name follows. */
  first(name: Key): Shape {
    name.shape ??= new Shape(this, [new Fork()]);
    return name.shape;
  }

  /** What redaction does to the values of an attribute key; undefined where there is none. */
  treatment(name: string): Treatment | undefined {
    return this.redaction === undefined ? undefined : this.treatmentOf(this.key(name));
  }

  /** Whether a key's values may not be taken as they are. */
  needsLook(key: Key): boolean {
    if (this.redaction === undefined) return false;
    const { action } = this.treatmentOf(key);
    return action !== 'none' && action !== 'keep';
  }

  private treatmentOf(key: Key): Treatment {
    key.treatment ??= this.redaction!.of(key.name);
    return key.treatment;
  }

  /** The key that a list is to grow by, which takes so many cells. */
  grow(name: string, cells: number): Key {
    this.count++;
    this.cells += cells;
    if (this.count >= MAX_SHAPES || this.cells > MAX_CELLS) this.restart();
    return this.key(name);
  }

  private restart(): void {
    this.count = 0;
    this.cells = 0;
    this.byName = new Map();
    this.recent = recentKeys();
  }
}

/** Attributes that nobody bounds, nor redacts: those of resources and scopes. */
export function unboundedTree(): ShapeTree {
  return new ShapeTree({ count: Infinity, valueLength: Infinity, valueDepth: MAX_VALUE_DEPTH });
}
