/** Spans: from their records (buffer/record.ts) to Span (opentelemetry/proto/trace/v1/trace.proto, OTLP 1.11). */

import {
  SPAN_ATTRIBUTES,
  SPAN_BITS,
  SPAN_DROPPED_ATTRIBUTES,
  SPAN_DROPPED_EVENTS,
  SPAN_DROPPED_LINKS,
  SPAN_END,
  SPAN_EVENTS,
  SPAN_FLAGS_MASK,
  SPAN_HEADER_BYTES,
  SPAN_KIND_SHIFT,
  SPAN_LINKS,
  SPAN_MESSAGE_BYTES,
  SPAN_NAME,
  SPAN_PARENT_ID,
  SPAN_SPAN_ID,
  SPAN_START,
  SPAN_STATE_BYTES,
  SPAN_STATUS_SHIFT,
  SPAN_TEXT,
  SPAN_TRACE_ID,
} from '../buffer/record';
import { copy16 } from '../lanes/index';
import { store16, store32, store64 } from '../lanes/unaligned';
import { cursorAfter, padded, setTextBlock, writeAttributes, writeBytes } from './attribute';
import { afterName, FIXED_BYTES, writeCount, writeName, writeTime } from './field';
import { noteId, noteIds } from './opaque';
import { closeLength, varintSize, writeVarint } from './varint';

/** A guess, carried from one sibling to the next; only speed depends on it. */
let eventWidth: i32 = 1;

function writeEvent(p: i32, limit: i32, r: i32): i32 {
  if (limit - p < FIXED_BYTES) return 0;
  store<u8>(p, 0x5a);
  const at = p + 1;
  const width = eventWidth;
  p = writeTime(at + width, 0x09, r);
  const name = load<i32>(r + 8);
  const attributes = load<i32>(r + 12);
  const dropped = load<u32>(r + 16);
  p = writeName(p, limit, 0x12, name, r + 20);
  if (p == 0) return 0;
  p = writeAttributes(p, limit, 0x1a, attributes, afterName(name, r + 20));
  if (p == 0) return 0;
  p = writeCount(p, 0x20, dropped);
  eventWidth = varintSize(p - at - width);
  return closeLength(at, width, p);
}

function writeLink(p: i32, limit: i32, r: i32): i32 {
  const stateBytes = load<i32>(r + 36);
  if (limit - p - FIXED_BYTES < stateBytes) return 0;
  store<u8>(p, 0x6a);
  const at = p + 1;
  p = at + 2;
  store16(p, 0x100a);
  copy16(p + 2, r);
  store16(p + 18, 0x0812);
  store64(p + 20, load<u64>(r + 16, 0, 4));
  p += 28;
  if (stateBytes > 0) p = writeBytes(p, 0x1a, r + 40, stateBytes);
  p = writeAttributes(p, limit, 0x22, load<i32>(r + 28), r + 40 + padded(stateBytes));
  if (p == 0) return 0;
  p = writeCount(p, 0x28, load<u32>(r + 32));
  const flags = load<u32>(r + 24);
  if (flags != 0) {
    store<u8>(p, 0x35);
    store32(p + 1, flags);
    p += 5;
  }
  return closeLength(at, 2, p);
}

/** Writes one span as field 2 of ScopeSpans; returns where the next byte goes, or 0. */
export function writeSpan(p: i32, limit: i32, record: i32): i32 {
  const stateBytes = load<i32>(record + SPAN_STATE_BYTES);
  const messageBytes = load<i32>(record + SPAN_MESSAGE_BYTES);
  if (limit - p - FIXED_BYTES < stateBytes + messageBytes) return 0;
  const bits = load<u32>(record + SPAN_BITS);
  let r = record + SPAN_HEADER_BYTES;
  setTextBlock(load<i32>(record + SPAN_TEXT));

  // bounds: the fixed fields below take less than FIXED_BYTES, checked above; everything of
  // variable length checks for itself.
  store<u8>(p, 0x12);
  const at = p + 1;
  p = at + 2; // two length bytes: a span of 128 to 16383 bytes
  store16(p, 0x100a);
  copy16(p + 2, record + SPAN_TRACE_ID);
  store16(p + 18, 0x0812);
  store64(p + 20, load<u64>(record + SPAN_SPAN_ID, 0, 4));
  noteIds(p);
  p += 28;
  if (stateBytes > 0) {
    p = writeBytes(p, 0x1a, r, stateBytes);
    r += padded(stateBytes);
  }
  const parent = load<u64>(record + SPAN_PARENT_ID, 0, 4);
  if (parent != 0) {
    store16(p, 0x0822);
    store64(p + 2, parent);
    noteId(p + 3, 6);
    p += 10;
  }
  const name = load<i32>(record + SPAN_NAME);
  p = writeName(p, limit, 0x2a, name, r);
  if (p == 0 || limit - p < FIXED_BYTES + messageBytes) return 0;
  r = afterName(name, r);
  p = writeCount(p, 0x30, (bits >> SPAN_KIND_SHIFT) & 15);
  p = writeTime(p, 0x39, record + SPAN_START);
  p = writeTime(p, 0x41, record + SPAN_END);

  p = writeAttributes(p, limit, 0x4a, load<i32>(record + SPAN_ATTRIBUTES), r);
  if (p == 0) return 0;
  r = cursorAfter();
  p = writeCount(p, 0x50, load<u32>(record + SPAN_DROPPED_ATTRIBUTES));

  for (let i = load<i32>(record + SPAN_EVENTS); i > 0; --i) {
    p = writeEvent(p, limit, r);
    if (p == 0) return 0;
    r = cursorAfter();
  }
  p = writeCount(p, 0x60, load<u32>(record + SPAN_DROPPED_EVENTS));

  for (let i = load<i32>(record + SPAN_LINKS); i > 0; --i) {
    p = writeLink(p, limit, r);
    if (p == 0) return 0;
    r = cursorAfter();
  }
  p = writeCount(p, 0x70, load<u32>(record + SPAN_DROPPED_LINKS));

  const status = (bits >> SPAN_STATUS_SHIFT) & 3;
  if (limit - p < FIXED_BYTES + messageBytes) return 0;
  if ((status | messageBytes) != 0) {
    const message = messageBytes > 0 ? 1 + varintSize(messageBytes) + messageBytes : 0;
    store<u8>(p, 0x7a);
    p = writeVarint(p + 1, message + (status != 0 ? 2 : 0));
    if (messageBytes > 0) p = writeBytes(p, 0x12, r, messageBytes);
    p = writeCount(p, 0x18, status);
  }
  const flags = bits & SPAN_FLAGS_MASK;
  if (flags != 0) {
    store16(p, 0x0185);
    store32(p + 2, flags);
    p += 6;
  }
  return closeLength(at, 2, p);
}
