import type { Binary } from '../engine/binary.ts';
import type { CodecsExports } from '../engine/generated/contract.ts';
import { CODECS_END, OVERSHOOT_BYTES } from '../engine/generated/layout.ts';

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
    if (bytes <= this.#memory.length) return;
    this.#binary = this.#binary.grown(bytes);
    this.#memory = new Uint8Array(this.#binary.buffer);
  }
}
