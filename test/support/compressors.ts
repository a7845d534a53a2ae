/** Every format of the binary `codecs`: how it is called, and who reads it back. */

import { gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';
import { decompress as decompressZstd } from 'fzstd';
import { decompress as decompressLz4 } from 'lz4js';
import { uncompress as uncompressSnappy } from 'snappyjs';
import type { Encoding } from '../../src/compress/encoding.ts';
import { FORMATS as WRITTEN } from '../../src/compress/formats.ts';
import type { CodecsExports } from '../../src/engine/generated/contract.ts';

/** Where a kernel reads and writes. */
export interface Span {
  readonly src: number;
  readonly length: number;
  readonly dst: number;
  readonly capacity: number;
}

export interface StreamCalls {
  /** Writes what comes before the first part, and returns its length. */
  start(codecs: CodecsExports, level: number, dst: number): number;
  part(codecs: CodecsExports, level: number, span: Span, final: boolean): number;
  /** Length of what `start` writes at most. */
  readonly startBytes: number;
}

export interface Format {
  readonly name: FormatName;
  /** What `otlp-wasm/compress` calls it. */
  readonly encoding: Encoding;
  /** Levels that are told apart. */
  readonly levels: readonly number[];
  compress(codecs: CodecsExports, level: number, span: Span): number;
  /** Length of the longest output for so many bytes, whole or as a part. */
  bound(length: number): number;
  readonly stream?: StreamCalls;
  /**
   * What an implementation that is not ours reads, which should be the input. Throws when it
   * refuses, or when it stops before the end.
   */
  decode(bytes: Uint8Array, input: Uint8Array): Uint8Array;
}

export type FormatName = 'deflate' | 'zlib' | 'gzip' | 'zstd' | 'lz4' | 'snappy' | 'snappy-framed';

const LEVELS = [1, 2, 3];
const NO_LEVELS = [2];

interface Inflated {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

function inflated(inflate: typeof inflateSync): Format['decode'] {
  return (bytes, { length }) => {
    const options = { info: true, maxOutputLength: length + 1 };
    const { buffer, engine } = inflate(bytes, options) as unknown as Inflated;
    if (engine.bytesWritten !== bytes.length) {
      throw new Error(`zlib stops after ${engine.bytesWritten} of ${bytes.length} bytes`);
    }
    return buffer;
  };
}

/** Snappy's framing: a block or the bytes themselves in chunks of at most 64 KiB. */
function decodeSnappyFrames(bytes: Uint8Array, { length }: Uint8Array): Uint8Array {
  const out = new Uint8Array(length);
  let written = 0;
  let at = 0;
  for (let chunk = 0; at < bytes.length; chunk++) {
    const type = bytes[at];
    const size = bytes[at + 1] + (bytes[at + 2] << 8) + (bytes[at + 3] << 16);
    const data = bytes.subarray(at + 4, at + 4 + size);
    at += 4 + size;
    if (at > bytes.length) throw new Error(`chunk ${chunk} ends behind the stream`);
    if (chunk === 0) {
      if (type !== 0xff || Buffer.from(data).toString() !== 'sNaPpY') throw new Error('no start');
      continue;
    }
    if (type !== 0 && type !== 1) throw new Error(`chunk ${chunk} is of type ${type}`);
    const body = data.subarray(4);
    const decoded = type === 0 ? uncompressSnappy(body) : body;
    if (decoded.length > 65536) throw new Error(`chunk ${chunk} holds ${decoded.length} bytes`);
    if (written + decoded.length > length) throw new Error('longer than what went in');
    out.set(decoded, written);
    written += decoded.length;
  }
  return out.subarray(0, written);
}

/** fzstd does not say how far it came: where it did not come, nothing is as in the input. */
function decodeZstd(bytes: Uint8Array, input: Uint8Array): Uint8Array {
  const out = new Uint8Array(input.length).fill(~(input.at(-1) ?? 0));
  return decompressZstd(bytes, out);
}

/** The last word of a frame is its checksum, before it an end mark of zeros. */
function decodeLz4Frame(bytes: Uint8Array, { length }: Uint8Array): Uint8Array {
  // Magic number, flags, size of blocks, size of the content where a flag says so, and its check.
  let at = (bytes[4] & 8) === 0 ? 7 : 15;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let size = 1; size !== 0; at += 4 + size) size = view.getUint32(at, true) & 0x7fffffff;
  if (at + 4 !== bytes.length) throw new Error(`the frame ends at ${at + 4} of ${bytes.length}`);
  return decompressLz4(bytes, length + 1);
}

export const FORMATS: readonly Format[] = [
  {
    name: 'deflate',
    encoding: 'deflate-raw',
    levels: LEVELS,
    compress: (codecs, level, { src, length, dst, capacity }) =>
      codecs.deflate(level, src, length, dst, capacity),
    bound: WRITTEN.get('deflate-raw')!.worstCase,
    stream: {
      start: () => 0,
      part: (codecs, level, { src, length, dst, capacity }, final) =>
        codecs.deflateBlocks(level, src, length, dst, capacity, final ? 1 : 0),
      startBytes: 0,
    },
    decode: inflated(inflateRawSync),
  },
  {
    name: 'zlib',
    encoding: 'deflate',
    levels: LEVELS,
    compress: (codecs, level, { src, length, dst, capacity }) =>
      codecs.zlib(level, src, length, dst, capacity),
    bound: WRITTEN.get('deflate')!.worstCase,
    decode: inflated(inflateSync),
  },
  {
    name: 'gzip',
    encoding: 'gzip',
    levels: LEVELS,
    compress: (codecs, level, { src, length, dst, capacity }) =>
      codecs.gzip(level, src, length, dst, capacity),
    bound: WRITTEN.get('gzip')!.worstCase,
    decode: inflated(gunzipSync),
  },
  {
    name: 'zstd',
    encoding: 'zstd',
    levels: LEVELS,
    compress: (codecs, level, { src, length, dst, capacity }) =>
      codecs.zstd(level, src, length, dst, capacity),
    bound: WRITTEN.get('zstd')!.worstCase,
    stream: {
      start: (codecs, level, dst) => codecs.zstdStart(level, dst),
      part: (codecs, level, { src, length, dst, capacity }, final) =>
        codecs.zstdBlocks(level, src, length, dst, capacity, final ? 1 : 0),
      startBytes: 18,
    },
    decode: decodeZstd,
  },
  {
    name: 'lz4',
    encoding: 'lz4',
    levels: NO_LEVELS,
    compress: (codecs, _level, { src, length, dst, capacity }) =>
      codecs.lz4(src, length, dst, capacity),
    bound: WRITTEN.get('lz4')!.worstCase,
    stream: {
      start: (codecs, _level, dst) => codecs.lz4Start(dst),
      part: (codecs, _level, { src, length, dst, capacity }, final) =>
        codecs.lz4Blocks(src, length, dst, capacity, final ? 1 : 0),
      startBytes: 19,
    },
    decode: decodeLz4Frame,
  },
  {
    name: 'snappy',
    encoding: 'snappy',
    levels: NO_LEVELS,
    compress: (codecs, _level, { src, length, dst, capacity }) =>
      codecs.snappy(src, length, dst, capacity),
    bound: WRITTEN.get('snappy')!.worstCase,
    decode: (bytes, { length }) => uncompressSnappy(bytes, length),
  },
  {
    name: 'snappy-framed',
    encoding: 'x-snappy-framed',
    levels: NO_LEVELS,
    compress: (codecs, _level, { src, length, dst, capacity }) =>
      codecs.snappyFramed(src, length, dst, capacity),
    bound: WRITTEN.get('x-snappy-framed')!.worstCase,
    stream: {
      start: (codecs, _level, dst) => codecs.snappyStart(dst),
      part: (codecs, _level, { src, length, dst, capacity }) =>
        codecs.snappyChunks(src, length, dst, capacity),
      startBytes: 10,
    },
    decode: decodeSnappyFrames,
  },
];
