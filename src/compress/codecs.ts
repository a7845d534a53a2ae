import { type Binary, selectBinary } from '../engine/binary.ts';
import type { CodecsExports } from '../engine/generated/contract.ts';
import { CODECS_END, OVERSHOOT_BYTES } from '../engine/generated/layout.ts';
import type { EngineSources } from '../engine/select.ts';
import { OtlpError } from '../errors.ts';
import { PIECE_BYTES } from './formats.ts';

/**
 * Most that is compressed in one call; more goes in pieces. Memory is bounded by it, and the window
 * of a Zstandard frame, for which RFC 9659 has the same limit.
 */
export const WHOLE_BYTES = 8 * 1024 * 1024;

/** A piece of a stream, and what becomes of it. */
const FIRST_MEMORY_BYTES = CODECS_END + 2 * PIECE_BYTES + 65536;
/** Input, and what it becomes in any format. */
const MAX_MEMORY_BYTES = CODECS_END + (2 + 1 / 32) * WHOLE_BYTES;

/** @param sources where the host has the binary. */
export function openCodecs(sources: EngineSources<CodecsExports>): Codecs | Promise<Codecs> {
  const binary = selectBinary(sources, FIRST_MEMORY_BYTES, MAX_MEMORY_BYTES);
  return 'then' in binary ? binary.then((loaded) => new Codecs(loaded)) : new Codecs(binary);
}

/** `length` bytes at `src`, and room for what becomes of them: `capacity` bytes at `dst`. */
export interface Job {
  readonly kernels: CodecsExports;
  readonly memory: Uint8Array<ArrayBuffer>;
  readonly src: number;
  readonly length: number;
  readonly dst: number;
  readonly capacity: number;
}

/** The binary `codecs` on a memory of its own, which grows with what is compressed at a time. */
export class Codecs {
  #binary: Binary<CodecsExports>;
  #memory: Uint8Array<ArrayBuffer>;

  constructor(binary: Binary<CodecsExports>) {
    this.#binary = binary;
    this.#memory = new Uint8Array(binary.buffer);
  }

  /**
   * @param capacity most that can become of `input`.
   * @param run returns the number of bytes that it has written, or a negative status.
   * @returns what it has written, in bytes of their own.
   */
  compress(
    input: Uint8Array,
    capacity: number,
    run: (job: Job) => number,
  ): Uint8Array<ArrayBuffer> {
    const { length } = input;
    const src = CODECS_END;
    // Where a cache line begins.
    const dst = (src + length + OVERSHOOT_BYTES + 63) & ~63;
    this.#reserve(dst + capacity + OVERSHOOT_BYTES);
    const memory = this.#memory;
    memory.set(input, src);
    const written = run({ kernels: this.#binary.exports, memory, src, length, dst, capacity });
    if (written < 0) throw new Error(`${length} bytes do not fit into ${capacity} (${written})`);
    return memory.slice(dst, dst + written);
  }

  #reserve(bytes: number): void {
    const { length } = this.#memory;
    if (bytes <= length) return;
    // Twice as much each time: the portable engine begins anew on larger memory.
    const twice = Math.min(2 * length - CODECS_END, MAX_MEMORY_BYTES);
    const wanted = Math.max(bytes, twice);
    try {
      this.#binary = this.#binary.grown(wanted);
    } catch (cause) {
      throw new OtlpError(
        'engine_unavailable',
        `the engine has no room here: it needs ${wanted} bytes of memory for this call. ` +
          'Free some, or use a stream, which needs less.',
        { cause },
      );
    }
    this.#memory = new Uint8Array(this.#binary.buffer);
  }
}
