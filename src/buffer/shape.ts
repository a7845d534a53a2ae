/**
 * Attribute keys as shapes: the sequence of keys a span has set so far is one node of a tree
 * shared by all spans, as engines do it for the properties of objects. Instrumentation sets
 * the same keys in the same order, so the next key is nearly always the one that followed last
 * time: one comparison of pointers says that it is a known string, that it is new to this span
 * (no search for an earlier value) and where its value goes. A span stores values only.
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
  /** Where the shapes of spans, or events, of this name begin: they tend to be alike. */
  root: Shape | undefined = undefined;
  /** Attributes that the last span of this name had; sizes the next one's values. */
  expected = 12;
  /** How well interning this key's values has paid; see `Ring.find`. */
  credit = 16;
  restLength = 512;

  constructor(name: string) {
    this.name = name;
  }
}

/** One sequence of distinct keys. */
export class Shape {
  // What every attribute touches stands first, in one line of the processor's cache.
  readonly size: number;
  /** The transition taken last: the key that followed and the shape it led to. */
  nextName: string | undefined = undefined;
  next: Shape | undefined = undefined;
  /** The one taken before that. */
  private otherName: string | undefined = undefined;
  private other: Shape | undefined = undefined;
  /** The keys' addresses as they go into a record (0: inline), valid in `epoch`. */
  heads: number[] = [];
  epoch = -1;
  /** The keys in order; `size` of them, and so the place of the next value. */
  readonly keys: readonly Key[];
  readonly tree: ShapeTree;
  private transitions: Map<string, Shape> | undefined = undefined;

  constructor(tree: ShapeTree, keys: readonly Key[]) {
    this.size = keys.length;
    this.keys = keys;
    this.tree = tree;
  }

  /** Where `name` is among the keys, or -1. */
  indexOf(name: string): number {
    const { keys } = this;
    for (let i = 0; i < keys.length; i++) if (keys[i]!.name === name) return i;
    return -1;
  }

  /**
   * The shape that `name` led to before, if it did: then it is not among the keys, bounds allow
   * it, and plain values need no cut.
   */
  known(name: string): Shape | undefined {
    if (this.nextName === name) return this.next;
    if (this.otherName === name) return this.other;
    if (this.tree.cuts) return undefined;
    const next = this.transitions?.get(name);
    if (next !== undefined) this.took(name, next);
    return next;
  }

  /** The shape with `name` behind the keys of this one; `name` must not be among them. */
  with(name: string): Shape {
    const next = this.transitions?.get(name) ?? this.tree.grow(this, name);
    this.transitions ??= new Map();
    this.transitions.set(name, next);
    this.took(name, next);
    return next;
  }

  private took(name: string, next: Shape): void {
    // Where long values are cut, each must be looked at: no short way then.
    if (this.tree.cuts) return;
    this.other = this.next;
    this.otherName = this.nextName;
    this.next = next;
    this.nextName = name;
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
 * The shapes of one kind of thing (spans, events, links), in a tree per name. Bounded: when it
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

  /** The empty shape that everything of one name begins with. */
  root(name: Key): Shape {
    name.root ??= new Shape(this, []);
    return name.root;
  }

  grow(shape: Shape, name: string): Shape {
    this.count++;
    this.cells += shape.size + 1;
    if (this.count >= MAX_SHAPES || this.cells > MAX_CELLS) this.restart();
    return new Shape(this, [...shape.keys, this.key(name)]);
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
