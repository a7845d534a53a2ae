import { coreBinary as simd } from './generated/core-simd.ts';
import { bytesOf } from './hex.ts';
import type { EngineSources } from './select.ts';

/**
 * Engines of hosts that compile from bytes and load a part of a bundle when it is needed: the
 * fast one is inside, the others are for the few pages and machines that refuse it.
 */
export const inlinedEngines: EngineSources = {
  simd: () => bytesOf(simd),
  scalar: async () => bytesOf((await import('./generated/core-scalar.ts')).coreBinary),
  portable: () => import('./generated/core-portable.js'),
};
