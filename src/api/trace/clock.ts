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
    if (input === undefined || input === null) return this.read(anchor);
    if (Array.isArray(input)) {
      const [sec, nano] = input;
      if (Number.isFinite(sec) && Number.isFinite(nano)) {
        const carry = Math.floor(nano / 1e9);
        this.sec = sec + carry;
        this.nano = Math.floor(nano - carry * 1e9);
        return;
      }
    } else {
      let ms = typeof input === 'number' ? input : Number(input);
      if (Number.isFinite(ms)) {
        // Smaller than the origin of the monotonic clock: a reading of that clock.
        if (typeof input === 'number' && ms < anchor.originMs) {
          const sec = Math.floor((anchor.ms + ms) / 1000);
          this.sec = anchor.sec + sec;
          this.nano = Math.round((anchor.ms + ms - sec * 1000) * 1e6);
        } else {
          this.sec = Math.floor(ms / 1000);
          ms -= this.sec * 1000;
          this.nano = Math.round(ms * 1e6);
        }
        if (this.nano >= 1e9) {
          this.sec++;
          this.nano -= 1e9;
        }
        return;
      }
    }
    this.read(anchor);
  }
}
