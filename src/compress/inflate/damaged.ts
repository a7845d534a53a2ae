/** More bytes would come of it than are allowed. */
export class TooLong extends RangeError {
  constructor(maxBytes: number) {
    super(`inflates to more than ${maxBytes} bytes`);
  }
}

/** For bytes that are not of the format that they are said to be in. */
export function damaged(format: string, what: string): Error {
  return new Error(`not ${format}: ${what}`);
}
