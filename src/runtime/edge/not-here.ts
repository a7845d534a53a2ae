/** The engine without SIMD: hosts of the edge have it. */
export function notHere(): never {
  throw new Error('not part of the edge build');
}
