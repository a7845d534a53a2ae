import binary from '../../engine/generated/hashes-simd.wasm';
import { hashesOn } from '../../hash.ts';
import { notHere } from './not-here.ts';

// Documented where declarations come from: ../node/hash.ts.
export const { crc32, crc32c, adler32, xxh32, xxh64, createHash, ready } = hashesOn({
  simd: () => binary,
  scalar: notHere,
  portable: () => import('../../engine/generated/hashes-portable.js'),
});

export { isOtlpError, OtlpError } from '../../errors.ts';
