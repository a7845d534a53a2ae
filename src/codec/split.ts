/** A request that is too large, as two with half of the records each. Under work. */

type Halves = readonly [Uint8Array, Uint8Array];

export function countRecords(_raw: Uint8Array): number | undefined {
  return undefined;
}

export function splitRequest(_raw: Uint8Array): Halves | undefined {
  return undefined;
}

export function countJsonRecords(_body: Uint8Array): number | undefined {
  return undefined;
}

export function splitJsonRequest(_body: Uint8Array): Halves | undefined {
  return undefined;
}
