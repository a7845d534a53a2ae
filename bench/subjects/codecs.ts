/**
 * Kernels of the binary `codecs` as subjects: over the engine's memory, where an encoded request
 * already is, and with the copy out of it that everybody makes who sends it.
 */

import { CODECS_END, OVERSHOOT_BYTES } from '../../src/engine/generated/layout.ts';
import type { EngineName } from '../../src/engine/select.ts';
import type { Format } from '../../test/support/compressors.ts';
import { codecsOn } from './binaries.ts';

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
  const { exports: codecs, buffer } = await codecsOn(engine, dst + capacity + OVERSHOOT_BYTES);
  const memory = new Uint8Array(buffer);
  memory.set(input, src);
  const span = { src, length: input.length, dst, capacity };
  return () => {
    const length = format.compress(codecs, level, span);
    if (length < 0) throw new Error(`${format.name}: status ${length}`);
    return memory.slice(dst, dst + length);
  };
}
