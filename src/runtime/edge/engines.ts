import core from '../../engine/generated/core-simd.wasm';
import type { EngineSources } from '../../engine/select.ts';

/** WebAssembly only as a module that is imported statically; the other engine where it is refused. */
export const engines: EngineSources = {
  simd: () => core,
  scalar: () => {
    throw new Error('not part of the edge build');
  },
  portable: () => import('../../engine/generated/core-portable.js'),
};
