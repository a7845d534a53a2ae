/**
 * What the binary `hashes` exports. Loaded when asked for.
 *
 * The stream of an XXH32 or XXH64 is the one in STREAM_STATE. 64 bits cross the border as two
 * halves, lower first; a digest of XXH64 stands at STREAM_DIGEST.
 */

import { xxh32Feed, xxh32Finish, xxh32Init, xxh32Of } from './hash/xxh32';
import { xxh64Feed, xxh64Finish, xxh64Init, xxh64Of } from './hash/xxh64';
import { STREAM_DIGEST, STREAM_STATE } from './memory';

export { adler32 } from './hash/adler32';
export { crc32 } from './hash/crc32';
export { crc32c } from './hash/crc32c';

export function xxh32(seed: i32, src: i32, length: i32): i32 {
  return xxh32Of(seed, src, length);
}

export function xxh32Start(seed: i32): void {
  xxh32Init(STREAM_STATE, seed);
}

export function xxh32Update(src: i32, length: i32): void {
  xxh32Feed(STREAM_STATE, src, length);
}

export function xxh32Digest(): i32 {
  return xxh32Finish(STREAM_STATE);
}

function seedOf(low: i32, high: i32): u64 {
  return <u64>(<u32>low) | ((<u64>(<u32>high)) << 32);
}

export function xxh64(seedLow: i32, seedHigh: i32, src: i32, length: i32): void {
  store<u64>(STREAM_DIGEST, xxh64Of(seedOf(seedLow, seedHigh), src, length));
}

export function xxh64Start(seedLow: i32, seedHigh: i32): void {
  xxh64Init(STREAM_STATE, seedOf(seedLow, seedHigh));
}

export function xxh64Update(src: i32, length: i32): void {
  xxh64Feed(STREAM_STATE, src, length);
}

export function xxh64Digest(): void {
  store<u64>(STREAM_DIGEST, xxh64Finish(STREAM_STATE));
}
