import { inlinedHashes } from '../../engine/inlined-hashes.ts';
import { hashesOn } from '../../hash.ts';

// Documented where declarations come from: ../node/hash.ts.
export const { crc32, crc32c, adler32, xxh32, xxh64, createHash, ready } = hashesOn(inlinedHashes);

export { isOtlpError, OtlpError } from '../../errors.ts';
