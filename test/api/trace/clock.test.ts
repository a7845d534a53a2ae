import type { TimeInput } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { Clock } from '../../../src/api/trace/clock.ts';
import { randomFrom } from '../../support/random.ts';

const ORIGIN_MS = 1_700_000_000_123.456;

/** `process.hrtime` starts anywhere. */
const HRTIME_ZERO_MS = 98_765_432;

/** A clock whose monotonic hand is set by the test. */
function clockAt(originMs = ORIGIN_MS, withHrtime = false) {
  const hands = { now: 0, unix: undefined as number | undefined };
  const hrtime = (): [number, number] => {
    const nanos = exact(HRTIME_ZERO_MS) + exact(hands.now);
    return [Number(nanos / 1_000_000_000n), Number(nanos % 1_000_000_000n)];
  };
  const clock = new Clock(
    () => hands.now,
    () => hands.unix ?? originMs + hands.now,
    originMs,
    withHrtime ? hrtime : undefined,
  );
  const read = () => {
    clock.read(clock.anchor);
    return nanosOf(clock);
  };
  const readInput = (input: unknown) => {
    clock.readInput(input as TimeInput, clock.anchor);
    return nanosOf(clock);
  };
  return { clock, hands, read, readInput };
}

function nanosOf({ sec, nano }: Clock): bigint {
  if (!Number.isInteger(sec) || !Number.isInteger(nano) || nano < 0 || nano >= 1e9) {
    expect.fail(`${sec} s ${nano} ns`);
  }
  return BigInt(sec) * 1_000_000_000n + BigInt(nano);
}

/** Milliseconds as nanoseconds, exactly. */
function exact(ms: number): bigint {
  const whole = Math.floor(ms);
  return BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1e6));
}

describe.each([
  ['milliseconds', false],
  ['hrtime', true],
])('the current time from a clock of %s', (_, withHrtime) => {
  it('is the origin plus the monotonic clock, to the microsecond, and never runs backwards', () => {
    const random = randomFrom(1);
    for (const origin of [ORIGIN_MS, 1_700_000_000_000, 1_699_999_999_999.9998, 0]) {
      const { hands, read } = clockAt(origin, withHrtime);
      let before = -1n;
      for (let i = 0; i < 20_000; i++) {
        // Around whole seconds, where carrying matters, and anywhere.
        const step =
          random.below(3) === 0
            ? 1000 - ((origin + hands.now) % 1000) + (random.below(9) - 4) / 2048
            : random.next() * 10 ** random.below(6);
        hands.now += Math.max(0, step);
        const nanos = read();
        const off = nanos - exact(origin) - exact(hands.now);
        // The sum is rounded once: 2^-12 ms is a quarter of a microsecond.
        if (off > 1000n || off < -1000n) expect.fail(`${off} ns off at ${hands.now}`);
        if (nanos < before) expect.fail(`backwards at ${hands.now}`);
        before = nanos;
      }
    }
  });

  it('follows the wall clock when that has moved away, in either direction', () => {
    const { clock, hands, read } = clockAt(ORIGIN_MS, withHrtime);
    const { anchor } = clock;
    hands.now = 5000;
    for (const drift of [0, 20, -20]) {
      hands.unix = ORIGIN_MS + 5000 + drift;
      clock.check();
      expect(clock.anchor).toBe(anchor);
    }
    for (const drift of [3_600_000, -3_600_000]) {
      hands.unix = ORIGIN_MS + 5000 + drift;
      clock.check();
      const off = read() - exact(ORIGIN_MS + 5000 + drift);
      expect(off < 1000n && off > -1000n).toBe(true);
      // Who has the old anchor stays on it.
      clock.read(anchor);
      const old = nanosOf(clock) - exact(ORIGIN_MS + 5000);
      expect(old < 1000n && old > -1000n).toBe(true);
    }
  });

  it('starts from the wall clock when the origin told by the host is off', () => {
    const clock = new Clock(
      () => 1000,
      () => 1_700_000_001_000,
      1_600_000_000_000,
      withHrtime ? () => [12, 999_999_999] : undefined,
    );
    clock.read(clock.anchor);
    expect(nanosOf(clock)).toBe(1_700_000_001_000_000_000n);
  });
});

describe('a time that is given', () => {
  it.each<readonly [string, unknown, bigint]>([
    ['a Date', new Date(1_650_000_000_001), 1_650_000_000_001_000_000n],
    ['the epoch as a Date', new Date(0), 0n],
    ['seconds and nanoseconds', [1_650_000_000, 999_999_999], 1_650_000_000_999_999_999n],
    ['one nanosecond short', [1_650_000_001, -1], 1_650_000_000_999_999_999n],
    ['fractions of a nanosecond', [1, 0.9], 1_000_000_000n],
    ['a fraction below zero', [1, -0.1], 999_999_999n],
    ['Unix milliseconds', 1_750_000_000_000.5, 1_750_000_000_000_500_000n],
    ['Unix milliseconds before the process', 1_650_000_000_000, 1_650_000_000_000_000_000n],
    ['all in nanoseconds', [0, Number(1_700_000_000_999_999_744n)], 1_700_000_000_999_999_744n],
    ['before the epoch: the epoch', [-5, 0], 0n],
    ['a Date before the epoch: the epoch', new Date(-1), 0n],
    ['after 2106: its last second', [2 ** 32, 0], 4_294_967_295_000_000_000n],
    ['the last Date there is', new Date(8.64e15), 4_294_967_295_000_000_000n],
  ])('is taken as it is: %s', (_, input, nanos) => {
    expect(clockAt().readInput(input)).toBe(nanos);
  });

  it('carries nanoseconds of any size and sign', () => {
    const { readInput } = clockAt();
    const random = randomFrom(9);
    for (let i = 0; i < 3000; i++) {
      const sec = 2_000_000_000 + random.below(1e9);
      const nano = Math.trunc((random.next() - 0.5) * 2 ** random.below(62));
      expect(readInput([sec, nano])).toBe(BigInt(sec) * 1_000_000_000n + BigInt(nano));
    }
  });

  it('is a reading of the monotonic clock when it is a number too small for a time', () => {
    const { hands, readInput } = clockAt();
    hands.now = 60_000;
    for (const reading of [0, 0.25, 59_999.5, 60_000, 61_000]) {
      const off = readInput(reading) - exact(ORIGIN_MS + reading);
      expect(off < 1000n && off > -1000n).toBe(true);
    }
  });

  const none: readonly unknown[] = [
    ...[undefined, null, Number.NaN, Infinity, -Infinity, new Date(Number.NaN), [], [1]],
    ...[[Number.NaN, 0], [1, Infinity], ['1', '2'], 'now', '1700000000000', {}, true, 5n],
    { valueOf: () => 5 },
    new Proxy([], {
      get() {
        throw new Error('no');
      },
    }),
  ];
  it.each([...none.keys()])('reads the current time where it is none: case %d', (i) => {
    const { hands, read, readInput } = clockAt();
    hands.now = 1234.5;
    expect(readInput(none[i])).toBe(read());
  });
});
