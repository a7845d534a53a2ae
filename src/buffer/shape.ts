/**
 * Attribute keys as shapes: the sequence of keys a span has set so far is one node of a tree
 * shared by all spans, as engines do it for the properties of objects. Instrumentation sets
 * the same keys in the same order, so the next key is nearly always the one that followed last
 * time: one comparison of pointers says that it is a known string, that it is new to this span
 * (no search for an earlier value) and where its value goes. A span stores values only.
 */

/** What is known about one attribute key, whatever shapes it occurs in. */
export class Key {
  readonly name: string;
  /** Address of the interned key, valid while `epoch` is the string table's. */
  ref = 0;
  epoch = -1;
  /** The last interned value and its address, valid in the same epoch. */
  lastValue: string | undefined = undefined;
  lastRef = 0;
  lastEpoch = -1;
  /** How well interning this key's values has paid; see StringTable. */
  credit = 16;
  /** Values to write inline before interning is tried again. */
  rest = 0;
  restLength = 512;
  /** Attributes that the last span of this name had; sizes the next one's values. */
  expected = 12;
  /** Where the shapes of spans, or events, of this name begin: they tend to be alike. */
  root: Shape | undefined = undefined;

  constructor(name: string) {
    this.name = name;
  }
}

/** One sequence of distinct keys. */
export class Shape {
  /** The keys in order; `keys.length` is where the next value goes. */
  readonly keys: readonly Key[];
  readonly size: number;
  /** The transition taken last: the key that followed and the shape it led to. */
  nextName: string | undefined = undefined;
  next: Shape | undefined = undefined;
  transitions: Map<string, Shape> | undefined = undefined;
  readonly tree: ShapeTree;

  constructor(tree: ShapeTree, keys: readonly Key[]) {
    this.tree = tree;
    this.keys = keys;
    this.size = keys.length;
  }

  /** Where `name` is among the keys, or -1. */
  indexOf(name: string): number {
    // A key that was ever put behind these is not among them: no search.
    if (this.transitions?.has(name)) return -1;
    const { keys } = this;
    for (let i = 0; i < keys.length; i++) if (keys[i]!.name === name) return i;
    return -1;
  }

  /** The shape with `name` behind the keys of this one; `name` must not be among them. */
  with(name: string): Shape {
    let next = this.transitions?.get(name);
    if (next === undefined) {
      next = this.tree.grow(this, name);
      this.transitions ??= new Map();
      this.transitions.set(name, next);
    }
    this.next = next;
    this.nextName = name;
    return next;
  }
}

const NO_KEY = new Key('');

const MAX_SHAPES = 8192;
const MAX_KEYS = 4096;
/** Cells (keys summed over shapes) that the tree may hold. */
const MAX_CELLS = 131072;

/**
 * The tree, bounded: when it has grown too large (keys made of ids, say) it starts anew. Spans
 * under way keep the shapes they have.
 */
export class ShapeTree {
  root: Shape;
  count = 0;
  private cells = 0;
  private byName = new Map<string, Key>();
  /** The names looked up last: spans and events tend to repeat them. */
  private lastKey: Key = NO_KEY;
  private lastEventKey: Key = NO_KEY;

  constructor() {
    this.root = new Shape(this, []);
  }

  /** What is known about an attribute key or the name of a span. */
  key(name: string): Key {
    if (this.lastKey.name === name) return this.lastKey;
    let key = this.byName.get(name);
    if (key === undefined) {
      key = new Key(name);
      if (this.byName.size < MAX_KEYS) this.byName.set(name, key);
    }
    this.lastKey = key;
    return key;
  }

  /** The same for the name of an event. */
  eventKey(name: string): Key {
    if (this.lastEventKey.name !== name) this.lastEventKey = this.key(name);
    return this.lastEventKey;
  }

  /** The empty shape that spans, or events, of one name begin with. */
  rootOf(name: Key): Shape {
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
    this.root = new Shape(this, []);
    this.count = 0;
    this.cells = 0;
    this.byName = new Map();
  }
}
