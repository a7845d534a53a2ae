/** The hashes as their specifications define them, as plainly and slowly as can be. */

/** A reflected CRC, bit by bit. */
export function naiveCrc(polynomial: number, bytes: Uint8Array, seed = 0): number {
  let crc = ~seed;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? polynomial : 0);
  }
  return ~crc >>> 0;
}

/** RFC 1950, 8.2, with a remainder at every byte. */
export function naiveAdler32(bytes: Uint8Array, seed = 1): number {
  let a = seed % 65536;
  let b = Math.floor(seed / 65536);
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return b * 65536 + a;
}

interface Xxh {
  readonly bits: number;
  readonly primes: readonly [bigint, bigint, bigint, bigint, bigint];
  readonly rotation: number;
  readonly merge: readonly [number, number, number, number];
  readonly avalanche: readonly [bigint, bigint, bigint];
}

function naiveXxh(variant: Xxh, bytes: Uint8Array, seed: bigint, length: bigint): bigint {
  const { bits, rotation, merge, avalanche } = variant;
  const [p1, p2, p3, p4, p5] = variant.primes;
  const wrap = (value: bigint) => BigInt.asUintN(bits, value);
  const rotate = (value: bigint, by: number) =>
    wrap((value << BigInt(by)) | (wrap(value) >> BigInt(bits - by)));
  const word = (at: number, size: number) => {
    let value = 0n;
    for (let i = 0; i < size; i++) value |= BigInt(bytes[at + i]!) << BigInt(8 * i);
    return value;
  };
  const round = (sum: bigint, input: bigint) => wrap(rotate(wrap(sum + input * p2), rotation) * p1);
  const size = bits / 8;
  let at = 0;
  let hash: bigint;
  if (bytes.length >= 4 * size) {
    const sums = [seed + p1 + p2, seed + p2, seed, seed - p1].map(wrap);
    for (; at + 4 * size <= bytes.length; at += 4 * size) {
      for (let i = 0; i < 4; i++) sums[i] = round(sums[i]!, word(at + i * size, size));
    }
    hash = wrap(sums.reduce((total, sum, i) => total + rotate(sum, merge[i]!), 0n));
    if (bits === 64) for (const sum of sums) hash = wrap((hash ^ round(0n, sum)) * p1 + p4);
  } else {
    hash = wrap(seed + p5);
  }
  hash = wrap(hash + length);
  if (bits === 64) {
    for (; at + 8 <= bytes.length; at += 8) {
      hash = wrap(rotate(hash ^ round(0n, word(at, 8)), 27) * p1 + p4);
    }
    if (at + 4 <= bytes.length) {
      hash = wrap(rotate(hash ^ wrap(word(at, 4) * p1), 23) * p2 + p3);
      at += 4;
    }
  } else {
    for (; at + 4 <= bytes.length; at += 4) {
      hash = wrap(rotate(wrap(hash + word(at, 4) * p3), 17) * p4);
    }
  }
  for (; at < bytes.length; at++) {
    const input = BigInt(bytes[at]!) * p5;
    hash = wrap(rotate(bits === 64 ? hash ^ wrap(input) : wrap(hash + input), 11) * p1);
  }
  hash = wrap((hash ^ (hash >> avalanche[0])) * p2);
  hash = wrap((hash ^ (hash >> avalanche[1])) * p3);
  return hash ^ (hash >> avalanche[2]);
}

const XXH32: Xxh = {
  bits: 32,
  primes: [0x9e3779b1n, 0x85ebca77n, 0xc2b2ae3dn, 0x27d4eb2fn, 0x165667b1n],
  rotation: 13,
  merge: [1, 7, 12, 18],
  avalanche: [15n, 13n, 16n],
};

const XXH64: Xxh = {
  bits: 64,
  primes: [
    0x9e3779b185ebca87n,
    0xc2b2ae3d27d4eb4fn,
    0x165667b19e3779f9n,
    0x85ebca77c2b2ae63n,
    0x27d4eb2f165667c5n,
  ],
  rotation: 31,
  merge: [1, 7, 12, 18],
  avalanche: [33n, 29n, 32n],
};

/**
 * xxHash specification 0.1.1, "XXH32 algorithm".
 *
 * @param length of an input that leaves the same sums and the same rest; by default that of `bytes`.
 */
export function naiveXxh32(bytes: Uint8Array, seed = 0, length = bytes.length): number {
  return Number(naiveXxh(XXH32, bytes, BigInt(seed), BigInt(length)));
}

/** xxHash specification 0.1.1, "XXH64 algorithm". As {@link naiveXxh32}. */
export function naiveXxh64(bytes: Uint8Array, seed = 0n, length = bytes.length): bigint {
  return naiveXxh(XXH64, bytes, seed, BigInt(length));
}
