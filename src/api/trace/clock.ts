import type { TimeInput } from '@opentelemetry/api';

/**
 * Where the monotonic clock stood on the wall clock at one moment. A span keeps the anchor it
 * began with, so that its own times never run backwards.
 */
export interface Anchor {
  /** Unix time at the zero of the clock that is read for spans: whole seconds … */
  readonly sec: number;
  /** … and nanoseconds. */
  readonly nano: number;
  /** Unix milliseconds at the zero of `now()`. */
  readonly originMs: number;
}

/** Re-anchor when the clocks have drifted apart by more (suspend, NTP step). */
const MAX_DRIFT_MS = 50;

/** A reading of the monotonic clock may lie this far ahead, milliseconds. */
const MAX_AHEAD_MS = 86_400_000;
/** Seconds that fit the record: until the year 2106. */
const MAX_SEC = 2 ** 32 - 1;

/** Reads the time as whole seconds and nanoseconds, without allocating: see `sec` and `nano`. */
export class Clock {
  /** The time last read: seconds since the Unix epoch. */
  sec = 0;
  /** The time last read: nanoseconds within the second. */
  nano = 0;
  anchor: Anchor;
  /** The second in which the two clocks were last compared. */
  private checkedSec = 0;
  private readonly now: () => number;
  private readonly unixNow: () => number;
  private readonly hrtime: (() => [number, number]) | undefined;

  /**
   * @param now monotonic milliseconds.
   * @param unixNow milliseconds since the Unix epoch, by the wall clock.
   * @param originMs what the host says of its monotonic clock's zero: finer than the wall clock,
   *   and right until the clocks drift apart.
   * @param hrtime monotonic seconds and nanoseconds from any zero, where the host has such a
   *   clock: it is what a record needs, and on Node a third faster to read than `now`.
   */
  constructor(
    now: () => number,
    unixNow: () => number,
    originMs: number,
    hrtime?: () => [number, number],
  ) {
    this.now = now;
    this.unixNow = unixNow;
    this.hrtime = hrtime;
    this.anchor = this.anchorAt(originMs);
    this.check();
  }

  private anchorAt(originMs: number): Anchor {
    const zero = { sec: 0, nano: 0, originMs };
    if (this.hrtime === undefined) {
      this.setMs(0, originMs);
      return { sec: this.sec, nano: this.nano, originMs };
    }
    // Both clocks at one moment: where the one stood on the wall clock, less what the other says.
    this.setMs(0, originMs + this.now());
    const { sec, nano } = this;
    this.read(zero);
    const borrow = nano < this.nano ? 1 : 0;
    return { sec: sec - this.sec - borrow, nano: nano - this.nano + borrow * 1e9, originMs };
  }

  /** Takes a new anchor if the wall clock has moved away; called now and then. */
  check(): void {
    const originMs = this.unixNow() - this.now();
    if (Math.abs(originMs - this.anchor.originMs) > MAX_DRIFT_MS) {
      this.anchor = this.anchorAt(originMs);
    }
  }

  /**
   * Reads the current time for a span that begins. Once a second the wall clock is looked at, so
   * that a machine that was suspended is late by no more than that.
   */
  begin(): void {
    this.read(this.anchor);
    if (this.sec === this.checkedSec) return;
    this.check();
    this.read(this.anchor);
    this.checkedSec = this.sec;
  }

  /** Reads the current time. */
  read(anchor: Anchor): void {
    let sec: number;
    let nano: number;
    if (this.hrtime !== undefined) {
      const time = this.hrtime();
      sec = time[0];
      nano = time[1];
    } else {
      const ms = this.now();
      sec = Math.floor(ms * 0.001);
      nano = ((ms - sec * 1000) * 1e6) | 0;
    }
    sec += anchor.sec;
    nano += anchor.nano;
    const carry = nano >= 1e9;
    this.sec = carry ? sec + 1 : sec;
    this.nano = carry ? nano - 1e9 : nano;
  }

  /**
   * Reads a time given by the user (`TimeInput`): a Date, seconds and nanoseconds, Unix
   * milliseconds, or milliseconds of the monotonic clock (`performance.now()`). Anything else
   * reads the current time.
   */
  readInput(input: TimeInput | undefined, anchor: Anchor): void {
    try {
      if (this.take(input, anchor)) return;
    } catch {
      // What only looks like a time and throws when it is read.
    }
    this.read(anchor);
  }

  private take(input: TimeInput | undefined, anchor: Anchor): boolean {
    if (Array.isArray(input)) {
      const [sec, nano] = input;
      return this.set(sec, nano);
    }
    if (input instanceof Date) return this.setMs(0, input.getTime());
    if (typeof input !== 'number') return false;
    const isReading = input < anchor.originMs && input < this.now() + MAX_AHEAD_MS;
    if (!isReading) return this.setMs(0, input);
    // Apart, since a double holds no nanoseconds beside the milliseconds since the epoch.
    const sec = Math.floor(anchor.originMs / 1000);
    return this.setMs(sec, anchor.originMs - sec * 1000 + input);
  }

  private setMs(sec: number, ms: number): boolean {
    const whole = Math.floor(ms / 1000);
    return this.set(sec + whole, Math.round((ms - whole * 1000) * 1e6));
  }

  /** Takes seconds and nanoseconds of any size and sign; false when they are no numbers. */
  private set(sec: number, nano: number): boolean {
    if (!Number.isFinite(sec) || !Number.isFinite(nano)) return false;
    // The remainder is exact; a quotient need not be, of all nanoseconds since the epoch, say.
    const rest = Math.floor(nano) % 1e9;
    const borrow = rest < 0 ? 1 : 0;
    const whole = Math.floor(sec) + (Math.floor(nano) - rest) / 1e9 - borrow;
    const fits = whole >= 0 && whole <= MAX_SEC;
    this.sec = fits ? whole : whole < 0 ? 0 : MAX_SEC;
    this.nano = fits ? rest + borrow * 1e9 : 0;
    return true;
  }
}
