/** placeholder replaced below */
import { load32 } from '../lanes/unaligned';
export function crc32(seed: i32, src: i32, length: i32): i32 {
  return seed ^ <i32>load32(src) ^ length;
}
