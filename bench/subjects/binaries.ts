/** The binaries besides the core on one engine, for subjects that call kernels themselves. */

import { type Binary, selectBinary } from '../../src/engine/binary.ts';
import type { CodecsExports, HashesExports } from '../../src/engine/generated/contract.ts';
import { bytesOf } from '../../src/engine/hex.ts';
import type { EngineName, EngineSources } from '../../src/engine/select.ts';

const CODECS: EngineSources<CodecsExports> = {
  simd: async () =>
    bytesOf((await import('../../src/engine/generated/codecs-simd.ts')).codecsBinary),
  scalar: async () =>
    bytesOf((await import('../../src/engine/generated/codecs-scalar.ts')).codecsBinary),
  portable: () => import('../../src/engine/generated/codecs-portable.js'),
};

const HASHES: EngineSources<HashesExports> = {
  simd: async () =>
    bytesOf((await import('../../src/engine/generated/hashes-simd.ts')).hashesBinary),
  scalar: async () =>
    bytesOf((await import('../../src/engine/generated/hashes-scalar.ts')).hashesBinary),
  portable: () => import('../../src/engine/generated/hashes-portable.js'),
};

function refused(): never {
  throw new Error('not the one that is measured');
}

const NONE = { simd: refused, scalar: refused, portable: refused };

/** An instance of `codecs` with `bytes` of memory. */
export async function codecsOn(engine: EngineName, bytes: number): Promise<Binary<CodecsExports>> {
  return await selectBinary({ ...NONE, [engine]: CODECS[engine] }, bytes);
}

/** An instance of `hashes` with `bytes` of memory. */
export async function hashesOn(engine: EngineName, bytes: number): Promise<Binary<HashesExports>> {
  return await selectBinary({ ...NONE, [engine]: HASHES[engine] }, bytes);
}
