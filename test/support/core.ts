import type { CoreExports } from '../../src/engine/generated/contract.ts';
import { coreBinary as scalarBinary } from '../../src/engine/generated/core-scalar.ts';
import { coreBinary as simdBinary } from '../../src/engine/generated/core-simd.ts';

/** A core binary on a memory of its own, for tests that call kernels directly. */
export interface CoreEngine {
  readonly name: 'simd' | 'scalar';
  readonly exports: CoreExports;
  readonly memory: WebAssembly.Memory;
}

const PAGES = 512;

/** Both binaries, each with 32 MiB of fresh memory. */
export function coreEngines(): CoreEngine[] {
  const make = (name: CoreEngine['name'], binary: string): CoreEngine => {
    const memory = new WebAssembly.Memory({ initial: PAGES, maximum: 65535 });
    const module = new WebAssembly.Module(Buffer.from(binary, 'hex'));
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    return { name, memory, exports: exports as unknown as CoreExports };
  };
  return [make('simd', simdBinary), make('scalar', scalarBinary)];
}
