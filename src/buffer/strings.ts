import { STRINGS_BASE, STRINGS_HALF_BYTES } from '../engine/generated/layout.ts';
import type { Group } from './record.ts';

/** Longer strings are not worth a place in the table. In UTF-16 units. */
export const MAX_INTERNED_LENGTH = 128;

const FIELD_1 = 0x0a;

/** Where a scope stands in the table. */
interface PlacedScope {
  readonly parent: Group;
  readonly ref: number;
}

/**
 * The interned strings of the current epoch: the writing side of `assembly/buffer/strings.ts`,
 * which draws the layout. Addresses are valid for records written in the same epoch.
 */
export class StringTable {
  epoch = 0;
  /** Set when something did not fit; the ring then swaps the halves as soon as it may. */
  full = false;
  private readonly bytes: Uint8Array;
  private readonly words: Int32Array;
  private readonly encoder = new TextEncoder();
  /** Addresses by string. The ring looks here itself: it does so for most attributes. */
  refs = new Map<string, number>();
  /** The scopes that stand in the half in use. */
  scopes: PlacedScope[] = [];
  /** Those in the other one. */
  private olderScopes: PlacedScope[] = [];
  private top: number;
  private end: number;

  constructor(buffer: ArrayBuffer) {
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
    this.top = STRINGS_BASE;
    this.end = STRINGS_BASE + STRINGS_HALF_BYTES;
  }

  /** Starts the other half. The caller knows that no record points into it any more. */
  swap(): void {
    this.epoch++;
    this.refs = new Map();
    this.olderScopes = this.scopes;
    this.scopes = [];
    this.top = STRINGS_BASE + (this.epoch & 1) * STRINGS_HALF_BYTES;
    this.end = this.top + STRINGS_HALF_BYTES;
    this.full = false;
  }

  /** Interns `text` and returns its address, or 0 when it is too long or does not fit. */
  add(text: string): number {
    const units = text.length;
    if (units > MAX_INTERNED_LENGTH) return 0;
    const ref = this.top;
    const mostBytes = units * 3;
    // Header, tag, two length bytes, and the encoder's copies of 16 bytes may overshoot.
    if (ref + 7 + mostBytes + 16 > this.end) {
      this.full = true;
      return 0;
    }
    const bytes = this.bytes;
    let at = ref + 6;
    let { written } = this.encoder.encodeInto(text, bytes.subarray(at, at + mostBytes));
    if (written > 127) {
      bytes.copyWithin(at + 1, at, at + written);
      bytes[at] = written >> 7;
      bytes[at - 1] = (written & 127) | 128;
      at++;
      written++;
    } else {
      bytes[at - 1] = written;
    }
    bytes[ref + 4] = FIELD_1;
    this.words[ref >> 2] = written + 2;
    this.refs.set(text, ref);
    this.top = (ref + 6 + written + 3) & ~3;
    return ref;
  }

  /** `text` interned, whether it was before or not; 0 when that cannot be. */
  intern(text: string): number {
    return this.refs.get(text) ?? this.add(text);
  }

  /** Room left for groups, which the engine writes itself: its address and size. */
  get room(): { at: number; bytes: number } {
    return { at: this.top, bytes: this.end - this.top };
  }

  /** Keeps the `bytes` that the engine has written at `room.at`. */
  keep(bytes: number): void {
    this.top += bytes;
  }

  /** Scopes in either half. */
  get placedScopes(): readonly PlacedScope[] {
    return [...this.olderScopes, ...this.scopes];
  }

  /** Fill, for `health()`. */
  get usage(): { strings: number; bytes: number; epoch: number } {
    const start = STRINGS_BASE + (this.epoch & 1) * STRINGS_HALF_BYTES;
    return { strings: this.refs.size, bytes: this.top - start, epoch: this.epoch };
  }
}
