import type { TimeInput } from '@opentelemetry/api';

/**
 * Where the monotonic clock stood on the wall clock at one moment. A span keeps the anchor it
 * began with, so that its own times never run backwards.
 */
export interface Anchor {
  /** Whole seconds since the Unix epoch at the monotonic clock's zero. */
  readonly sec: number;
  /** The rest, in milliseconds. */
  readonly ms: number;
  /** Unix milliseconds at the monotonic clock's zero. */
  readonly originMs: number;
}

/** Re-anchor when the clocks have drifted apart by more (suspend, NTP step). */
const MAX_DRIFT_MS = 50;

function anchorAt(originMs: number): Anchor {
  const sec = Math.floor(originMs / 1000);
  return { sec, ms: originMs - sec * 1000, originMs };
}

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
  private readonly now: () => number;
  private readonly unixNow: () => number;

  /**
   * @param now monotonic milliseconds.
   * @param unixNow milliseconds since the Unix epoch, by the wall clock.
   * @param originMs what the host says of its monotonic clock's zero: finer than the wall clock,
   *   and right until the clocks drift apart.
   */
  constructor(now: () => number, unixNow: () => number, originMs: number) {
    this.now = now;
    this.unixNow = unixNow;
    this.anchor = anchorAt(originMs);
    this.check();
  }

  /** Takes a new anchor if the wall clock has moved away; called now and then. */
  check(): void {
    const originMs = this.unixNow() - this.now();
    if (Math.abs(originMs - this.anchor.originMs) > MAX_DRIFT_MS) this.anchor = anchorAt(originMs);
  }

  /** Reads the current time. */
  read(anchor: Anchor): void {
    const ms = anchor.ms + this.now();
    const whole = (ms * 0.001) | 0;
    const sec = ms - whole * 1000 < 0 ? whole - 1 : whole;
    this.sec = anchor.sec + sec;
    this.nano = ((ms - sec * 1000) * 1e6) | 0;
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
    return isReading ? this.setMs(anchor.sec, anchor.ms + input) : this.setMs(0, input);
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
