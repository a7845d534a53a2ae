import type { HashesExports } from './generated/contract.ts';
import { hashesBinary as simd } from './generated/hashes-simd.ts';
import { bytesOf } from './hex.ts';
import type { EngineSources } from './select.ts';

/** The binary `hashes` as `inlined.ts` has the core. */
export const inlinedHashes: EngineSources<HashesExports> = {
  simd: () => bytesOf(simd),
  scalar: async () => bytesOf((await import('./generated/hashes-scalar.ts')).hashesBinary),
  portable: () => import('./generated/hashes-portable.js'),
};
