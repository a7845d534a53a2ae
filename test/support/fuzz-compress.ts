/**
 * Structured inputs through the kernels of the binary `codecs`, at once or in parts, on every
 * engine, and back through decoders that are not ours.
 *
 * A seed is a case: an input, a format, a level. What has to hold, besides that the input comes
 * back: the engines write the same bytes, wherever input and output are, whatever stands behind
 * the input and was left in the work areas; nothing is written outside of the work areas, the room
 * given and its overshoot; too little room is answered with STATUS_NO_ROOM, and enough room never.
 */

import type { CodecsExports } from '../../src/engine/generated/contract.ts';
import {
  CODECS_WORK,
  CODECS_WORK_BYTES,
  CONTROL_BASE,
  CONTROL_BYTES,
  GZIP_WORK,
  GZIP_WORK_BYTES,
  OVERSHOOT_BYTES,
  STATUS_NO_ROOM,
  STREAM_STATE,
  STREAM_STATE_BYTES,
  STRINGS_BASE,
  STRINGS_HALF_BYTES,
} from '../../src/engine/generated/layout.ts';
import { type Binary, codecsBinaries, FREE } from './binaries.ts';
import { FORMATS, type Format } from './compressors.ts';
import { fuzzInput } from './fuzz-inputs.ts';
import { randomFrom, type SeededRandom } from './random.ts';

const GUARD_BYTES = 4096;
const GUARD = 0xa5;
/** The portable engine is many times slower: it gets a share of the smaller inputs. */
const PORTABLE_SHARE = 8;
const PORTABLE_BYTES = 1 << 15;

/** What is the core's, and what stands beyond everything. */
const FOREIGN = [
  [CONTROL_BASE, CONTROL_BYTES],
  [STRINGS_BASE, 2 * STRINGS_HALF_BYTES],
] as const;

export const FORMAT_NAMES: readonly string[] = FORMATS.map(({ name }) => name);

export interface CompressCase {
  readonly format: Format;
  readonly level: number;
  readonly input: Uint8Array;
  readonly output: Uint8Array;
  readonly streamed: boolean;
}

/** How an input is to be compressed: once for all engines. */
interface Plan {
  readonly format: Format;
  readonly level: number;
  readonly input: Uint8Array;
  /** Lengths of the parts of a stream; none: at once. */
  readonly parts: readonly number[];
  /** Where something is to be different from engine to engine, and from run to run. */
  readonly noise: SeededRandom;
}

const guards = new Uint8Array(2 * STRINGS_HALF_BYTES).fill(GUARD);
let garbage: Uint8Array | undefined;

export class CompressFuzz {
  readonly #maxBytes: number;
  readonly #binaries: readonly Binary<CodecsExports>[];
  readonly #formats: readonly Format[];

  /** `only`: the formats, all of them when it is empty. */
  constructor(maxBytes: number, only: readonly string[] = []) {
    this.#maxBytes = maxBytes;
    this.#formats = FORMATS.filter(({ name }) => only.length === 0 || only.includes(name));
    const largest = Math.max(...FORMATS.map(({ bound }) => bound(maxBytes)));
    const rooms = maxBytes + largest + 4 * GUARD_BYTES;
    this.#binaries = codecsBinaries(rooms + (rooms >> 3));
    for (const { buffer } of this.#binaries) {
      for (const [at, length] of FOREIGN) new Uint8Array(buffer, at, length).fill(GUARD);
    }
  }

  /** One case. Throws when anything is wrong with it; the error does not name the seed. */
  run(seed: number): CompressCase {
    const random = randomFrom(spread(seed));
    const format = this.#formats[random.below(this.#formats.length)];
    const level = format.levels[random.below(format.levels.length)];
    const input = fuzzInput(random, this.#maxBytes);
    const streamed = format.stream !== undefined && random.below(4) === 0;
    const parts = streamed ? split(random, input.length) : [];
    const plan: Plan = { format, level, input, parts, noise: random };
    const about = `${format.name} level ${level} of ${input.length} bytes`;
    try {
      const output = this.#onEngines(plan);
      const decoded = format.decode(output, input);
      if (Buffer.compare(decoded, input) !== 0) throw new Error('decoded to something else');
      return { format, level, input, output, streamed };
    } catch (error) {
      const how = streamed ? ` in parts of ${parts.slice(0, 20).join(', ')}` : '';
      throw new Error(`${about}${how}: ${(error as Error).message}`, { cause: error });
    }
  }

  #onEngines(plan: Plan): Uint8Array {
    const { input, noise, parts } = plan;
    const withPortable = input.length <= PORTABLE_BYTES && noise.below(PORTABLE_SHARE) === 0;
    let first: Uint8Array | undefined;
    for (const binary of this.#binaries) {
      if (binary.engine === 'portable' && !withPortable) continue;
      const call = new Call(binary, plan, this.#maxBytes);
      try {
        const output = parts.length > 0 ? call.inParts(parts) : call.atOnce();
        first ??= output;
        if (Buffer.compare(first, output) !== 0) throw new Error('the first engine differs');
      } catch (error) {
        throw new Error(`${binary.engine}: ${(error as Error).message}`, { cause: error });
      }
    }
    return first!;
  }
}

/** The kernel of one engine on one input. */
class Call {
  readonly #binary: Binary<CodecsExports>;
  readonly #plan: Plan;
  readonly #bytes: Uint8Array;
  readonly #src: number;
  readonly #dst: number;

  constructor(binary: Binary<CodecsExports>, plan: Plan, maxBytes: number) {
    const { input, noise } = plan;
    this.#binary = binary;
    this.#plan = plan;
    this.#bytes = new Uint8Array(binary.buffer);
    this.#src = FREE + GUARD_BYTES + noise.below(64);
    this.#dst = FREE + 2 * GUARD_BYTES + maxBytes + OVERSHOOT_BYTES + noise.below(256);
    const end = this.#src + input.length;
    this.#bytes.set(input, this.#src);
    // As it would be in the middle of other bytes: nothing, the same again, what goes on as before,
    // or anything.
    const behind = noise.below(4);
    const distance = 1 + noise.below(40);
    for (let i = 0; i < OVERSHOOT_BYTES; i++) {
      const at = end + i;
      if (behind === 3) this.#bytes[at] = this.#bytes[at - distance];
      else this.#bytes[at] = behind === 0 ? 0 : behind === 1 ? input[i] : noise.below(256);
    }
    if (noise.below(40) === 0) this.#scribble();
  }

  atOnce(): Uint8Array {
    const { format, input, level, noise } = this.#plan;
    const src = this.#src;
    const { length } = input;
    const compress = (capacity: number) =>
      this.#guarded(this.#dst, capacity, () =>
        format.compress(this.#binary.exports, level, { src, length, dst: this.#dst, capacity }),
      );
    const bound = format.bound(length);
    const written = compress(bound);
    if (written < 0) throw new Error(`answers ${written} for a room of ${bound} bytes`);
    const output = this.#bytes.slice(this.#dst, this.#dst + written);
    // Less room: the same bytes or none.
    const capacity = lessRoom(noise, written, bound);
    const again = compress(capacity);
    this.#checkAgain(again, output, capacity);
    this.#checkOthers();
    return output;
  }

  inParts(parts: readonly number[]): Uint8Array {
    const { format, level, noise, input } = this.#plan;
    const { exports } = this.#binary;
    const stream = format.stream!;
    const outputs: Uint8Array[] = [];
    const state = this.#bytes.subarray(STREAM_STATE, STREAM_STATE + STREAM_STATE_BYTES);
    const head = this.#guarded(this.#dst, stream.startBytes, () =>
      stream.start(exports, level, this.#dst),
    );
    outputs.push(this.#bytes.slice(this.#dst, this.#dst + head));
    let src = this.#src;
    for (const [i, length] of parts.entries()) {
      const final = i === parts.length - 1;
      const kept = state.slice();
      if (noise.below(60) === 0) {
        this.#scribble();
        state.set(kept);
      }
      const call = (capacity: number) =>
        this.#guarded(this.#dst, capacity, () =>
          stream.part(exports, level, { src, length, dst: this.#dst, capacity }, final),
        );
      const bound = format.bound(length);
      const written = call(bound);
      if (written < 0) throw new Error(`part ${i} answers ${written} for a room of ${bound}`);
      const output = this.#bytes.slice(this.#dst, this.#dst + written);
      if (noise.below(4) === 0) {
        const after = state.slice();
        state.set(kept);
        const capacity = lessRoom(noise, written, bound);
        this.#checkAgain(call(capacity), output, capacity);
        state.set(after);
      }
      outputs.push(output);
      src += length;
    }
    if (src !== this.#src + input.length) throw new Error('parts of another input');
    this.#checkOthers();
    return Buffer.concat(outputs);
  }

  #checkAgain(again: number, output: Uint8Array, capacity: number): void {
    if (again === STATUS_NO_ROOM) {
      if (capacity >= this.#plan.format.bound(this.#plan.input.length)) {
        throw new Error(`no room in ${capacity} bytes`);
      }
      return;
    }
    if (again !== output.length || again > capacity) {
      throw new Error(`answers ${again} of ${output.length} bytes for a room of ${capacity}`);
    }
    const bytes = this.#bytes.subarray(this.#dst, this.#dst + again);
    if (Buffer.compare(bytes, output) !== 0) {
      throw new Error(`writes other bytes into a room of ${capacity}`);
    }
  }

  /** Calls the kernel and looks whether it wrote where it must not. */
  #guarded(dst: number, capacity: number, call: () => number): number {
    const bytes = this.#bytes;
    const end = dst + capacity + OVERSHOOT_BYTES;
    const { input } = this.#plan;
    bytes.fill(GUARD, dst - GUARD_BYTES / 2, dst);
    bytes.fill(GUARD, end, end + GUARD_BYTES);
    const behind = bytes.slice(
      this.#src + input.length,
      this.#src + input.length + OVERSHOOT_BYTES,
    );
    const written = call();
    if (!this.#untouched(end, end + GUARD_BYTES)) {
      throw new Error(`writes beyond a room of ${capacity} bytes`);
    }
    if (!this.#untouched(dst - GUARD_BYTES / 2, dst)) throw new Error('writes before its room');
    const now = bytes.subarray(
      this.#src + input.length,
      this.#src + input.length + OVERSHOOT_BYTES,
    );
    if (Buffer.compare(now, behind) !== 0) throw new Error('writes behind its input');
    return written;
  }

  #checkOthers(): void {
    const { input } = this.#plan;
    const now = this.#bytes.subarray(this.#src, this.#src + input.length);
    if (Buffer.compare(now, input) !== 0) throw new Error('changes its input');
    // Half a megabyte takes too long for each case: what is not noticed now is some cases later.
    if (this.#plan.noise.below(8) > 0) return;
    for (const [at, length] of FOREIGN) {
      if (!this.#untouched(at, at + length))
        throw new Error(`writes into the core's at ${at}, or did some cases ago`);
    }
  }

  #untouched(from: number, to: number): boolean {
    return Buffer.compare(this.#bytes.subarray(from, to), guards.subarray(0, to - from)) === 0;
  }

  /** Anything into all that a call must not find anything in. */
  #scribble(): void {
    const { noise } = this.#plan;
    if (garbage === undefined) {
      const random = randomFrom(7);
      garbage = new Uint8Array(CODECS_WORK_BYTES + 4096).map(() => random.below(256));
    }
    for (const [at, length] of [
      [CODECS_WORK, CODECS_WORK_BYTES],
      [GZIP_WORK, GZIP_WORK_BYTES],
      [STREAM_STATE, STREAM_STATE_BYTES],
    ]) {
      const from = noise.below(4096);
      // Positions that look like those of this input, in one case of two.
      if (noise.below(2)) this.#bytes.set(garbage.subarray(from, from + length), at);
      else {
        const words = new Uint32Array(this.#bytes.buffer, at, length >> 2);
        words.fill(noise.below(2) ? this.#src + noise.below(256) : noise.below(256));
      }
    }
  }
}

/** Seeds that follow each other are not alike: murmur3's finalizer. */
function spread(seed: number): number {
  let hash = Math.imul(seed ^ (seed >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function split(random: SeededRandom, length: number): number[] {
  const parts: number[] = [];
  const bits = 1 + random.below(20);
  for (let left = length; left > 0; ) {
    // Not so many parts that nothing but parts are tried.
    const most = parts.length > 60 ? left : Math.min(left, 2 ** bits);
    const part = random.below(30) === 0 ? 0 : 1 + random.below(most);
    parts.push(part);
    left -= part;
  }
  if (random.below(3) === 0 || parts.length === 0) parts.push(0);
  return parts;
}

function lessRoom(random: SeededRandom, length: number, bound: number): number {
  switch (random.below(6)) {
    case 0:
      return length;
    case 1:
      return Math.max(0, length - 1 - random.below(20));
    case 2:
      return random.below(64);
    case 3:
      return Math.max(0, bound - random.below(64));
    default:
      return random.below(bound + 1);
  }
}
