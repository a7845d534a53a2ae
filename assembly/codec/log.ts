/**
 * Log records: from their records (buffer/record.ts) to LogRecord
 * (opentelemetry/proto/logs/v1/logs.proto, OTLP 1.11).
 */

import {
  LOG_ATTRIBUTES,
  LOG_BITS,
  LOG_BODY,
  LOG_DROPPED_ATTRIBUTES,
  LOG_EVENT_NAME,
  LOG_HEADER_BYTES,
  LOG_OBSERVED,
  LOG_SEVERITY_SHIFT,
  LOG_SEVERITY_TEXT,
  LOG_SPAN_ID,
  LOG_TEXT,
  LOG_TIME,
  LOG_TRACE_ID,
  SPAN_FLAGS_MASK,
  VALUE_KIND_BITS,
} from '../buffer/record';
import { copy16 } from '../lanes/index';
import { store16, store32, store64 } from '../lanes/unaligned';
import { cursorAfter, padded, setTextBlock, writeAnyValue, writeAttributes } from './attribute';
import { afterName, FIXED_BYTES, writeCount, writeName, writeTime } from './field';
import { noteIds } from './opaque';
import { closeLength } from './varint';

/** Writes one log record as field 2 of ScopeLogs; returns where the next byte goes, or 0. */
export function writeLogRecord(p: i32, limit: i32, record: i32): i32 {
  if (limit - p < FIXED_BYTES) return 0;
  const bits = load<u32>(record + LOG_BITS);
  setTextBlock(load<i32>(record + LOG_TEXT));

  // bounds: the fixed fields below take less than FIXED_BYTES, looked at again behind each field of
  // variable length, which checks for itself.
  store<u8>(p, 0x12);
  const at = p + 1;
  p = at + 2; // two length bytes: a record of 128 to 16383 bytes
  if ((load<u32>(record + LOG_TIME) | load<u32>(record + LOG_TIME, 4)) != 0) {
    p = writeTime(p, 0x09, record + LOG_TIME);
  }
  p = writeCount(p, 0x10, bits >> LOG_SEVERITY_SHIFT);
  let r = record + LOG_HEADER_BYTES;
  const severity = load<i32>(record + LOG_SEVERITY_TEXT);
  p = writeName(p, limit, 0x1a, severity, r);
  if (p == 0) return 0;
  r = afterName(severity, r);
  const name = load<i32>(record + LOG_EVENT_NAME);
  const nameAt = r;
  r = afterName(name, r);
  if (load<i32>(record + LOG_BODY) != 0) {
    const head = load<u32>(r);
    // Its key says nothing; where it is not interned it stands here.
    r += 4;
    if (head >> VALUE_KIND_BITS == 0) r += 4 + padded(load<i32>(r));
    p = writeAnyValue(p, limit, 0x2a, head & ((1 << VALUE_KIND_BITS) - 1), r);
    if (p == 0) return 0;
    r = cursorAfter();
  }
  p = writeAttributes(p, limit, 0x32, load<i32>(record + LOG_ATTRIBUTES), r);
  if (p == 0 || limit - p < FIXED_BYTES) return 0;
  p = writeCount(p, 0x38, load<u32>(record + LOG_DROPPED_ATTRIBUTES));
  const flags = bits & SPAN_FLAGS_MASK;
  if (flags != 0) {
    store<u8>(p, 0x45);
    store32(p + 1, flags);
    p += 5;
  }
  const spanId = load<u64>(record + LOG_SPAN_ID, 0, 4);
  // Both or none: a span is not found without its trace.
  if (spanId != 0) {
    store16(p, 0x104a);
    copy16(p + 2, record + LOG_TRACE_ID);
    store16(p + 18, 0x0852);
    store64(p + 20, spanId);
    noteIds(p);
    p += 28;
  }
  p = writeTime(p, 0x59, record + LOG_OBSERVED);
  p = writeName(p, limit, 0x62, name, nameAt);
  if (p == 0 || limit - p < 16) return 0;
  return closeLength(at, 2, p);
}
