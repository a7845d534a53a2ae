/**
 * What the encoder tells the compressor of a request: where ids stand in it, which repeat nowhere
 * (memory.ts, OPAQUE_FIELDS; compress/match.ts).
 */

import { OPAQUE_FIELDS, OPAQUE_FIELDS_END } from '../memory';

/** Where the next id is noted, and where the request begins. */
let field: i32 = OPAQUE_FIELDS;
let origin: i32 = 0;

export function startNotes(out: i32): void {
  field = OPAQUE_FIELDS;
  origin = out;
}

export function endNotes(): void {
  store<i32>(field, i32.MAX_VALUE);
}

/** Notes one id whose second byte stands at `p`, `n` bytes from there on but for the last. */
// @ts-ignore: decorator
@inline
export function noteId(p: i32, n: i32): void {
  // bounds: when the room is used up the last ones are written over.
  const noted = min(field, OPAQUE_FIELDS_END - 16);
  store<i32>(noted, ((p - origin) << 4) | n);
  field = noted + 4;
}

/**
 * Notes the trace id and the span id of fields that stand at `p`: tag, length, 16 bytes, tag, length,
 * 8 bytes. Without their last byte: a record whose length takes one byte moves up by one, and what is
 * behind an id is where a match begins.
 */
// @ts-ignore: decorator
@inline
export function noteIds(p: i32): void {
  // bounds: as in noteId.
  const noted = min(field, OPAQUE_FIELDS_END - 16);
  const place = (p - origin) << 4;
  store<i32>(noted, place + ((3 << 4) | 14));
  store<i32>(noted, place + ((21 << 4) | 6), 4);
  field = noted + 8;
}
