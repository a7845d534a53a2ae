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
  lastValue: string | undefined = undefined;
  lastRef = 0;
  lastEpoch = -1;
  readonly name: string;
  /** The shape of the last span, or event, of this name: the next one follows it. */
  shape: Shape | undefined = undefined;
  /** How well interning this key's values has paid; see `Ring.find`. */
  credit = 16;
  restLength = 512;

  constructor(name: string) {
    this.name = name;
  }
}

/**
 * A list of distinct keys in the order they are set. Whoever follows one has the first `count`
 * of its keys; what comes after them is a guess.
 */
export class Shape {
  readonly names: readonly string[];
  /** Keys that may be taken without a look at the value: none where long values are cut. */
  readonly plain: number;
  readonly size: number;
  /** The keys' addresses as they go into a record (0: inline), valid in `epoch`. */
  heads: number[] = [];
  epoch = -1;
  readonly keys: readonly Key[];
  readonly tree: ShapeTree;
  /** `forks[i]`: the lists that have the first `i` keys in common with this one. */
  private readonly forks: readonly Fork[];

  constructor(tree: ShapeTree, keys: readonly Key[], forks: readonly Fork[]) {
    this.names = keys.map(({ name }) => name);
    this.plain = tree.cuts ? 0 : keys.length;
    this.size = keys.length;
    this.keys = keys;
    this.tree = tree;
    this.forks = forks;
  }

  /** Where `name` is among the first `count` keys, or -1. */
  indexOf(name: string, count: number): number {
    for (let i = 0; i < count; i++) if (this.names[i] === name) return i;
    return -1;
  }

  /** A list with the first `count` keys of this one and `name` behind them, if there is one. */
  known(name: string, count: number): Shape | undefined {
    return this.names[count] === name ? this : this.forks[count]!.get(name);
  }

  /** A new such list; `name` must not be among the first `count` keys. */
  with(name: string, count: number): Shape {
    const keys = this.tree.grow(this, name, count);
    const forks = this.forks.slice(0, count + 1);
    const grown = new Shape(this.tree, keys, [...forks, new Fork()]);
    forks[count]!.set(name, grown);
    // What led to a list that has only grown shall lead to all of it.
    if (count === this.size) for (let i = 0; i < count; i++) forks[i]!.set(this.names[i]!, grown);
    return grown;
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
  /** Longest string in UTF-16 units, longest byte array in bytes. */
  readonly valueLength: number;
}

const MAX_SHAPES = 8192;
const MAX_KEYS = 4096;
/** Cells (keys summed over shapes) that the tree may hold. */
const MAX_CELLS = 131072;

const RECENT = 32;

function recentKeys(): Key[] {
  return Array.from({ length: RECENT }, () => new Key(''));
}

/**
 * The shapes of one kind of thing (spans, events, links), by name. Bounded: when it
 * has grown too large (keys made of ids, say) it starts anew. Spans under way keep the shapes
 * they have.
 */
export class ShapeTree {
  readonly bounds: Bounds;
  private count = 0;
  private cells = 0;
  private byName = new Map<string, Key>();
  /**
   * Names looked up lately, placed by length and last character: they tend to repeat, and a look
   * here costs a fifth of one in the map. Of this tree: keys hold its ring's addresses.
   */
  private recent = recentKeys();

  /** Whether long values are cut. */
  readonly cuts: boolean;

  constructor(bounds: Bounds) {
    this.bounds = bounds;
    this.cuts = bounds.valueLength !== Infinity;
  }

  /** What is known about an attribute key or the name of a span. */
  key(name: string): Key {
    const place = (name.length * 5 + name.charCodeAt(name.length - 1)) & (RECENT - 1);
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
    name.shape ??= new Shape(this, [], [new Fork()]);
    return name.shape;
  }

  /** The keys of a list to come: the first `count` of `shape`, and `name`. */
  grow(shape: Shape, name: string, count: number): Key[] {
    this.count++;
    this.cells += count + 1;
    if (this.count >= MAX_SHAPES || this.cells > MAX_CELLS) this.restart();
    return [...shape.keys.slice(0, count), this.key(name)];
  }

  private restart(): void {
    this.count = 0;
    this.cells = 0;
    this.byName = new Map();
    this.recent = recentKeys();
  }
}

/** Attributes that nobody bounds: those of resources and scopes. */
export function unboundedTree(): ShapeTree {
  return new ShapeTree({ count: Infinity, valueLength: Infinity });
}
