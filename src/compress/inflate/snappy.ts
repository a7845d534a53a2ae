/**
 * Reads snappy, blocks and frames (Snappy format description, 2011-10-05; framing format, 2013-10-25):
 * every length, distance and checksum is looked at.
 */

import { concatenated } from '../../codec/bytes.ts';
import { damaged, TooLong } from './damaged.ts';

/** `sNaPpY` in a chunk of type 0xff, by which a stream begins. */
const STREAM_ID = [0xff, 6, 0, 0, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59];
const COMPRESSED = 0x00;
const UNCOMPRESSED = 0x01;
/** Chunks from here on that are not known are passed over. */
const SKIPPABLE = 0x80;
const MAX_CHUNK_BYTES = 65536;

const broken = (what: string) => damaged('snappy', what);

/**
 * What a Content-Encoding `snappy` stands for: a block over HTTP, frames over gRPC. As the
 * OpenTelemetry Collector does, both are taken for what they begin like.
 *
 * @throws TooLong beyond `maxBytes`; an Error for bytes that are neither.
 */
export function inflateSnappy(bytes: Uint8Array, maxBytes: number): Uint8Array {
  return isFramed(bytes) ? inflateSnappyFramed(bytes, maxBytes) : inflateBlock(bytes, maxBytes);
}

/** As `inflateSnappy`, and takes frames only. */
export function inflateSnappyFramed(bytes: Uint8Array, maxBytes: number): Uint8Array {
  if (!isFramed(bytes)) throw broken('no stream begins here');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const parts: Uint8Array[] = [];
  let size = 0;
  for (let at = 0; at < bytes.length; ) {
    if (at + 4 > bytes.length) throw broken('it breaks off');
    const type = bytes[at]!;
    const end = at + 4 + (view.getUint32(at, true) >>> 8);
    if (end > bytes.length) throw broken('it breaks off');
    if (type === COMPRESSED || type === UNCOMPRESSED) {
      if (end < at + 8) throw broken('a chunk has no checksum');
      const data = bytes.subarray(at + 8, end);
      const part = type === COMPRESSED ? inflateBlock(data, MAX_CHUNK_BYTES) : data;
      if (part.length > MAX_CHUNK_BYTES) throw broken('a chunk is too large');
      if (masked(crc32c(part)) !== view.getUint32(at + 4, true)) {
        throw broken('the checksum of a chunk is wrong');
      }
      size += part.length;
      if (size > maxBytes) throw new TooLong(maxBytes);
      parts.push(part);
    } else if (type < SKIPPABLE) {
      throw broken(`a chunk of type ${type}`);
    }
    at = end;
  }
  return concatenated(parts);
}

function isFramed(bytes: Uint8Array): boolean {
  return STREAM_ID.every((byte, at) => bytes[at] === byte);
}

function inflateBlock(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const { length } = bytes;
  let from = 0;
  let size = 0;
  for (let shift = 0; ; shift += 7) {
    if (from === length || shift > 28) throw broken('it has no length');
    const byte = bytes[from++]!;
    size += (byte & 127) * 2 ** shift;
    if (byte < 128) break;
  }
  if (size > maxBytes) throw new TooLong(maxBytes);
  // A byte stands for 64 at most: nothing is set aside for what cannot come.
  if (size > length * 64) throw broken('it is shorter than it says');
  const out = new Uint8Array(size);
  let at = 0;

  /** A number of one to four bytes. */
  function next(count: number): number {
    if (from + count > length) throw broken('it breaks off');
    let number = 0;
    for (let i = 0; i < count; i++) number += bytes[from++]! * 2 ** (8 * i);
    return number;
  }

  while (from < length) {
    const tag = bytes[from++]!;
    const kind = tag & 3;
    const upper = tag >> 2;
    if (kind === 0) {
      const end = at + 1 + (upper < 60 ? upper : next(upper - 59));
      if (end > size || from + end - at > length) throw broken('it breaks off in a literal');
      out.set(bytes.subarray(from, from + end - at), at);
      from += end - at;
      at = end;
    } else {
      const end = at + (kind === 1 ? (upper & 7) + 4 : upper + 1);
      const distance = kind === 1 ? ((tag >> 5) << 8) + next(1) : next(kind === 2 ? 2 : 4);
      if (end > size) throw broken('it is longer than it says');
      if (distance === 0 || distance > at) throw broken('a copy reaches too far back');
      for (; at < end; at++) out[at] = out[at - distance]!;
    }
  }
  if (at < size) throw broken('it is shorter than it says');
  return out;
}

let table: Uint32Array | undefined;

/** Castagnoli's, reflected; a table is enough for what is read here. */
function crc32c(bytes: Uint8Array): number {
  table ??= Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    return crc;
  });
  let crc = -1;
  for (const byte of bytes) crc = (crc >>> 8) ^ table[(crc ^ byte) & 255]!;
  return ~crc;
}

/** So that a checksum of bytes that have checksums in them says something. */
function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
