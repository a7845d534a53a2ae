/** What `otlp-wasm/hash` has on every host: checksums and hashes of bytes, at once or as streams. */

import { type Binary, onFirstUse, selectBinary } from './engine/binary.ts';
import type { HashesExports } from './engine/generated/contract.ts';
import {
  CODECS_WORK,
  OVERSHOOT_BYTES,
  STREAM_DIGEST,
  STREAM_STATE,
  STREAM_STATE_BYTES,
} from './engine/generated/layout.ts';
import { type Bytes, inputOf } from './engine/input.ts';
import type { EngineSources } from './engine/select.ts';
import type { OtlpError } from './errors.ts';
import { invalid, shown } from './options/checks.ts';

/** The hashes whose digests are numbers, unsigned and of 32 bits. */
export type Hash32Name = 'crc32' | 'crc32c' | 'adler32' | 'xxh32';

/** A hash of bytes that come in pieces. Several may be open at once. */
export interface Hash<Digest extends number | bigint> {
  /**
   * The next bytes; read during the call, not kept.
   *
   * @returns this hash.
   * @throws OtlpError `invalid_data` when `bytes` are none.
   */
  update(bytes: Bytes): this;
  /** The hash of all bytes so far, unsigned. More may follow. */
  digest(): Digest;
}

/** The functions of `otlp-wasm/hash`. */
export interface Hashes {
  /**
   * CRC-32 as in gzip, zip and PNG (RFC 1952, 8).
   *
   * @param bytes of any length; read during the call.
   * @param seed the CRC-32 of the bytes before these. Default 0: there are none.
   * @returns an integer from 0 to 2^32 - 1.
   * @throws OtlpError `invalid_data` when `bytes` are none, `invalid_option` when `seed` is no
   *   integer from 0 to 2^32 - 1, `engine_unavailable` where `ready()` must be awaited and was not.
   */
  crc32(bytes: Bytes, seed?: number): number;
  /** CRC-32C (Castagnoli) as in iSCSI and framed snappy (RFC 3720, 12.1). As {@link Hashes.crc32}. */
  crc32c(bytes: Bytes, seed?: number): number;
  /** Adler-32 as in zlib (RFC 1950, 8). As {@link Hashes.crc32}, but for `seed`, by default 1. */
  adler32(bytes: Bytes, seed?: number): number;
  /**
   * XXH32 (xxHash specification 0.1.1). As {@link Hashes.crc32}, but `seed`, an integer from 0 to
   * 2^32 - 1 and by default 0, is part of the hash; for bytes that come in pieces:
   * {@link Hashes.createHash}.
   */
  xxh32(bytes: Bytes, seed?: number): number;
  /**
   * XXH64 (xxHash specification 0.1.1). As {@link Hashes.xxh32}, but seed, by default 0n, and hash
   * are bigints from 0n to 2n ** 64n - 1n.
   */
  xxh64(bytes: Bytes, seed?: bigint): bigint;
  /**
   * A hash of bytes that come in pieces.
   *
   * @param name of the function whose digest it has.
   * @param seed as of that function.
   * @throws OtlpError `invalid_option` when there is no such hash or `seed` is none for it,
   *   `engine_unavailable` as the functions do.
   */
  createHash(name: 'xxh64', seed?: bigint): Hash<bigint>;
  createHash(name: Hash32Name, seed?: number): Hash<number>;
  /**
   * Resolves when the other functions can be called. They can at once, except where a host has
   * no SIMD WebAssembly, or refuses all of it (a page whose Content-Security-Policy has no
   * `wasm-unsafe-eval`), and has to load another engine. Rejects with an OtlpError
   * `engine_unavailable` when no engine can be had.
   */
  ready(): Promise<void>;
}

/** Longer input is copied in and hashed piece by piece, in memory that stays in the cache. */
const PIECE_BYTES = 256 * 1024;
const INPUT = CODECS_WORK;
const MEMORY_BYTES = INPUT + PIECE_BYTES + OVERSHOOT_BYTES;

/** The binary and what is read and written in its memory. */
interface Opened {
  readonly exports: HashesExports;
  readonly memory: Uint8Array<ArrayBuffer>;
  readonly state: Uint8Array<ArrayBuffer>;
  readonly digest64: BigUint64Array<ArrayBuffer>;
}

function opened({ exports, buffer }: Binary<HashesExports>): Opened {
  return {
    exports,
    memory: new Uint8Array(buffer),
    state: new Uint8Array(buffer, STREAM_STATE, STREAM_STATE_BYTES),
    digest64: new BigUint64Array(buffer, STREAM_DIGEST, 1),
  };
}

/** Those whose seed may be the digest of what came before. */
type ChecksumName = 'crc32' | 'crc32c' | 'adler32';

/** How one of the others is spoken to; it keeps more than a number between two pieces. */
interface Kernel<Digest extends number | bigint> {
  /** All there is. */
  whole(on: Opened, seed: Digest, length: number): Digest;
  start(on: Opened, seed: Digest): void;
  update(on: Opened, length: number): void;
  digest(on: Opened): Digest;
}

const XXH32: Kernel<number> = {
  whole: ({ exports }, seed, length) => exports.xxh32(seed, INPUT, length) >>> 0,
  start: ({ exports }, seed) => exports.xxh32Start(seed),
  update: ({ exports }, length) => exports.xxh32Update(INPUT, length),
  digest: ({ exports }) => exports.xxh32Digest() >>> 0,
};

const XXH64: Kernel<bigint> = {
  whole({ exports, digest64 }, seed, length) {
    exports.xxh64(lowOf(seed), highOf(seed), INPUT, length);
    return digest64[0]!;
  },
  start: ({ exports }, seed) => exports.xxh64Start(lowOf(seed), highOf(seed)),
  update: ({ exports }, length) => exports.xxh64Update(INPUT, length),
  digest({ exports, digest64 }) {
    exports.xxh64Digest();
    return digest64[0]!;
  },
};

/** @param sources where the host has the binary `hashes`; the first call picks one. */
export function hashesOn(sources: EngineSources<HashesExports>): Hashes {
  const binary = onFirstUse('otlp-wasm/hash', () => {
    const selected = selectBinary(sources, MEMORY_BYTES);
    return 'then' in selected ? selected.then(opened) : opened(selected);
  });

  function checksum(name: ChecksumName, given: Bytes, seed: number): number {
    const bytes = inputOf(given);
    const on = binary.now();
    let value = seed;
    inPieces(on, bytes, (length) => {
      value = on.exports[name](value, INPUT, length);
    });
    return value >>> 0;
  }

  function checksums(name: ChecksumName, seed: number): Hash<number> {
    binary.now();
    let value = seed;
    return {
      update(bytes) {
        value = checksum(name, bytes, value);
        return this;
      },
      digest: () => value,
    };
  }

  function hash<Digest extends number | bigint>(
    kernel: Kernel<Digest>,
    given: Bytes,
    seed: Digest,
  ): Digest {
    const bytes = inputOf(given);
    const on = binary.now();
    if (bytes.length <= PIECE_BYTES) {
      on.memory.set(bytes, INPUT);
      return kernel.whole(on, seed, bytes.length);
    }
    kernel.start(on, seed);
    inPieces(on, bytes, (length) => kernel.update(on, length));
    return kernel.digest(on);
  }

  /** Its state is put into the memory for the time of a call. */
  function stream<Digest extends number | bigint>(
    kernel: Kernel<Digest>,
    seed: Digest,
  ): Hash<Digest> {
    const on = binary.now();
    kernel.start(on, seed);
    const kept = on.state.slice();
    return {
      update(given) {
        const bytes = inputOf(given);
        on.state.set(kept);
        inPieces(on, bytes, (length) => kernel.update(on, length));
        kept.set(on.state);
        return this;
      },
      digest() {
        on.state.set(kept);
        return kernel.digest(on);
      },
    };
  }

  function createHash(name: 'xxh64', seed?: bigint): Hash<bigint>;
  function createHash(name: Hash32Name, seed?: number): Hash<number>;
  function createHash(name: string, seed?: number | bigint): Hash<number> | Hash<bigint> {
    switch (name) {
      case 'crc32':
      case 'crc32c':
        return checksums(name, seed32(seed, 0));
      case 'adler32':
        return checksums(name, seed32(seed, 1));
      case 'xxh32':
        return stream(XXH32, seed32(seed, 0));
      case 'xxh64':
        return stream(XXH64, seed64(seed));
      default:
        throw noSuchHash(name);
    }
  }

  return {
    crc32: (bytes, seed) => checksum('crc32', bytes, seed32(seed, 0)),
    crc32c: (bytes, seed) => checksum('crc32c', bytes, seed32(seed, 0)),
    adler32: (bytes, seed) => checksum('adler32', bytes, seed32(seed, 1)),
    xxh32: (bytes, seed) => hash(XXH32, bytes, seed32(seed, 0)),
    xxh64: (bytes, seed) => hash(XXH64, bytes, seed64(seed)),
    createHash,
    ready: binary.ready,
  };
}

/** Calls `take` with the length of each piece, once it stands at {@link INPUT}. */
function inPieces({ memory }: Opened, bytes: Uint8Array, take: (length: number) => void): void {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    const piece = bytes.length <= PIECE_BYTES ? bytes : bytes.subarray(at, at + PIECE_BYTES);
    memory.set(piece, INPUT);
    take(piece.length);
  }
}

function lowOf(seed: bigint): number {
  return seed === 0n ? 0 : Number(BigInt.asIntN(32, seed));
}

function highOf(seed: bigint): number {
  return seed === 0n ? 0 : Number(BigInt.asIntN(32, seed >> 32n));
}

function seed32(seed: unknown, usual: number): number {
  if (seed === undefined) return usual;
  if (Number.isInteger(seed) && (seed as number) >= 0 && (seed as number) < 2 ** 32) {
    return seed as number;
  }
  throw invalid(
    `seed is ${shown(seed)}; give a number, an integer from 0 to 2^32 - 1 ` +
      '(of a negative one: seed >>> 0).',
  );
}

function seed64(seed: unknown): bigint {
  if (seed === undefined) return 0n;
  if (typeof seed === 'bigint' && seed >= 0n && seed < 2n ** 64n) return seed;
  throw invalid(
    `seed is ${shown(seed)}; give a bigint from 0n to 2n ** 64n - 1n ` +
      '(of others: BigInt.asUintN(64, BigInt(seed))).',
  );
}

function noSuchHash(name: unknown): OtlpError {
  return invalid(
    `there is no hash ${shown(name)}; give 'crc32', 'crc32c', 'adler32', 'xxh32' or 'xxh64'.`,
  );
}
