import { ROOT_CONTEXT, type TimeInput, trace as traceApi } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { type Anchor, Clock } from '../../../src/api/trace/clock.ts';
import { randomFrom } from '../../support/random.ts';
import { started } from '../../support/telemetry.ts';

const HOUR_MS = 3_600_000;
/** Unix milliseconds at which the fake host's clock begins; its monotonic one shows 1000 then. */
const START_MS = Date.UTC(2026, 0, 1);
const nanos = (ms: number) =>
  BigInt(Math.floor(ms)) * 1_000_000n + BigInt(Math.round((ms % 1) * 1e6));

/** A machine: its monotonic clock stands still while it sleeps, its wall clock does not. */
function machine(withHrtime: boolean) {
  const hands = { now: 5000.5, unix: 1_700_000_000_000.25, looks: 0 };
  const clock = new Clock(
    () => hands.now,
    () => {
      hands.looks++;
      return Math.floor(hands.unix);
    },
    hands.unix - hands.now,
    withHrtime
      ? () => {
          const ms = hands.now + 98_765;
          const sec = Math.floor(ms / 1000);
          return [sec, Math.round((ms - sec * 1000) * 1e6)];
        }
      : undefined,
  );
  const timeOf = () => clock.sec * 1000 + clock.nano / 1e6;
  return {
    clock,
    hands,
    run(ms: number) {
      hands.now += ms;
      hands.unix += ms;
    },
    sleep(ms: number) {
      hands.unix += ms;
    },
    begin() {
      clock.begin();
      return timeOf();
    },
    read(anchor: Anchor) {
      clock.read(anchor);
      return timeOf();
    },
  };
}

describe.each([
  ['milliseconds', false],
  ['hrtime', true],
])('after the machine slept, with a clock of %s', (_, withHrtime) => {
  it('spans begin at the time of the wall clock again, a second later at most', () => {
    const random = randomFrom(5);
    const { begin, hands, run, sleep } = machine(withHrtime);
    let sinceWaking = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 20_000; i++) {
      if (random.below(500) === 0) {
        sleep(random.below(12) * HOUR_MS + 1000);
        sinceWaking = 0;
      }
      const step = random.next() * 400;
      run(step);
      sinceWaking += step;
      const off = begin() - hands.unix;
      // What the wall clock shows is whole milliseconds, and a drift below 50 of them is none.
      if (sinceWaking >= 1000 && Math.abs(off) > 51) expect.fail(`${off} ms off at step ${i}`);
    }
  });

  it('a span under way goes on as if nothing had happened', () => {
    const { begin, clock, read, run, sleep } = machine(withHrtime);
    const startMs = begin();
    const { anchor } = clock;
    run(700);
    sleep(3 * HOUR_MS);
    run(1500);
    begin();
    expect(clock.anchor).not.toBe(anchor);
    expect(read(anchor) - startMs).toBeCloseTo(2200, 3);
  });

  it('the wall clock set back is followed, too', () => {
    const { begin, hands, run, sleep } = machine(withHrtime);
    begin();
    sleep(-2 * HOUR_MS);
    run(1000);
    expect(Math.abs(begin() - hands.unix)).toBeLessThan(2);
  });

  it('the wall clock is looked at once a second, not with every span', () => {
    const { begin, hands, run } = machine(withHrtime);
    begin();
    const before = hands.looks;
    for (let i = 0; i < 10_000; i++) {
      run(1);
      begin();
    }
    expect(hands.looks - before).toBeGreaterThanOrEqual(10);
    expect(hands.looks - before).toBeLessThanOrEqual(11);
  });
});

describe('spans around a sleep', () => {
  it('begin right and last as long as the monotonic clock says', async () => {
    const { arrived, host, tracer } = started();
    const before = tracer.startSpan('before');
    await host.advance(400);
    host.moveWallClock(5 * HOUR_MS);
    await host.advance(1000);
    const after = tracer.startSpan('after');
    before.addEvent('e');
    await host.advance(250);
    after.end();
    before.end();
    const awake = START_MS + 1400 + 5 * HOUR_MS;
    expect(await arrived()).toMatchObject([
      { startTimeUnixNano: nanos(awake), endTimeUnixNano: nanos(awake + 250) },
      {
        startTimeUnixNano: nanos(START_MS),
        endTimeUnixNano: nanos(START_MS + 1650),
        events: [{ timeUnixNano: nanos(START_MS + 1400) }],
      },
    ]);
  });

  it('are noticed by those whose start is given as well', async () => {
    const { arrived, host, tracer } = started();
    tracer.startSpan('first').end();
    await arrived();
    host.moveWallClock(5 * HOUR_MS);
    await host.advance(1000);
    const now = START_MS + 1000 + 5 * HOUR_MS;
    const span = tracer.startSpan('given', { startTime: now });
    await host.advance(300);
    span.end();
    expect((await arrived())[1]).toMatchObject({
      startTimeUnixNano: nanos(now),
      endTimeUnixNano: nanos(now + 300),
    });
  });

  it('never have a negative duration, nor events outside of it, whatever the clocks do', async () => {
    const random = randomFrom(21);
    const { arrived, host, tracer } = started();
    const open: { span: ReturnType<typeof tracer.startSpan>; elapsed: number }[] = [];
    const expected: bigint[] = [];
    for (let i = 0; i < 1500; i++) {
      const jump = random.below(30);
      if (jump === 0) host.moveWallClock(random.below(10 * HOUR_MS));
      if (jump === 1) host.moveWallClock(-random.below(10 * HOUR_MS));
      const step = random.below(900) / 4;
      await host.advance(step);
      for (const each of open) each.elapsed += step;
      if (open.length < 5) {
        const parent = open.at(-1)?.span;
        const context = parent ? traceApi.setSpan(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
        open.push({ span: tracer.startSpan('s', {}, context), elapsed: 0 });
      } else {
        const [ended] = open.splice(random.below(open.length), 1);
        open[0]?.span.addEvent('e');
        ended?.span.addEvent('last').end();
        expected.push(nanos(ended?.elapsed ?? 0));
      }
    }
    const spans = await arrived();
    expect(spans).toHaveLength(expected.length);
    for (const [i, { startTimeUnixNano: start, endTimeUnixNano: end, events }] of spans.entries()) {
      const off = end - start - (expected[i] as bigint);
      if (off > 1000n || off < -1000n) expect.fail(`span ${i} is ${off} ns off`);
      for (const { timeUnixNano: at } of events) {
        if (at < start || at > end) expect.fail(`an event of span ${i} is outside of it`);
      }
    }
  });
});

describe('a time that is given', () => {
  /** One instant: 1234.5 ms after the fake host began to run. */
  const FORMS: [string, TimeInput][] = [
    ['milliseconds', START_MS + 1234.5],
    ['seconds and nanoseconds', [START_MS / 1000 + 1, 234_500_000]],
    ['a reading of performance.now()', 1000 + 1234.5],
  ];

  it.each([...FORMS, ['a Date', new Date(START_MS + 1234)] as [string, TimeInput]])(
    'User-defined start timestamp, End with timestamp: %s is the same everywhere',
    async (_, time) => {
      const at = nanos(START_MS + 1234) + (time instanceof Date ? 0n : 500_000n);
      const { arrived, tracer } = started();
      const span = tracer.startSpan('s', { startTime: time });
      span.addEvent('second', time).addEvent('third', {}, time);
      span.recordException('text', time);
      span.end(time);
      const [sent] = await arrived();
      expect(sent).toMatchObject({ startTimeUnixNano: at, endTimeUnixNano: at });
      expect(sent?.events.map(({ timeUnixNano }) => timeUnixNano)).toEqual([at, at, at]);
    },
  );

  it('keeps every nanosecond', async () => {
    const { arrived, tracer } = started();
    const span = tracer.startSpan('s', { startTime: [1_700_000_000, 123_456_789] });
    span.addEvent('e', [1_700_000_000, 123_456_790]).end([1_700_000_000, 123_456_791]);
    const at = 1_700_000_000_123_456_789n;
    expect(await arrived()).toMatchObject([
      {
        startTimeUnixNano: at,
        events: [{ timeUnixNano: at + 1n }],
        endTimeUnixNano: at + 2n,
      },
    ]);
  });

  it('as the end is the start when it lies before it, in every form', async () => {
    const { arrived, host, tracer } = started();
    await host.advance(5000);
    const startTime = [START_MS / 1000 + 2, 7] as [number, number];
    const early: TimeInput[] = [...FORMS.map(([, time]) => time), new Date(START_MS), [0, 0], 0];
    for (const time of early) tracer.startSpan('s', { startTime }).end(time);
    const spans = await arrived();
    expect(spans).toHaveLength(early.length);
    for (const { startTimeUnixNano, endTimeUnixNano } of spans) {
      expect(startTimeUnixNano).toBe(nanos(START_MS + 2000) + 7n);
      expect(endTimeUnixNano).toBe(startTimeUnixNano);
    }
  });
});

describe('the current time', () => {
  it('keeps the nanoseconds of hrtime', () => {
    let reading: [number, number] = [12, 345_678_901];
    const clock = new Clock(
      () => 12_345.678_901,
      () => 1_700_000_000_000,
      1_699_999_987_654.5,
      () => reading,
    );
    clock.begin();
    const { sec, nano, anchor } = clock;
    for (const more of [1, 654_321_098, 654_321_099, 1_654_321_098]) {
      const total = 345_678_901 + more;
      reading = [12 + Math.floor(total / 1e9), total % 1e9];
      clock.read(anchor);
      const passed = BigInt(clock.sec - sec) * 1_000_000_000n + BigInt(clock.nano - nano);
      expect(passed).toBe(BigInt(more));
      expect(clock.nano).toBeLessThan(1e9);
    }
  });
});
