/** What of the checkout the compression suite needs, for run.mjs, which bundles it. */

import type { CodecsExports, HashesExports } from '../../src/engine/generated/contract.ts';
import { OVERSHOOT_BYTES, STREAM_DIGEST } from '../../src/engine/generated/layout.ts';
import { type Binary, codecsBinaries, FREE, hashesBinaries } from '../support/binaries.ts';
import { FORMATS, type Format } from '../support/compressors.ts';
import { randomFrom, type SeededRandom } from '../support/random.ts';

export { groups } from './inputs.ts';
export { FORMATS, randomFrom };

const SRC = FREE + OVERSHOOT_BYTES;
const LARGEST = 13 << 20;

/** A format on one engine. */
export function compress(
  { exports, buffer }: Binary<CodecsExports>,
  format: Format,
  level: number,
  input: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(buffer);
  const { length } = input;
  bytes.set(input, SRC);
  const dst = SRC + length + OVERSHOOT_BYTES;
  const capacity = format.bound(length);
  const written = format.compress(exports, level, { src: SRC, length, dst, capacity });
  if (written < 0 || written > capacity) {
    throw new Error(`answers ${written} for ${length} bytes and a room of ${capacity}`);
  }
  return bytes.slice(dst, dst + written);
}

export const engines = () => codecsBinaries(LARGEST + Math.ceil(LARGEST * 1.2));

/** Each hash on one engine: its digest, big endian. */
export const HASHES: Readonly<
  Record<string, (hashes: Binary<HashesExports>, input: Uint8Array, seed: number) => string>
> = {
  adler32: word((exports, length) => exports.adler32(1, SRC, length)),
  crc32: word((exports, length) => exports.crc32(0, SRC, length)),
  crc32c: word((exports, length) => exports.crc32c(0, SRC, length)),
  xxh32: word((exports, length, seed) => exports.xxh32(seed, SRC, length)),
  xxh64: (binary, input, seed) => {
    new Uint8Array(binary.buffer).set(input, SRC);
    binary.exports.xxh64(seed, 0, SRC, input.length);
    return new DataView(binary.buffer)
      .getBigUint64(STREAM_DIGEST, true)
      .toString(16)
      .padStart(16, '0');
  },
};

function word(sum: (exports: HashesExports, length: number, seed: number) => number) {
  return ({ exports, buffer }: Binary<HashesExports>, input: Uint8Array, seed: number) => {
    new Uint8Array(buffer).set(input, SRC);
    return (sum(exports, input.length, seed) >>> 0).toString(16).padStart(8, '0');
  };
}

export const hashEngines = () => hashesBinaries(LARGEST);

/** Cuts at random places; some pieces are empty. */
export function cut(random: SeededRandom, input: Uint8Array): readonly Uint8Array[] {
  const pieces: Uint8Array[] = [];
  const bits = 1 + random.below(22);
  for (let at = 0; at < input.length; ) {
    const most = pieces.length > 200 ? input.length : 2 ** bits;
    const length = random.below(20) === 0 ? 0 : 1 + random.below(most);
    pieces.push(input.subarray(at, at + length));
    at += length;
  }
  return pieces;
}
