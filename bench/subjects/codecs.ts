/**
 * Kernels of the binary `codecs` as subjects: over the engine's memory, where an encoded request
 * already is, and with the copy out of it that everybody makes who sends it.
 */

import type { CodecsExports } from '../../src/engine/generated/contract.ts';
import { CODECS_END, OVERSHOOT_BYTES } from '../../src/engine/generated/layout.ts';
import type { EngineName } from '../../src/engine/select.ts';
import type { Format } from '../../test/support/compressors.ts';

const PAGE_BYTES = 65536;

/** An instance of the binary with `bytes` of memory. */
async function codecsOn(engine: EngineName, bytes: number) {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  if (engine === 'portable') {
    const { instantiate } = await import('../../src/engine/generated/codecs-portable.js');
    const buffer = new ArrayBuffer(pages * PAGE_BYTES);
    return { codecs: instantiate({ env: { memory: { buffer } } }), buffer };
  }
  const { codecsBinary } =
    engine === 'simd'
      ? await import('../../src/engine/generated/codecs-simd.ts')
      : await import('../../src/engine/generated/codecs-scalar.ts');
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const module = new WebAssembly.Module(Buffer.from(codecsBinary, 'hex'));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return { codecs: exports as unknown as CodecsExports, buffer: memory.buffer };
}

/** `input` stands in the engine's memory from now on; the function returned compresses it. */
export async function compressor(
  engine: EngineName,
  format: Format,
  level: number,
  input: Uint8Array,
): Promise<() => Uint8Array> {
  const src = CODECS_END;
  const dst = (src + input.length + OVERSHOOT_BYTES + 15) & ~15;
  const capacity = format.bound(input.length);
  const { codecs, buffer } = await codecsOn(engine, dst + capacity + OVERSHOOT_BYTES);
  const memory = new Uint8Array(buffer);
  memory.set(input, src);
  const span = { src, length: input.length, dst, capacity };
  return () => {
    const length = format.compress(codecs, level, span);
    if (length < 0) throw new Error(`${format.name}: status ${length}`);
    return memory.slice(dst, dst + length);
  };
}
