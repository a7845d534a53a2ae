import core from '../../engine/generated/core-simd.wasm';
import type { EngineSources } from '../../engine/select.ts';
import { notHere } from './not-here.ts';

/** WebAssembly only as a module that is imported statically; the other engine where it is refused. */
export const engines: EngineSources = {
  simd: () => core,
  scalar: notHere,
  portable: () => import('../../engine/generated/core-portable.js'),
};
