import { common32 } from '../lanes/index';

/**
 * How many bytes at a and b agree, at most `longest`.
 *
 * bounds: reads 32 bytes at a time and starts below a + longest: within the overshoot.
 */
// @ts-ignore: decorator
@inline
export function commonLength(a: i32, b: i32, longest: i32): i32 {
  let length = common32(a, b);
  if (length == 32) {
    let more = 32;
    while (more == 32 && length < longest) {
      more = common32(a + length, b + length);
      length += more;
    }
  }
  return min(length, longest);
}
