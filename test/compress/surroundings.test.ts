import { expect, it } from 'vitest';
import { codecsBinaries, FREE } from '../support/binaries.ts';
import { FORMATS } from '../support/compressors.ts';
import { otlpCorpus } from '../support/otlp-corpora.ts';
import { randomFrom } from '../support/random.ts';

const SRC = FREE + 64;
const DST = FREE + 8192;
const BEHIND_BYTES = 64;
const engines = codecsBinaries(64 * 1024);
const [simd] = engines;

interface Case {
  readonly input: Uint8Array;
  /** At which distance it repeats something. */
  readonly distance: number;
}

/** What may stand behind an input: what would go on with it above all. */
function surroundings({ input, distance }: Case): readonly Uint8Array[] {
  const goingOn = [distance, 1, 2, 4, 12].map((back) =>
    Uint8Array.from({ length: BEHIND_BYTES }, (_, i) => input.at((i % back) - back) ?? 0),
  );
  return [
    new Uint8Array(BEHIND_BYTES),
    new Uint8Array(BEHIND_BYTES).fill(255),
    input.slice(0, BEHIND_BYTES),
    ...goingOn,
  ];
}

const random = randomFrom(19);
const noise = (length: number) => Uint8Array.from({ length }, () => random.below(256));

/** Bytes that go on at a distance, now and then changed. */
function repetition(): Case {
  const distance = 1 + random.below(45);
  const changes = random.below(2) ? 0.05 : 0.3;
  const input = noise(1 + random.below(300));
  for (let at = distance; at < input.length; at++) {
    if (random.next() > changes) input[at] = input[at - distance];
  }
  return { input, distance };
}

/** A repetition, and shortly before the end a short one at another distance. */
function twoRepetitions(): Case {
  const distance = 40 + random.below(20);
  const unit = noise(distance);
  const short = unit.subarray(25, 30 + random.below(5));
  const parts = [unit, unit.subarray(0, 20), noise(random.below(15)), short];
  return { input: Buffer.concat([...parts, noise(5 + random.below(16))]), distance };
}

const request = otlpCorpus('traces', 4);

function telemetry(): Case {
  const from = random.below(200);
  return { input: request.slice(from, from + 1 + random.below(300)), distance: 60 };
}

const CASES = Array.from({ length: 50 }, () => [
  repetition(),
  twoRepetitions(),
  telemetry(),
]).flat();

it('what stands behind an input changes nothing, in any format and at any level', () => {
  const memory = new Uint8Array(simd.buffer);
  for (const [i, one] of CASES.entries()) {
    const { input } = one;
    memory.set(input, SRC);
    for (const format of FORMATS) {
      for (const level of format.levels) {
        const { length } = input;
        const span = { src: SRC, length, dst: DST, capacity: format.bound(length) };
        const outputs = surroundings(one).map((behind) => {
          memory.set(behind, SRC + length);
          const written = format.compress(simd.exports, level, span);
          return Buffer.from(memory.slice(DST, DST + written)).toString('hex');
        });
        const about = `${format.name} level ${level} of input ${i}, ${length} bytes`;
        expect(new Set(outputs).size, about).toBe(1);
      }
    }
  }
});
