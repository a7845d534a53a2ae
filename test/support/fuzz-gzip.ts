/** Random bytes through the gzip kernel of both binaries and back through `node:zlib`. */

import { gunzipSync, gzipSync } from 'node:zlib';
import { OVERSHOOT_BYTES, STATUS_NO_ROOM } from '../../src/engine/generated/layout.ts';
import { type CoreEngine, coreEngines } from './core.ts';
import { traceRig } from './engines.ts';
import { randomFrom, type SeededRandom } from './random.ts';
import { randomPlan, randomStyle, record } from './span-plan.ts';

const SRC = 0x100000;
const DST = 0xa00000;
const GUARD_BYTES = 256;
const MAX_BYTES = 1 << 20;

let cores: CoreEngine[] | undefined;

/** A real request: what the kernel is for. */
function request(random: SeededRandom): Uint8Array {
  const rig = traceRig('scalar', { seed: random.below(2 ** 31) });
  const style = { ...randomStyle(random), maxUnits: 300 };
  for (let i = random.below(200); i >= 0; i--) record(rig.tracer('t'), randomPlan(random, style));
  return rig.encode();
}

/** What follows in the input: its length, and its bytes given those so far. */
function append(random: SeededRandom, bytes: Uint8Array, at: number): number {
  const length = Math.min(bytes.length - at, 1 + random.below(2 ** (1 + random.below(17))));
  const end = at + length;
  switch (random.below(7)) {
    case 0: // Noise.
      for (let i = at; i < end; i++) bytes[i] = random.below(256);
      break;
    case 1: // A few letters, some far more frequent than others: deep codes.
      for (let i = at; i < end; i++) bytes[i] = Math.floor(-Math.log2(random.next() + 1e-12));
      break;
    case 2: // One byte.
      bytes.fill(random.below(256), at, end);
      break;
    case 3: // A short period.
      for (let i = at, period = 1 + random.below(20); i < end; i++) {
        bytes[i] = i - at < period ? random.below(256) : bytes[i - period]!;
      }
      break;
    case 4: // Words.
      for (let i = at; i < end; i++) {
        bytes[i] = random.next() < 0.2 ? 32 : 97 + random.below(4) * random.below(4);
      }
      break;
    default: {
      // A copy, most of the time from about as far as a match may reach, now and then changed.
      const reach = random.below(2) ? 32_768 + 3 - random.below(7) : 1 + random.below(40_000);
      const from = Math.max(0, at - reach);
      const changes = random.below(2) * 0.02;
      for (let i = at; i < end; i++) {
        bytes[i] = random.next() < changes ? random.below(256) : (bytes[from + i - at] ?? 0);
      }
    }
  }
  return end;
}

function randomInput(random: SeededRandom): Uint8Array {
  if (random.below(4) === 0) return request(random).slice(0, MAX_BYTES);
  const sizes = [0, 1, 2, 3, 4, 16, 64, 258, 259, 32_767, 32_768, 32_769, 65_535, 65_536, 65_537];
  const length =
    random.below(3) === 0
      ? sizes[random.below(sizes.length)]!
      : random.below(2 ** (1 + random.below(20)));
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) at = append(random, bytes, at);
  return bytes;
}

/**
 * So many random inputs. Throws when anything is wrong with one; the error does not name the
 * seed, the caller does. Returns the bytes compressed.
 */
export function fuzzGzip(seed: number, inputs: number): number {
  const random = randomFrom(seed);
  let bytes = 0;
  for (let i = 0; i < inputs; i++) bytes += fuzzOne(random);
  return bytes;
}

function fuzzOne(random: SeededRandom): number {
  const input = randomInput(random);
  const bound = input.length + 5 * Math.ceil(input.length / 32_768) + 64;
  const trailer = gzipSync(input, { level: 1 }).subarray(-8);
  // A kernel may be run on memory in any state.
  cores ??= coreEngines();
  const members = cores.map(({ exports, memory, name }) => {
    const bytes = new Uint8Array(memory.buffer);
    bytes.set(input, SRC);
    const compress = (capacity: number) => {
      const guardAt = DST + Math.max(0, capacity) + OVERSHOOT_BYTES;
      bytes.fill(0xa5, guardAt, guardAt + GUARD_BYTES);
      const length = exports.gzipFast(SRC, input.length, DST, capacity, 0);
      if (bytes.subarray(guardAt, guardAt + GUARD_BYTES).some((byte) => byte !== 0xa5)) {
        throw new Error(`${name} wrote beyond a capacity of ${capacity} bytes`);
      }
      return length;
    };
    const length = compress(bound);
    if (length <= 0) throw new Error(`${name} returned ${length} for ${input.length} bytes`);
    const member = Buffer.from(bytes.slice(DST, DST + length));
    // Less room: the same bytes or none.
    const capacity = random.below(bound + 1);
    const again = compress(capacity);
    if (again === STATUS_NO_ROOM ? capacity > length + 64 : again !== length) {
      throw new Error(`${name} returned ${again} of ${length} bytes for a room of ${capacity}`);
    }
    if (again > 0 && Buffer.compare(bytes.subarray(DST, DST + length), member) !== 0) {
      throw new Error(`${name} wrote other bytes into a room of ${capacity}`);
    }
    if (Buffer.compare(bytes.subarray(SRC, SRC + input.length), input) !== 0) {
      throw new Error(`${name} changed its input`);
    }

    const split = random.below(input.length + 1);
    const half = exports.crc32(0, SRC, split);
    const sum = exports.crc32(half, SRC + split, input.length - split) >>> 0;
    if (sum !== trailer.readUInt32LE(0)) throw new Error(`${name} says crc32 is ${sum}`);
    return member;
  });
  if (!members[0]!.equals(members[1]!)) throw new Error('simd and scalar differ');
  if (!gunzipSync(members[0]!).equals(input)) throw new Error('zlib inflates to something else');
  return input.length;
}
