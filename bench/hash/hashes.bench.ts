/**
 * Hashes of an OTLP request of 512 spans. Engines hash it where it is, as native zlib does;
 * `otlp-wasm/hash` copies it into its memory first, as the rivals in WebAssembly do.
 */

import assert from 'node:assert/strict';
import * as zlib from 'node:zlib';
import { otlpCorpus } from '../../test/support/otlp-corpora.ts';
import type { BenchCase, Prepared } from '../harness/case.ts';
import { present } from '../harness/case.ts';
import { type HashName, hashWasm, xxhashWasm } from '../rivals/hashes.mjs';
import { ENGINES } from '../subjects/engines.ts';
import { load } from '../subjects/load.ts';

const NAMES: readonly HashName[] = ['adler32', 'crc32', 'crc32c', 'xxh32', 'xxh64'];

export const cases: readonly BenchCase[] = NAMES.map((name) => ({
  name: `hash/${name}`,
  prepare: () => prepare(name),
}));

interface HashSubject {
  readonly name: string;
  run(): number | bigint | Uint8Array;
}

async function prepare(name: HashName): Promise<Prepared> {
  const input = otlpCorpus('traces', 512);
  const own = await Promise.all(
    ENGINES.map(async (engine) => {
      const { hasher } = await load('hashes', `${engine}-${name}`);
      return { name: `otlp-wasm/${engine}`, run: await hasher(engine, name, input) };
    }),
  );
  const { hash } = await load('entries', name);
  const theirs = await rivals(name, input);
  const subjects = [...own, { name: 'otlp-wasm/hash', run: hash(name, input) }, ...theirs];
  return {
    rivals: theirs.map((rival) => rival.name),
    work: { unit: 'MB/s', bytes: input.length },
    subjects,
    check() {
      // hash-wasm has all of them, and nothing of ours.
      const expected = numberOf(theirs.find((rival) => rival.name === 'hash-wasm')!.run());
      for (const { name, run } of subjects) assert.equal(numberOf(run()), expected, name);
    },
  };
}

async function rivals(name: HashName, input: Uint8Array): Promise<readonly HashSubject[]> {
  const hashed = await hashWasm(name);
  const xxhashed = name === 'xxh32' || name === 'xxh64' ? await xxhashWasm(name) : undefined;
  // Node.js 20.15 and 22.2 brought it.
  const { crc32 } = zlib as { crc32?: (bytes: Uint8Array) => number };
  return present([
    xxhashed && { name: 'xxhash-wasm', run: () => xxhashed(input) },
    name === 'crc32' && crc32 ? { name: 'zlib', run: () => crc32(input) } : undefined,
    { name: 'hash-wasm', run: () => hashed(input) },
  ]);
}

function numberOf(digest: number | bigint | Uint8Array): bigint {
  if (typeof digest !== 'object') return BigInt(digest);
  return BigInt(`0x${Buffer.from(digest).toString('hex')}`);
}
