/** The binaries `codecs` and `hashes` on each engine, for tests that call kernels directly. */

import * as portableCodecs from '../../src/engine/generated/codecs-portable.js';
import { codecsBinary as scalarCodecs } from '../../src/engine/generated/codecs-scalar.ts';
import { codecsBinary as simdCodecs } from '../../src/engine/generated/codecs-simd.ts';
import type { CodecsExports, HashesExports } from '../../src/engine/generated/contract.ts';
import * as portableHashes from '../../src/engine/generated/hashes-portable.js';
import { hashesBinary as scalarHashes } from '../../src/engine/generated/hashes-scalar.ts';
import { hashesBinary as simdHashes } from '../../src/engine/generated/hashes-simd.ts';
import { CODECS_END, OVERSHOOT_BYTES } from '../../src/engine/generated/layout.ts';
import type { EngineName } from '../../src/engine/select.ts';

/** A binary on a memory of its own. */
export interface Binary<Exports> {
  readonly engine: EngineName;
  readonly exports: Exports;
  readonly buffer: ArrayBuffer;
}

interface Portable<Exports> {
  instantiate(imports: { env: { memory: { buffer: ArrayBuffer } } }): Exports;
}

const PAGE_BYTES = 65536;

function onEach<Exports>(
  simd: string,
  scalar: string,
  portable: Portable<Exports>,
  memoryBytes: number,
): readonly Binary<Exports>[] {
  const pages = Math.ceil(memoryBytes / PAGE_BYTES);
  const wasm = (engine: EngineName, hex: string): Binary<Exports> => {
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const module = new WebAssembly.Module(Buffer.from(hex, 'hex'));
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    return { engine, exports: exports as unknown as Exports, buffer: memory.buffer };
  };
  const buffer = new ArrayBuffer(pages * PAGE_BYTES);
  const exports = portable.instantiate({ env: { memory: { buffer } } });
  return [wasm('simd', simd), wasm('scalar', scalar), { engine: 'portable', exports, buffer }];
}

/** `codecs` on each engine, with `freeBytes` of memory from {@link FREE} on. */
export function codecsBinaries(freeBytes: number): readonly Binary<CodecsExports>[] {
  return onEach(simdCodecs, scalarCodecs, portableCodecs, FREE + freeBytes + OVERSHOOT_BYTES);
}

/** `hashes` on each engine, with `freeBytes` of memory from {@link FREE} on. */
export function hashesBinaries(freeBytes: number): readonly Binary<HashesExports>[] {
  return onEach(simdHashes, scalarHashes, portableHashes, FREE + freeBytes + OVERSHOOT_BYTES);
}

/** Where memory begins that no binary keeps for itself. */
export const FREE = CODECS_END;
