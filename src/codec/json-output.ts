/** Text in ASCII and numbers as JSON has them, written into bytes that grow. */

import type { Ascii } from './json-layout.ts';

/** Room kept for what has a known bound: a comma, a key, brackets, a number, an id. */
export const ROOM = 128;

export const NOTHING = new Uint8Array(0);

/** Whoever writes has seen to it that there is room. */
export class JsonOutput {
  /** What is written; kept from one request to the next. */
  protected out = NOTHING;
  protected outView = viewOf(NOTHING);
  protected to = 0;

  /** `000` to `999`, three characters each. */
  private readonly threeDigits = new Int32Array(1000);
  /** `0` to `999`, and how many characters that is in the uppermost byte. */
  private readonly upToThree = new Int32Array(1000);
  /** `00` to `ff` */
  protected readonly twoHex = new Uint16Array(256);

  // The second that the last time was in: times of a request share it.
  private secondLow = 0;
  private secondHigh = 0;
  private secondDigits = 0;
  private readonly second = new Int32Array(3);

  constructor() {
    for (let i = 0; i < 1000; i++) {
      const [hundreds, tens, ones] = [(i / 100) | 0, ((i / 10) | 0) % 10, i % 10];
      const three = (0x30 + hundreds) | ((0x30 + tens) << 8) | ((0x30 + ones) << 16);
      const count = i < 10 ? 1 : i < 100 ? 2 : 3;
      this.threeDigits[i] = three;
      this.upToThree[i] = (three >>> (8 * (3 - count))) | (count << 24);
    }
    for (let i = 0; i < 256; i++) this.twoHex[i] = hexDigit(i >> 4) | (hexDigit(i & 15) << 8);
  }

  /** Sees to it that `bytes` more can be written. */
  protected room(bytes: number): void {
    const size = this.out.length;
    if (size - this.to < bytes) this.grow(Math.max(2 * size, this.to + bytes));
  }

  private grow(size: number): void {
    const larger = new Uint8Array(size);
    larger.set(this.out.subarray(0, this.to));
    this.writeInto(larger);
  }

  protected writeInto(out: Uint8Array<ArrayBuffer>): void {
    this.out = out;
    this.outView = viewOf(out);
  }

  /** Writes at `to` and returns what is behind. */
  protected put({ words, length }: Ascii, to: number): number {
    const { outView } = this;
    for (let i = 0; i < words.length; i++) outView.setFloat64(to + 8 * i, words[i]!, true);
    return to + length;
  }

  protected signed(value: number): boolean {
    if (value < 0) this.out[this.to++] = 0x2d;
    this.to = this.digits(Math.abs(value), this.to);
    return value === 0;
  }

  /** A 64-bit integer as a string; negative when `high` is. */
  protected long(low: number, high: number): boolean {
    const zero = low === 0 && high === 0;
    this.out[this.to++] = 0x22;
    if (high < 0) {
      this.out[this.to++] = 0x2d;
      low = -low >>> 0;
      high = (~high + (low === 0 ? 1 : 0)) >>> 0;
    }
    if (high < 0x20_0000) {
      this.to = this.digits(high * 2 ** 32 + low, this.to);
    } else {
      // Too large for a double: divided by hand, sixteen bits at a time.
      let rest = high >>> 16;
      let quotient = Math.floor(rest / 1e9);
      for (const limb of [high & 0xffff, low >>> 16, low & 0xffff]) {
        rest = (rest % 1e9) * 65_536 + limb;
        quotient = quotient * 65_536 + Math.floor(rest / 1e9);
      }
      this.to = this.nineDigits(rest % 1e9, this.digits(quotient, this.to));
    }
    this.out[this.to++] = 0x22;
    return zero;
  }

  /** An unsigned 64-bit integer as a string, which is likely to be a time in nanoseconds. */
  protected time(low: number, high: number): boolean {
    const { out, outView, second } = this;
    const from = this.to;
    const since = (high - this.secondHigh) * 2 ** 32 + (low - this.secondLow);
    if (since >= 0 && since < 1e9 && this.secondDigits > 0) {
      out[from] = 0x22;
      outView.setInt32(from + 1, second[0]!, true);
      outView.setInt32(from + 5, second[1]!, true);
      outView.setInt32(from + 9, second[2]!, true);
      const past = this.nineDigits(since, from + 1 + this.secondDigits);
      out[past] = 0x22;
      this.to = past + 1;
      return false;
    }
    const zero = this.long(low, high);
    const digits = this.to - from - 2;
    if (digits > 9) {
      let nanoseconds = 0;
      for (let i = this.to - 10; i < this.to - 1; i++)
        nanoseconds = nanoseconds * 10 + out[i]! - 0x30;
      this.secondLow = (low - nanoseconds) >>> 0;
      this.secondHigh = high - (nanoseconds > low ? 1 : 0);
      this.secondDigits = digits - 9;
      for (let i = 0; i < 3; i++) second[i] = outView.getInt32(from + 1 + 4 * i, true);
    }
    return zero;
  }

  // Numbers are written at `to`; what is behind them is returned.

  /** A whole number from 0 to 2^53. */
  protected digits(value: number, to: number): number {
    if (value >= 1e9) {
      const upper = Math.floor(value / 1e9);
      return this.nineDigits(value - upper * 1e9, this.digits(upper, to));
    }
    const { outView, threeDigits, upToThree } = this;
    const ones = value | 0;
    if (ones < 1000) {
      const three = upToThree[ones]!;
      outView.setInt32(to, three, true);
      return to + (three >> 24);
    }
    const thousands = (ones / 1000) | 0;
    const millions = (ones / 1_000_000) | 0;
    const three = upToThree[millions > 0 ? millions : thousands]!;
    outView.setInt32(to, three, true);
    to += three >> 24;
    if (millions > 0) {
      outView.setInt32(to, threeDigits[thousands - 1000 * millions]!, true);
      to += 3;
    }
    outView.setInt32(to, threeDigits[ones - 1000 * thousands]!, true);
    return to + 3;
  }

  private nineDigits(value: number, to: number): number {
    const { outView, threeDigits } = this;
    const ones = value | 0;
    const thousands = (ones / 1000) | 0;
    const millions = (ones / 1_000_000) | 0;
    outView.setInt32(to, threeDigits[millions]!, true);
    outView.setInt32(to + 3, threeDigits[thousands - 1000 * millions]!, true);
    outView.setInt32(to + 6, threeDigits[ones - 1000 * thousands]!, true);
    return to + 9;
  }

  /** A double. */
  protected decimal(value: number, to: number): number {
    const size = Math.abs(value);
    if (size < 1e9 && size > 0) {
      // Decimals of up to fifteen digits are doubles of their own: this one is the shortest.
      const millionths = Math.round(size * 1e6);
      if (millionths / 1e6 === size) {
        const whole = Math.floor(size);
        if (value < 0) this.out[to++] = 0x2d;
        to = this.digits(whole, to);
        return whole === size ? to : this.fraction(millionths - whole * 1e6, to);
      }
    }
    this.to = to;
    if (Object.is(value, -0)) this.ascii('-0');
    else if (Number.isFinite(value)) this.ascii(String(value));
    else this.ascii(`"${value}"`);
    return this.to;
  }

  /** A dot and so many millionths, which are not none. */
  private fraction(millionths: number, to: number): number {
    const { out, outView, threeDigits } = this;
    const ones = millionths | 0;
    const thousands = (ones / 1000) | 0;
    out[to] = 0x2e;
    outView.setInt32(to + 1, threeDigits[thousands]!, true);
    outView.setInt32(to + 4, threeDigits[ones - 1000 * thousands]!, true);
    to += 7;
    while (out[to - 1] === 0x30) to--;
    return to;
  }

  protected ascii(text: string): void {
    for (let i = 0; i < text.length; i++) this.out[this.to++] = text.charCodeAt(i);
  }
}

export function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

export function hexDigit(value: number): number {
  return value < 10 ? 0x30 + value : 0x57 + value;
}
