import { RING_COUNT, RING_TAKEN, STATUS_NO_ROOM } from '../engine/generated/layout.ts';
import type { Engine } from '../engine/select.ts';

/** Encoded bytes that stand in the engine's memory until the next call. */
export interface Encoded {
  /** Address of the first byte. */
  readonly at: number;
  readonly bytes: number;
  /** Records inside. */
  readonly records: number;
  /** Records thrown away because one alone would exceed the limit. */
  readonly tooLarge: number;
}

/**
 * Takes up to `maxRecords` records from a ring (`Ring.control`) and encodes them as one export request
 * of its signal at `at`, of at most `limitBytes`. A batch that would be longer is
 * halved until it fits; a record that exceeds the limit on its own is thrown away and counted.
 * Returns undefined when the ring is empty.
 */
export function encodeBatch(
  engine: Engine,
  ring: number,
  { at, limitBytes }: { readonly at: number; readonly limitBytes: number },
  maxRecords: number,
): Encoded | undefined {
  const { core } = engine;
  const words = new Int32Array(engine.buffer);
  let tooLarge = 0;
  let most = maxRecords;
  for (;;) {
    const bytes = core.encodeBatch(ring, at, limitBytes, most);
    if (bytes >= 0) {
      return { at, bytes, records: words[(ring + RING_TAKEN) >> 2]!, tooLarge };
    }
    if (bytes !== STATUS_NO_ROOM) {
      return tooLarge > 0 ? { at, bytes: 0, records: 0, tooLarge } : undefined;
    }
    if (most > 1) {
      // Halved from what there was to take, not from what might have been.
      most = Math.min(most, words[(ring + RING_COUNT) >> 2]!) >> 1 || 1;
    } else {
      tooLarge += core.discard(ring, 1);
      most = maxRecords;
    }
  }
}
