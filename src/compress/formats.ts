/** What is around and between the kernels' output in each format, whole or as a stream. */

import { pushVarint } from '../codec/bytes.ts';
import type { CodecsExports } from '../engine/generated/contract.ts';
import {
  GZIP_TRAILER_BYTES,
  STREAM_STATE,
  STREAM_STATE_BYTES,
  ZLIB_TRAILER_BYTES,
} from '../engine/generated/layout.ts';
import type { Job } from './codecs.ts';
import { gzipCapacity } from './compress.ts';
import type { Encoding } from './encoding.ts';

/**
 * What streams compress at a time, and keep. Matches do not reach from one piece into another: of
 * telemetry that makes 0.2 to 1.4 % more bytes than in one call, twice as many with half of this.
 */
export const PIECE_BYTES = 512 * 1024;

/** A format that the binary `codecs` writes. */
export interface Format {
  /** Most that `length` bytes become, in one call or as a stream that is not flushed. */
  worstCase(length: number): number;
  /** Compresses all there is; returns the number of bytes written, or a negative status. */
  whole(level: number, job: Job): number;
  /**
   * Begins a stream: the function returned compresses its next piece.
   *
   * @param total bytes that will come, where that is known.
   */
  stream(level: number, total?: number): (job: Job, final: boolean) => number;
}

/** What stands around DEFLATE. */
interface Wrapper {
  /** Writes it at `dst`; returns its length. */
  header(kernels: CodecsExports, level: number, dst: number): number;
  /** Of nothing. */
  readonly seed: number;
  checksum(kernels: CodecsExports, before: number, src: number, length: number): number;
  /** @param end of all that was compressed: its checksum and its length, and where the trailer goes. */
  trailer(kernels: CodecsExports, end: End): number;
  readonly trailerBytes: number;
}

interface End {
  readonly checksum: number;
  readonly length: number;
  readonly dst: number;
}

/** RFC 1952. */
const GZIP: Wrapper = {
  header: (kernels, level, dst) => kernels.gzipStart(level, dst),
  seed: 0,
  checksum: (kernels, before, src, length) => kernels.crc32(before, src, length),
  trailer: (kernels, { checksum, length, dst }) => kernels.gzipEnd(checksum, length, dst),
  trailerBytes: GZIP_TRAILER_BYTES,
};

/** RFC 1950. */
const ZLIB: Wrapper = {
  header: (kernels, level, dst) => kernels.zlibStart(level, dst),
  seed: 1,
  checksum: (kernels, before, src, length) => kernels.adler32(before, src, length),
  trailer: (kernels, { checksum, dst }) => kernels.zlibEnd(checksum, dst),
  trailerBytes: ZLIB_TRAILER_BYTES,
};

/** RFC 1951 alone. */
const RAW: Wrapper = {
  header: () => 0,
  seed: 0,
  checksum: () => 0,
  trailer: () => 0,
  trailerBytes: 0,
};

/** A piece ends where a byte does, and no match reaches behind it: pieces follow one another. */
function deflated(wrapper: Wrapper, whole: Format['whole']): Format {
  return {
    worstCase: gzipCapacity,
    whole,
    stream(level) {
      let begun = false;
      let checksum = wrapper.seed;
      let total = 0;
      return ({ kernels, src, length, dst, capacity }, final) => {
        const at = dst + (begun ? 0 : wrapper.header(kernels, level, dst));
        begun = true;
        checksum = wrapper.checksum(kernels, checksum, src, length);
        total += length;
        const room = dst + capacity - wrapper.trailerBytes - at;
        const written = kernels.deflateBlocks(level, src, length, at, room, final ? 1 : 0);
        if (written < 0) return written;
        const end = at + written;
        const trailer = final ? wrapper.trailer(kernels, { checksum, length: total, dst: end }) : 0;
        return end + trailer - dst;
      };
    },
  };
}

/** Streams of which the kernels keep something in STREAM_STATE from one piece to the next. */
function kept(
  begin: (kernels: CodecsExports, level: number, dst: number) => number,
  piece: (level: number, job: Job, final: number) => number,
): Format['stream'] {
  return (level) => {
    let state: Uint8Array | undefined;
    return (job, final) => {
      const { kernels, memory, dst, capacity } = job;
      let header = 0;
      if (state === undefined) header = begin(kernels, level, dst);
      else memory.set(state, STREAM_STATE);
      const rest = { ...job, dst: dst + header, capacity: capacity - header };
      const written = piece(level, rest, final ? 1 : 0);
      state = memory.slice(STREAM_STATE, STREAM_STATE + STREAM_STATE_BYTES);
      return written < 0 ? written : header + written;
    };
  };
}

const gzip = deflated(GZIP, (level, { kernels, src, length, dst, capacity }) =>
  kernels.gzip(level, src, length, dst, capacity),
);

const zlib = deflated(ZLIB, (level, { kernels, src, length, dst, capacity }) =>
  kernels.zlib(level, src, length, dst, capacity),
);

const deflateRaw = deflated(RAW, (level, { kernels, src, length, dst, capacity }) =>
  kernels.deflate(level, src, length, dst, capacity),
);

const zstd: Format = {
  worstCase: (length) => length + 3 * Math.ceil(length / 131072) + 64,
  whole: (level, { kernels, src, length, dst, capacity }) =>
    kernels.zstd(level, src, length, dst, capacity),
  stream: kept(
    (kernels, level, dst) => kernels.zstdStart(level, dst),
    (level, { kernels, src, length, dst, capacity }, final) =>
      kernels.zstdBlocks(level, src, length, dst, capacity, final),
  ),
};

const lz4: Format = {
  worstCase: (length) => length + 4 * Math.ceil(length / PIECE_BYTES) + 23,
  whole: (_level, { kernels, src, length, dst, capacity }) =>
    kernels.lz4(src, length, dst, capacity),
  stream: kept(
    (kernels, _level, dst) => kernels.lz4Start(dst),
    (_level, { kernels, src, length, dst, capacity }, final) =>
      kernels.lz4Blocks(src, length, dst, capacity, final),
  ),
};

const snappyFramed: Format = {
  worstCase: (length) => length + 8 * Math.ceil(length / 65536) + 10,
  whole: (_level, { kernels, src, length, dst, capacity }) =>
    kernels.snappyFramed(src, length, dst, capacity),
  stream: kept(
    (kernels, _level, dst) => kernels.snappyStart(dst),
    (_level, { kernels, src, length, dst, capacity }) =>
      kernels.snappyChunks(src, length, dst, capacity),
  ),
};

/** The length in front, which nothing can be before (snappy: format_description.txt, 1). */
function preamble(length: number): number[] {
  const bytes: number[] = [];
  pushVarint(bytes, length);
  return bytes;
}

const snappy: Format = {
  worstCase: (length) => length + Math.ceil(length / 64) + 16,
  whole: (_level, { kernels, src, length, dst, capacity }) =>
    kernels.snappy(src, length, dst, capacity),
  // What stands behind the length reaches back by offsets alone, so that pieces follow one another.
  stream(_level, total) {
    if (total === undefined) throw new Error('the length of all of it comes first');
    let header = preamble(total);
    return ({ kernels, memory, src, length, dst, capacity }) => {
      const written = kernels.snappy(src, length, dst, capacity);
      if (written < 0) return written;
      // bounds: at most four bytes further than the kernel, which the overshoot covers.
      const from = dst + preamble(length).length;
      const to = dst + header.length;
      memory.copyWithin(to, from, dst + written);
      memory.set(header, dst);
      header = [];
      return to + written - from;
    };
  },
};

/** What the binary writes, by the names of encodings. */
export const FORMATS: ReadonlyMap<string, Format> = new Map<Encoding, Format>([
  ['gzip', gzip],
  ['deflate', zlib],
  ['zlib', zlib],
  ['deflate-raw', deflateRaw],
  ['zstd', zstd],
  ['lz4', lz4],
  ['snappy', snappy],
  ['x-snappy-framed', snappyFramed],
]);
