/** Kernels of the binary `hashes` as subjects: over the engine's memory, where the bytes are. */

import type { HashesExports } from '../../src/engine/generated/contract.ts';
import { CODECS_END, OVERSHOOT_BYTES, STREAM_DIGEST } from '../../src/engine/generated/layout.ts';
import type { EngineName } from '../../src/engine/select.ts';
import type { HashName } from '../rivals/hashes.mjs';
import { hashesOn } from './binaries.ts';

/** `input` stands in the engine's memory from now on; the function returned hashes it. */
export async function hasher(
  engine: EngineName,
  name: HashName,
  input: Uint8Array,
): Promise<() => number | bigint> {
  const { exports, buffer } = await hashesOn(engine, CODECS_END + input.length + OVERSHOOT_BYTES);
  new Uint8Array(buffer).set(input, CODECS_END);
  return kernel(name, exports, new DataView(buffer), input.length);
}

function kernel(
  name: HashName,
  hashes: HashesExports,
  view: DataView,
  length: number,
): () => number | bigint {
  switch (name) {
    case 'xxh64':
      return () => {
        hashes.xxh64(0, 0, CODECS_END, length);
        return view.getBigUint64(STREAM_DIGEST, true);
      };
    case 'adler32':
      return () => hashes.adler32(1, CODECS_END, length) >>> 0;
    case 'xxh32':
      return () => hashes.xxh32(0, CODECS_END, length) >>> 0;
    case 'crc32':
      return () => hashes.crc32(0, CODECS_END, length) >>> 0;
    case 'crc32c':
      return () => hashes.crc32c(0, CODECS_END, length) >>> 0;
  }
}
