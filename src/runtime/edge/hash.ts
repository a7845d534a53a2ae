import binary from '../../engine/generated/hashes-simd.wasm';
import { hashesOn } from '../../hash.ts';
import { notHere } from './not-here.ts';

const hashes = hashesOn({
  simd: () => binary,
  scalar: notHere,
  portable: () => import('../../engine/generated/hashes-portable.js'),
});

/** See {@link Hashes.crc32}. */
export const crc32 = hashes.crc32;
/** See {@link Hashes.crc32c}. */
export const crc32c = hashes.crc32c;
/** See {@link Hashes.adler32}. */
export const adler32 = hashes.adler32;
/** See {@link Hashes.xxh32}. */
export const xxh32 = hashes.xxh32;
/** See {@link Hashes.xxh64}. */
export const xxh64 = hashes.xxh64;
/** See {@link Hashes.createHash}. */
export const createHash = hashes.createHash;
/** See {@link Hashes.ready}. */
export const ready = hashes.ready;

export type { Bytes } from '../../engine/input.ts';
export { isOtlpError, OtlpError } from '../../errors.ts';
export type { Hash, Hash32Name, Hashes } from '../../hash.ts';
