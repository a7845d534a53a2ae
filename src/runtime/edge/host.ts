import { cloudflareDetector } from '../../api/resource/detectors/cloudflare.ts';
import core from '../../engine/generated/core-simd.wasm';
import type { Host } from '../host.ts';
import { webHost } from '../web/host.ts';
import { edgeContext } from './context.ts';

/** Edge workers (workerd): they take WebAssembly only as a module that is imported statically. */
export const host: Host = webHost({
  name: 'workerd',
  detectors: [cloudflareDetector],
  contextManager: edgeContext,
  engines: {
    simd: () => core,
    scalar: () => {
      throw new Error('not part of the edge build');
    },
    portable: () => import('../../engine/generated/core-portable.js'),
  },
});
