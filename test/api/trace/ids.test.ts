import { describe, expect, it } from 'vitest';
import { hexOfWord, RandomWords, traceIdHex, wordOfHex } from '../../../src/api/trace/ids.ts';
import { randomFrom } from '../../support/random.ts';

const seeded = (seed: number) => {
  const random = randomFrom(seed);
  let calls = 0;
  const words = new RandomWords((target) => {
    calls++;
    for (let i = 0; i < target.length; i++) target[i] = random.below(2 ** 32);
  });
  return { words, calls: () => calls };
};

const spanId = (words: RandomWords) => {
  const target = { spanId0: 0, spanId1: 0 };
  words.spanId(target);
  return hexOfWord(target.spanId0) + hexOfWord(target.spanId1);
};

const traceId = (words: RandomWords) => {
  const target = { traceId0: 0, traceId1: 0, traceId2: 0, traceId3: 0 };
  words.traceId(target);
  return traceIdHex(target);
};

/** xoshiro128** as its authors define it, in exact arithmetic. */
function* xoshiro(seed: readonly bigint[]): Generator<bigint> {
  const word = (n: bigint) => n & 0xffff_ffffn;
  const rotate = (n: bigint, by: bigint) => word((n << by) | (n >> (32n - by)));
  const state = [...seed];
  for (;;) {
    yield word(rotate(word(state[1]! * 5n), 7n) * 9n);
    const shifted = word(state[1]! << 9n);
    state[2]! ^= state[0]!;
    state[3]! ^= state[1]!;
    state[1]! ^= state[2]!;
    state[0]! ^= state[3]!;
    state[2]! ^= shifted;
    state[3] = rotate(state[3]!, 11n);
  }
}

describe('RandomWords', () => {
  it('asks the host once, and not before the first id', () => {
    const { words, calls } = seeded(1);
    expect(calls()).toBe(0);
    for (let i = 0; i < 1000; i++) spanId(words);
    expect(calls()).toBe(1);
  });

  it('is xoshiro128**', () => {
    const random = randomFrom(6);
    const state = Array.from({ length: 4 }, () => BigInt(random.below(2 ** 32)));
    const reference = xoshiro(state);
    const words = new RandomWords((target) => target.set(state.map(Number)));
    for (let i = 0; i < 1000; i++) {
      const drawn = { spanId0: 0, spanId1: 0 };
      words.spanId(drawn);
      const expected = [reference.next().value, reference.next().value];
      expect([BigInt(drawn.spanId0 >>> 0), BigInt(drawn.spanId1 >>> 0)]).toEqual(expected);
    }
  });

  it('asks again when the host gives nothing but zeros', () => {
    let calls = 0;
    const words = new RandomWords((target) => {
      target.fill(0);
      if (++calls === 3) target[2] = 1;
    });
    spanId(words);
    expect(calls).toBe(3);
  });

  it('draws ids that are valid and never the same, in any order', () => {
    const { words } = seeded(2);
    const random = randomFrom(3);
    const seen = new Set<string>();
    for (let i = 0; i < 20_000; i++) {
      const id = random.below(2) ? spanId(words) : traceId(words);
      if (!/^([0-9a-f]{16}|[0-9a-f]{32})$/.test(id) || /^0+$/.test(id)) expect.fail(id);
      seen.add(id);
    }
    expect(seen.size).toBe(20_000);
  });

  it('differs from seed to seed', () => {
    const ids = Array.from({ length: 100 }, (_, seed) => traceId(seeded(seed + 1).words));
    expect(new Set(ids).size).toBe(100);
  });
});

describe('hex', () => {
  it('goes to words and back, lowest byte first, in either case', () => {
    expect(hexOfWord(0x04030201)).toBe('01020304');
    expect(wordOfHex('01020304', 0)).toBe(0x04030201);
    const random = randomFrom(8);
    for (let i = 0; i < 1000; i++) {
      const word = random.below(2 ** 32) | 0;
      const hex = hexOfWord(word);
      expect(hex).toBe(Buffer.from(Int32Array.of(word).buffer).toString('hex'));
      expect(wordOfHex(`xx${hex}`, 2)).toBe(word);
      expect(wordOfHex(hex.toUpperCase(), 0)).toBe(word);
    }
  });
});
