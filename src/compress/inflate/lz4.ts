/**
 * Reads one LZ4 frame (LZ4 Frame Format 1.6.4, LZ4 Block Format): every length, distance and checksum
 * in it is looked at.
 */

import { damaged, TooLong } from './damaged.ts';
import { xxh32 } from './xxh32.ts';

const MAGIC = 0x184d2204;
/** Flags of the descriptor's first byte; the version is in its upper two bits. */
const VERSION_MASK = 0xc0;
const VERSION = 0x40;
const INDEPENDENT = 0x20;
const BLOCK_CHECKSUM = 0x10;
const CONTENT_SIZE = 0x08;
const CONTENT_CHECKSUM = 0x04;
const RESERVED = 0x02;
const DICTIONARY_ID = 0x01;
/** Of a block's size: the block is as it was. */
const STORED = 0x80000000;

const MIN_MATCH = 4;

const broken = (what: string) => damaged('lz4', what);

interface Frame {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly flags: number;
  readonly maxBlockBytes: number;
  readonly contentBytes: number | undefined;
  /** Where the first block begins. */
  readonly at: number;
}

/**
 * @returns what was compressed, its own copy.
 * @throws TooLong beyond `maxBytes`; an Error for bytes that are no such frame, and only that.
 */
export function inflateLz4(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const frame = headerOf(bytes);
  const { view, flags, maxBlockBytes, contentBytes } = frame;
  if ((contentBytes ?? 0) > maxBytes) throw new TooLong(maxBytes);
  const bound = boundOf(frame);
  const out = new Uint8Array(Math.min(contentBytes ?? bound, bound, maxBytes));
  let { at } = frame;
  let size = 0;
  for (;;) {
    const word = wordAt(view, at);
    at += 4;
    if (word === 0) break;
    const length = word & ~STORED;
    const block = partOf(bytes, at, length);
    at += length;
    if (flags & BLOCK_CHECKSUM) {
      if (wordAt(view, at) !== xxh32(block)) throw broken('the checksum of a block is wrong');
      at += 4;
    }
    const limit = size + maxBlockBytes;
    const floor = flags & INDEPENDENT ? size : 0;
    const end = word < STORED ? inflateBlock(block, out, size, floor) : size + length;
    if (end > limit) throw broken('a block is larger than the header says');
    if (end > out.length) {
      throw out.length === maxBytes ? new TooLong(maxBytes) : broken('it is longer than it says');
    }
    if (word >= STORED) out.set(block, size);
    size = end;
  }
  const content = out.slice(0, size);
  if (flags & CONTENT_CHECKSUM) {
    if (wordAt(view, at) !== xxh32(content)) throw broken('the checksum is wrong');
    at += 4;
  }
  if (contentBytes !== undefined && contentBytes !== size)
    throw broken('it is shorter than it says');
  if (at !== bytes.length) throw broken(`${bytes.length - at} bytes follow the frame`);
  return content;
}

function headerOf(bytes: Uint8Array): Frame {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (wordAt(view, 0) !== MAGIC) throw broken('no frame begins here');
  const [flags = 0, sizes = 0] = partOf(bytes, 4, 2);
  if ((flags & VERSION_MASK) !== VERSION) throw broken('the version is not 1');
  const code = (sizes >> 4) & 7;
  if ((flags & RESERVED) !== 0 || (sizes & 0x8f) !== 0 || code < 4) {
    throw broken('the header has reserved bits');
  }
  if (flags & DICTIONARY_ID) throw broken('it takes a dictionary');
  let at = 6;
  let contentBytes: number | undefined;
  if (flags & CONTENT_SIZE) {
    contentBytes = wordAt(view, at) + wordAt(view, at + 4) * 2 ** 32;
    at += 8;
  }
  const [checksum] = partOf(bytes, at, 1);
  if (((xxh32(bytes.subarray(4, at)) >>> 8) & 0xff) !== checksum) {
    throw broken('the checksum of the header is wrong');
  }
  return { bytes, view, flags, maxBlockBytes: 1 << (2 * code + 8), contentBytes, at: at + 1 };
}

/** What the blocks come to at most. */
function boundOf({ view, flags, maxBlockBytes, at: begin }: Frame): number {
  let bound = 0;
  for (let at = begin; ; ) {
    const word = wordAt(view, at);
    if (word === 0) return bound;
    const length = word & ~STORED;
    // A byte of a match length stands for 255 bytes at most.
    bound += Math.min(maxBlockBytes, word < STORED ? length * 255 : length);
    at += 4 + length + (flags & BLOCK_CHECKSUM ? 4 : 0);
  }
}

/**
 * Writes to `out` from `at` on what fits; matches reach back to `floor`. Returns where it ends, or
 * would: beyond `out`, nothing more is written.
 */
function inflateBlock(block: Uint8Array, out: Uint8Array, begin: number, floor: number): number {
  const { length } = block;
  let at = begin;
  let from = 0;

  function lengthOf(nibble: number): number {
    let sum = nibble;
    if (nibble < 15) return sum;
    for (;;) {
      if (from >= length) throw broken('it breaks off in a length');
      const byte = block[from++]!;
      sum += byte;
      if (byte < 255) return sum;
    }
  }

  while (from < length) {
    const token = block[from++]!;
    const literals = lengthOf(token >> 4);
    if (from + literals > length) throw broken('it breaks off in literals');
    if (at + literals > out.length) return at + literals;
    out.set(block.subarray(from, from + literals), at);
    at += literals;
    from += literals;
    // The last sequence is literals alone.
    if (from === length) return at;
    if (from + 2 > length) throw broken('it breaks off in a distance');
    const distance = block[from]! | (block[from + 1]! << 8);
    from += 2;
    if (distance === 0 || distance > at - floor) throw broken('a match reaches too far back');
    const end = at + lengthOf(token & 15) + MIN_MATCH;
    if (end > out.length) return end;
    for (; at < end; at++) out[at] = out[at - distance]!;
  }
  throw broken('a block ends in a match');
}

function wordAt(view: DataView, at: number): number {
  if (at + 4 > view.byteLength) throw broken('it breaks off');
  return view.getUint32(at, true);
}

function partOf(bytes: Uint8Array, at: number, length: number): Uint8Array {
  if (at + length > bytes.length) throw broken('it breaks off');
  return bytes.subarray(at, at + length);
}
