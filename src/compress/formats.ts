/** What is around and between the kernels' output in each format, whole or as a stream. */

import { pushVarint } from '../codec/bytes.ts';
import type { CodecsExports } from '../engine/generated/contract.ts';
import { STREAM_STATE, STREAM_STATE_BYTES } from '../engine/generated/layout.ts';
import type { Job } from './codecs.ts';

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
  header(level: number): readonly number[];
  /** Of nothing. */
  readonly seed: number;
  checksum(kernels: CodecsExports, before: number, src: number, length: number): number;
  /** @param length of all that was compressed. */
  trailer(checksum: number, length: number): readonly number[];
  readonly trailerBytes: number;
}

function littleEndian(value: number): number[] {
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
}

/** RFC 1952: no name, no time; extra flags 4 for the fastest, 2 for the best; system unknown. */
const GZIP: Wrapper = {
  header: (level) => [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, [0, 4, 0, 2][level]!, 255],
  seed: 0,
  checksum: (kernels, before, src, length) => kernels.crc32(before, src, length),
  trailer: (checksum, length) => [...littleEndian(checksum), ...littleEndian(length % 2 ** 32)],
  trailerBytes: 8,
};

/** RFC 1950: a window of 32 KiB; the level is told, in what makes both bytes a multiple of 31. */
const ZLIB: Wrapper = {
  header: (level) => [0x78, [0, 0x01, 0x9c, 0xda][level]!],
  seed: 1,
  checksum: (kernels, before, src, length) => kernels.adler32(before, src, length),
  trailer: (checksum) => littleEndian(checksum).reverse(),
  trailerBytes: 4,
};

/** RFC 1951 alone. */
const RAW: Wrapper = {
  header: () => [],
  seed: 0,
  checksum: () => 0,
  trailer: () => [],
  trailerBytes: 0,
};

/** A piece ends where a byte does, and no match reaches behind it: pieces follow one another. */
function deflated(wrapper: Wrapper, whole: Format['whole']): Format {
  return {
    worstCase: (length) => length + 5 * Math.ceil(length / 32768) + 64,
    whole,
    stream(level) {
      let header = wrapper.header(level);
      let checksum = wrapper.seed;
      let total = 0;
      return ({ kernels, memory, src, length, dst, capacity }, final) => {
        memory.set(header, dst);
        const at = dst + header.length;
        header = [];
        checksum = wrapper.checksum(kernels, checksum, src, length);
        total += length;
        const room = dst + capacity - wrapper.trailerBytes - at;
        const written = kernels.deflateBlocks(level, src, length, at, room, final ? 1 : 0);
        if (written < 0) return written;
        const trailer = final ? wrapper.trailer(checksum, total) : [];
        memory.set(trailer, at + written);
        return at + written + trailer.length - dst;
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

export const gzip = deflated(GZIP, (level, { kernels, src, length, dst, capacity }) =>
  kernels.gzip(level, src, length, dst, capacity),
);

export const zlib = deflated(ZLIB, (level, { kernels, src, length, dst, capacity }) =>
  kernels.zlib(level, src, length, dst, capacity),
);

export const deflateRaw = deflated(RAW, (level, { kernels, src, length, dst, capacity }) =>
  kernels.deflate(level, src, length, dst, capacity),
);

export const zstd: Format = {
  worstCase: (length) => length + 3 * Math.ceil(length / 131072) + 64,
  whole: (level, { kernels, src, length, dst, capacity }) =>
    kernels.zstd(level, src, length, dst, capacity),
  stream: kept(
    (kernels, level, dst) => kernels.zstdStart(level, dst),
    (level, { kernels, src, length, dst, capacity }, final) =>
      kernels.zstdBlocks(level, src, length, dst, capacity, final),
  ),
};

export const lz4: Format = {
  worstCase: (length) => length + 4 * Math.ceil(length / PIECE_BYTES) + 23,
  whole: (_level, { kernels, src, length, dst, capacity }) =>
    kernels.lz4(src, length, dst, capacity),
  stream: kept(
    (kernels, _level, dst) => kernels.lz4Start(dst),
    (_level, { kernels, src, length, dst, capacity }, final) =>
      kernels.lz4Blocks(src, length, dst, capacity, final),
  ),
};

export const snappyFramed: Format = {
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

export const snappy: Format = {
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
