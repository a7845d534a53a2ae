/** Bodies in every Content-Encoding, by compressors that are not ours, and back. */

import zlib from 'node:zlib';
import { compress as lz4 } from 'lz4js';
import { compress as snappy } from 'snappyjs';
import { INFLATE } from '../../src/compress/inflate/inflaters.ts';

const { zstdCompressSync } = zlib as unknown as {
  readonly zstdCompressSync?: (bytes: Uint8Array) => Buffer;
};

type Encode = (bytes: Uint8Array) => Uint8Array;

function le(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, i) => (value >>> (8 * i)) & 255);
}

/** A frame of raw blocks, with its content's size and no checksum (RFC 8878, 3.1.1). */
function zstdOfRawBlocks(bytes: Uint8Array): Uint8Array {
  const parts = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, ...le(bytes.length, 4)])];
  for (let at = 0; at === 0 || at < bytes.length; at += 131072) {
    const block = bytes.subarray(at, at + 131072);
    const last = at + 131072 >= bytes.length ? 1 : 0;
    parts.push(Buffer.from(le((block.length << 3) | last, 3)), Buffer.from(block));
  }
  return Buffer.concat(parts);
}

/** Bit by bit. */
function crc32c(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0x82f63b78 & -(crc & 1));
  }
  return ~crc >>> 0;
}

/** One compressed chunk and one that is not, for every 64 KiB. */
export function snappyFramed(bytes: Uint8Array): Uint8Array {
  const parts = [Buffer.from('\xff\x06\x00\x00sNaPpY', 'latin1')];
  for (let at = 0, n = 0; at < bytes.length; at += 65536, n++) {
    const piece = bytes.subarray(at, at + 65536);
    const data = n % 2 === 0 ? snappy(new Uint8Array(piece)) : piece;
    const crc = crc32c(piece);
    const masked = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
    parts.push(Buffer.from([n % 2, ...le(data.length + 4, 3), ...le(masked, 4)]));
    parts.push(Buffer.from(data));
  }
  return Buffer.concat(parts);
}

export const ENCODE: Readonly<Record<string, Encode>> = {
  gzip: (bytes) => zlib.gzipSync(bytes),
  zstd: zstdCompressSync ?? zstdOfRawBlocks,
  zlib: (bytes) => zlib.deflateSync(bytes),
  deflate: (bytes) => zlib.deflateSync(bytes),
  snappy: (bytes) => snappy(new Uint8Array(bytes)),
  lz4: (bytes) => lz4(bytes),
  'x-snappy-framed': snappyFramed,
  br: (bytes) => zlib.brotliCompressSync(bytes),
};

const MAX_BYTES = 64 * 1024 * 1024;

/** A body before it was compressed. */
export function decoded(body: Uint8Array, encoding: string): Buffer {
  switch (encoding) {
    case 'identity':
      return Buffer.from(body);
    case 'gzip':
      return zlib.gunzipSync(body);
    case 'zlib':
    case 'deflate':
      return zlib.inflateSync(body);
    case 'br':
      return zlib.brotliDecompressSync(body);
    default:
      return Buffer.from(INFLATE[encoding as keyof typeof INFLATE](body, MAX_BYTES));
  }
}
