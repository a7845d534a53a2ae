/** Inputs for the tests of compressors, and how they are put to a kernel on every engine. */

import { expect } from 'vitest';
import type { CodecsExports } from '../../src/engine/generated/contract.ts';
import type { Binary } from '../support/binaries.ts';
import { FREE } from '../support/binaries.ts';
import { randomFrom } from '../support/random.ts';

export const random = randomFrom(0x5eed);

export const noise = (length: number) => Uint8Array.from({ length }, () => random.below(256));

export const joined = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

const WORDS = 'the span of a batch that a collector at the end of the path takes or drops'.split(
  ' ',
);

export function prose(length: number): Uint8Array {
  let text = '';
  while (text.length < length) text += `${WORDS[random.below(WORDS.length)]} `;
  return new TextEncoder().encode(text.slice(0, length));
}

/** Calls `check` with every length up to 300, of four kinds. */
export function eachShort(check: (input: Uint8Array, label: string) => void): void {
  for (let length = 0; length <= 300; length++) {
    check(noise(length), 'noise');
    check(new Uint8Array(length).fill(7), 'one byte');
    check(prose(length), 'prose');
    check(
      Uint8Array.from({ length }, (_, i) => i % 5),
      'period 5',
    );
  }
}

/** Pieces of all kinds in any order, and some of them again. */
export function mixture(): Uint8Array {
  const kinds = [noise, prose, (length: number) => new Uint8Array(length)];
  const parts: Uint8Array[] = [];
  for (let n = random.below(8); n >= 0; n--) {
    parts.push(kinds[random.below(3)](random.below(random.below(4) ? 400 : 30_000)));
    if (random.below(2)) parts.push(parts[random.below(parts.length)]);
  }
  return joined(...parts);
}

/** Lengths of random pieces that together make `length`; some of them are 0. */
export function split(length: number): number[] {
  const pieces: number[] = [];
  for (let left = length; left > 0; left -= pieces.at(-1)!) {
    pieces.push(Math.min(left, random.below(random.below(3) ? 2000 : 300_000)));
  }
  return pieces;
}

export interface Place {
  readonly src: number;
  readonly dst: number;
}

type Codecs = Binary<CodecsExports>;

/** Puts an input where a kernel reads it, with something different behind it every time. */
export function place({ buffer }: Codecs, input: Uint8Array, src = FREE): void {
  const memory = new Uint8Array(buffer);
  memory.set(input, src);
  for (let i = 0; i < 64; i++) memory[src + input.length + i] = random.below(256);
}

/** What a kernel wrote, which is `length` bytes long unless that is a status. */
export function written({ buffer }: Codecs, dst: number, length: number): Uint8Array {
  expect(length).toBeGreaterThanOrEqual(0);
  return new Uint8Array(buffer).slice(dst, dst + length);
}

/** Compares without describing every byte. */
export function expectSame(actual: Uint8Array, expected: Uint8Array, label: string): void {
  expect(Buffer.compare(actual, expected) === 0, `${label}, ${expected.length} bytes`).toBe(true);
}
