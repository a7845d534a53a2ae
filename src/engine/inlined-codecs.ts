import { codecsBinary as simd } from './generated/codecs-simd.ts';
import type { CodecsExports } from './generated/contract.ts';
import { bytesOf } from './hex.ts';
import type { EngineSources } from './select.ts';

/** The binary `codecs` as `inlined.ts` has the core. */
export const inlinedCodecs: EngineSources<CodecsExports> = {
  simd: () => bytesOf(simd),
  scalar: async () => bytesOf((await import('./generated/codecs-scalar.ts')).codecsBinary),
  portable: () => import('./generated/codecs-portable.js'),
};
