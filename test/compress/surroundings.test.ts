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

/** What may stand behind an input: what would go on with it above all. */
function surroundings(input: Uint8Array): readonly Uint8Array[] {
  const goingOn = [1, 2, 3, 4, 7, 12, 40].map((distance) =>
    Uint8Array.from({ length: BEHIND_BYTES }, (_, i) => input.at((i % distance) - distance) ?? 0),
  );
  return [
    new Uint8Array(BEHIND_BYTES),
    new Uint8Array(BEHIND_BYTES).fill(255),
    Uint8Array.from({ length: BEHIND_BYTES }, (_, i) => input[i] ?? 0),
    ...goingOn,
  ];
}

/** Short inputs, as what stands behind them is never far: repetitions that end in the middle. */
function inputs(): readonly Uint8Array[] {
  const random = randomFrom(19);
  const request = otlpCorpus('traces', 4);
  return Array.from({ length: 120 }, (_, i) => {
    const length = 1 + random.below(300);
    const period = 1 + random.below(45);
    if (i % 3 === 0) return request.slice(random.below(200)).subarray(0, length);
    const changes = i % 3 === 1 ? 0.05 : 0.3;
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at++) {
      const fresh = at < period || random.next() < changes;
      bytes[at] = fresh ? random.below(256) : bytes[at - period];
    }
    return bytes;
  });
}

it('what stands behind an input changes nothing, in any format and at any level', () => {
  const memory = new Uint8Array(simd.buffer);
  for (const [i, input] of inputs().entries()) {
    memory.set(input, SRC);
    for (const format of FORMATS) {
      for (const level of format.levels) {
        const { length } = input;
        const span = { src: SRC, length, dst: DST, capacity: format.bound(length) };
        const outputs = surroundings(input).map((behind) => {
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
