/**
 * Metrics: from streams and their series (buffer/cell.ts) to ExportMetricsServiceRequests
 * (opentelemetry/proto/metrics/v1/metrics.proto, OTLP 1.11).
 *
 * One call writes one request, stream after stream, and notes in the batch where the next one has to
 * go on: a point that does not fit any more is the first of the next request, inside the same
 * resource, scope and metric. Those are opened with their first point, so that none is empty. As in
 * batches of records (batch.ts), lengths that are not known beforehand get as many bytes as the last
 * one of their kind suggests.
 */

import {
  BATCH_CELL,
  BATCH_MOST,
  BATCH_NANOS,
  BATCH_NEXT,
  BATCH_POINTS,
  BATCH_RESOURCE,
  BATCH_SCOPE,
  BATCH_STREAMS,
  BATCH_TIME,
  BATCH_TOO_LARGE,
  BUCKETS_ADDRESS,
  BUCKETS_LENGTH,
  BUCKETS_OFFSET,
  CELL_ATTRIBUTES_BYTES,
  CELL_COUNT,
  CELL_COUNTS,
  CELL_END,
  CELL_EXEMPLARS,
  CELL_MAX,
  CELL_MIN,
  CELL_NEGATIVE,
  CELL_NEXT,
  CELL_POSITIVE,
  CELL_SCALE,
  CELL_START,
  CELL_STATE,
  CELL_VALUE,
  CELL_ZEROS,
  EXEMPLAR_ATTRIBUTES,
  EXEMPLAR_ATTRIBUTES_BYTES,
  EXEMPLAR_BYTES,
  EXEMPLAR_SPAN_ID,
  EXEMPLAR_STATE,
  EXEMPLAR_TIME,
  EXEMPLAR_TRACE_ID,
  EXEMPLAR_VALUE,
  KIND_EXPONENTIAL,
  KIND_GAUGE,
  KIND_HISTOGRAM,
  KIND_SUM,
  STREAM_BYTES,
  STREAM_CELL_BYTES,
  STREAM_COUNT,
  STREAM_DELTA,
  STREAM_EXEMPLARS,
  STREAM_FIRST,
  STREAM_FLAGS,
  STREAM_GUESS,
  STREAM_HEADER_BYTES,
  STREAM_INT,
  STREAM_KIND,
  STREAM_MIN_MAX,
  STREAM_MONOTONIC,
  STREAM_OBSERVED,
  STREAM_PRELUDE,
  STREAM_SIZE,
  STREAM_SUM,
  STREAM_ZERO,
} from '../buffer/cell';
import { take } from '../buffer/cells';
import { GROUP_HEADER_BYTES, GROUP_POSTLUDE, GROUP_PRELUDE } from '../buffer/strings';
import { copy16 } from '../lanes/index';
import { load32, store16, store32, store64 } from '../lanes/unaligned';
import { STATUS_EMPTY, STATUS_NO_ROOM } from '../status';
import { copyBytes } from './attribute';
import { FIXED_BYTES, writeTime } from './field';
import { closeLength, varintSize, writeVarint, writeVarint64 } from './varint';

/** What the lengths of a metric, its data, a scope and a resource may grow by, and their last fields. */
const CLOSING_BYTES: i32 = 32;

const TWO_32: f64 = 4294967296.0;
const LARGEST_INT: f64 = 9223372036854774784.0;

/** Guesses, on which only speed depends. */
let scopeBytes: i32 = 20000;
let resourceBytes: i32 = 20000;

/** A whole number as 64 bits. */
// @ts-ignore: decorator
@inline
function storeWhole(p: i32, value: f64): void {
  if (ASC_FEATURE_BULK_MEMORY) {
    store64(p, <i64>value);
  } else {
    // Targets without bulk memory are turned into JavaScript, where 64-bit words cost two.
    const high = floor<f64>(value * (1.0 / TWO_32));
    store32(p, <u32>(value - high * TWO_32));
    store32(p + 4, <i32>high);
  }
}

/** A count as a fixed64 field, left out when zero. */
// @ts-ignore: decorator
@inline
function writeCount64(p: i32, tag: i32, count: f64): i32 {
  if (count == 0.0) return p;
  store<u8>(p, tag);
  storeWhole(p + 1, count);
  return p + 9;
}

// @ts-ignore: decorator
@inline
function writeDouble(p: i32, tag: i32, source: i32): i32 {
  store<u8>(p, tag);
  store64(p + 1, load<u64>(source));
  return p + 9;
}

/** A double that is left out when it is 0, which -0 is not. */
// @ts-ignore: decorator
@inline
function writeDefaultDouble(p: i32, tag: i32, source: i32): i32 {
  return load<u64>(source) == 0 ? p : writeDouble(p, tag, source);
}

/** A measured value: as an integer, the nearest that 64 bits can have, or as a double. */
function writeValue(p: i32, tag: i32, source: i32): i32 {
  const value = load<f64>(source);
  store<u8>(p, tag);
  // Neither comparison holds for what is not a number.
  storeWhole(
    p + 1,
    value >= -LARGEST_INT
      ? value <= LARGEST_INT
        ? trunc<f64>(value)
        : LARGEST_INT
      : value < 0.0
        ? -LARGEST_INT
        : 0.0,
  );
  return p + 9;
}

/** A sint32 that is left out when zero. */
// @ts-ignore: decorator
@inline
function writeSigned(p: i32, tag: i32, value: i32): i32 {
  if (value == 0) return p;
  store<u8>(p, tag);
  return writeVarint(p + 1, (value << 1) ^ (value >> 31));
}

/** The exemplars of a series as fields with that tag; 0 when `limit` would be passed. */
function writeExemplars(p: i32, limit: i32, tag: i32, cell: i32, stream: i32): i32 {
  let exemplar = load<i32>(cell + CELL_EXEMPLARS);
  for (let i = load<i32>(stream + STREAM_EXEMPLARS); i > 0; --i, exemplar += EXEMPLAR_BYTES) {
    const state = load<i32>(exemplar + EXEMPLAR_STATE);
    if (state == 0) continue;
    const attributes = load<i32>(exemplar + EXEMPLAR_ATTRIBUTES);
    const bytes = attributes == 0 ? 0 : load<i32>(exemplar + EXEMPLAR_ATTRIBUTES_BYTES);
    // bounds: the fixed fields take 46 bytes, tag and length 6 at most.
    if (limit - p - FIXED_BYTES < bytes) return 0;
    const ids = state > 1 ? 28 : 0;
    const int = load<i32>(stream + STREAM_FLAGS) & STREAM_INT;
    store<u8>(p, tag);
    p = writeVarint(p + 1, 18 + ids + bytes);
    p = writeTime(p, 0x11, exemplar + EXEMPLAR_TIME);
    if (!int) p = writeDouble(p, 0x19, exemplar + EXEMPLAR_VALUE);
    if (ids != 0) {
      store16(p, 0x0822);
      store64(p + 2, load<u64>(exemplar + EXEMPLAR_SPAN_ID));
      store16(p + 10, 0x102a);
      copy16(p + 12, exemplar + EXEMPLAR_TRACE_ID);
      p += 28;
    }
    if (int) p = writeValue(p, 0x31, exemplar + EXEMPLAR_VALUE);
    copyBytes(p, attributes, bytes);
    p += bytes;
  }
  return p;
}

/** The attributes of a series, which are fields with their tags; the caller has seen to the room. */
// @ts-ignore: decorator
@inline
function writeOwnAttributes(p: i32, cell: i32, stream: i32): i32 {
  const bytes = load<i32>(cell + CELL_ATTRIBUTES_BYTES);
  copyBytes(p, cell + load<i32>(stream + STREAM_CELL_BYTES), bytes);
  return p + bytes;
}

/** When a series began and when its point ends, as fixed64 fields with that tag and the next. */
// @ts-ignore: decorator
@inline
function writeTimes(p: i32, cell: i32, batch: i32): i32 {
  if ((load<i32>(cell + CELL_START) | load<i32>(cell + CELL_START + 4)) != 0) {
    p = writeTime(p, 0x11, cell + CELL_START);
  }
  if ((load<i32>(cell + CELL_END) | load<i32>(cell + CELL_END + 4)) != 0) {
    return writeTime(p, 0x19, cell + CELL_END);
  }
  store<u8>(p, 0x19);
  store64(p + 1, load<u64>(batch + BATCH_NANOS));
  return p + 9;
}

/** Buckets, when there are any. */
function writeBuckets(p: i32, limit: i32, tag: i32, buckets: i32): i32 {
  const length = load<i32>(buckets + BUCKETS_LENGTH);
  if (length == 0) return p;
  // bounds: a count takes 8 bytes at most, being less than 2^54.
  if (limit - p - 32 < length << 3) return 0;
  store<u8>(p, tag);
  const at = p + 1;
  const width = varintSize(length + 16);
  p = writeSigned(at + width, 0x08, load<i32>(buckets + BUCKETS_OFFSET));
  store<u8>(p, 0x12);
  const packed = p + 1;
  const packedWidth = varintSize(length);
  p = packed + packedWidth;
  let source = load<i32>(buckets + BUCKETS_ADDRESS);
  for (const end = source + (length << 3); source != end; source += 8) {
    const count = load<f64>(source);
    if (count < 128.0) store<u8>(p++, <i32>count);
    else p = count < TWO_32 ? writeVarint(p, <u32>count) : writeVarint64(p, <u64>count);
  }
  return closeLength(at, width, closeLength(packed, packedWidth, p));
}

/** The fields of a histogram's point between its times and its exemplars. */
function writeCounts(p: i32, limit: i32, cell: i32, stream: i32): i32 {
  const boundaries = load<i32>(stream + STREAM_SIZE);
  // bounds: as many counts and one more, each of 8 bytes, two tags and two lengths.
  if (limit - p - FIXED_BYTES < ((boundaries << 1) + 1) << 3) return 0;
  store<u8>(p, 0x32);
  p = writeVarint(p + 1, (boundaries + 1) << 3);
  let source = cell + CELL_COUNTS;
  for (let i = 0; i <= boundaries; ++i) {
    storeWhole(p, load<f64>(source));
    source += 8;
    p += 8;
  }
  if (boundaries > 0) {
    store<u8>(p, 0x3a);
    p = writeVarint(p + 1, boundaries << 3);
    memory.copy(p, stream + STREAM_HEADER_BYTES, boundaries << 3);
    p += boundaries << 3;
  }
  return p;
}

function writeQuantiles(p: i32, limit: i32, cell: i32, stream: i32): i32 {
  const count = load<i32>(stream + STREAM_SIZE);
  // bounds: a quantile takes 20 bytes at most.
  if (limit - p - FIXED_BYTES < count * 20) return 0;
  let source = cell + CELL_COUNTS;
  for (let i = 0; i < count; ++i) {
    store<u8>(p, 0x32);
    const at = p + 1;
    p = writeDefaultDouble(at + 1, 0x09, source);
    p = writeDefaultDouble(p, 0x11, source + 8);
    store<u8>(at, p - at - 1);
    source += 16;
  }
  return p;
}

/** The body of a series' point; returns where the next byte goes, or 0. */
function writePoint(p: i32, limit: i32, cell: i32, stream: i32, batch: i32): i32 {
  const kind = load<i32>(stream + STREAM_KIND);
  const flags = load<i32>(stream + STREAM_FLAGS);
  const exemplars = load<i32>(cell + CELL_EXEMPLARS);
  // bounds: fixed fields and attributes fit; what else is of variable length checks for itself, with
  // FIXED_BYTES and the attributes to spare.
  limit -= load<i32>(cell + CELL_ATTRIBUTES_BYTES);
  if (limit - p < FIXED_BYTES) return 0;
  if (kind == KIND_SUM || kind == KIND_GAUGE) {
    p = writeTimes(p, cell, batch);
    if (!(flags & STREAM_INT)) p = writeDouble(p, 0x21, cell + CELL_VALUE);
    if (exemplars != 0) {
      p = writeExemplars(p, limit, 0x2a, cell, stream);
      if (p == 0) return 0;
    }
    if (flags & STREAM_INT) p = writeValue(p, 0x31, cell + CELL_VALUE);
    return writeOwnAttributes(p, cell, stream);
  }
  const exponential = kind == KIND_EXPONENTIAL;
  if (exponential) p = writeOwnAttributes(p, cell, stream);
  if (exponential) limit += load<i32>(cell + CELL_ATTRIBUTES_BYTES);
  p = writeTimes(p, cell, batch);
  const count = load<f64>(cell + CELL_COUNT);
  p = writeCount64(p, 0x21, count);
  if (kind != KIND_EXPONENTIAL && kind != KIND_HISTOGRAM) {
    p = writeDefaultDouble(p, 0x29, cell + CELL_VALUE);
    p = writeQuantiles(p, limit, cell, stream);
    return p == 0 ? 0 : writeOwnAttributes(p, cell, stream);
  }
  if (flags & STREAM_SUM) p = writeDouble(p, 0x29, cell + CELL_VALUE);
  // Infinity and -Infinity, in that order, while nothing was recorded.
  const extremes =
    flags & STREAM_MIN_MAX && load<f64>(cell + CELL_MIN) <= load<f64>(cell + CELL_MAX);
  if (exponential) {
    p = writeSigned(p, 0x30, load<i32>(cell + CELL_SCALE));
    p = writeCount64(p, 0x39, load<f64>(cell + CELL_ZEROS));
    p = writeBuckets(p, limit, 0x42, cell + CELL_POSITIVE);
    if (p != 0) p = writeBuckets(p, limit, 0x4a, cell + CELL_NEGATIVE);
  } else {
    p = writeCounts(p, limit, cell, stream);
  }
  if (p != 0 && exemplars != 0) {
    p = writeExemplars(p, limit, exponential ? 0x5a : 0x42, cell, stream);
  }
  if (p == 0 || limit - p < FIXED_BYTES) return 0;
  if (!exponential) p = writeOwnAttributes(p, cell, stream);
  if (extremes) {
    p = writeDouble(p, exponential ? 0x61 : 0x59, cell + CELL_MIN);
    p = writeDouble(p, exponential ? 0x69 : 0x61, cell + CELL_MAX);
  }
  return exponential ? writeDefaultDouble(p, 0x71, stream + STREAM_ZERO) : p;
}

/** What comes before the members of a group. */
function openGroup(p: i32, tag: i32, width: i32, group: i32): i32 {
  store<u8>(p, tag);
  const prelude = load<i32>(group + GROUP_PRELUDE);
  memory.copy(p + 1 + width, group + GROUP_HEADER_BYTES, prelude);
  return p + 1 + width + prelude;
}

/** What comes behind them; `at` is where the length goes. */
function closeGroup(p: i32, at: i32, width: i32, group: i32): i32 {
  const postlude = load<i32>(group + GROUP_POSTLUDE);
  memory.copy(p, group + GROUP_HEADER_BYTES + load<i32>(group + GROUP_PRELUDE), postlude);
  return closeLength(at, width, p + postlude);
}

/** The field of Metric for each kind of data. */
// @ts-ignore: decorator
@inline
function dataTag(kind: i32): i32 {
  if (kind == KIND_GAUGE) return 0x2a;
  if (kind == KIND_SUM) return 0x3a;
  if (kind == KIND_HISTOGRAM) return 0x4a;
  return kind == KIND_EXPONENTIAL ? 0x52 : 0x5a;
}

/** The last fields of a metric and the lengths of its data and of itself. */
function closeMetric(p: i32, at: i32, width: i32, stream: i32): i32 {
  const kind = load<i32>(stream + STREAM_KIND);
  const flags = load<i32>(stream + STREAM_FLAGS);
  if (kind <= KIND_EXPONENTIAL || kind == KIND_SUM) {
    store16(p, 0x10 | (flags & STREAM_DELTA ? 0x100 : 0x200));
    p += 2;
  }
  if (kind == KIND_SUM && flags & STREAM_MONOTONIC) {
    store16(p, 0x0118);
    p += 2;
  }
  p = closeLength(at + width + load<i32>(stream + STREAM_PRELUDE) + 1, width, p);
  return closeLength(at, width, p);
}

/**
 * Writes the next request of a batch at `out`, and takes the series that are in it. Returns its length
 * and stores the number of points in BATCH_POINTS. STATUS_EMPTY when there is nothing left,
 * STATUS_NO_ROOM when not even the resource fits into `limit` bytes.
 */
export function encodeCells(batch: i32, out: i32, limit: i32): i32 {
  const resource = load<i32>(batch + BATCH_RESOURCE);
  const most = load<i32>(batch + BATCH_MOST);
  let scope = load<i32>(batch + BATCH_SCOPE);
  let next = load<i32>(batch + BATCH_NEXT);
  let streams = load<i32>(batch + BATCH_STREAMS);
  let cell = load<i32>(batch + BATCH_CELL);
  let full = false;
  let points = 0;
  store64(
    batch + BATCH_NANOS,
    <u64>load<u32>(batch + BATCH_TIME) * 1000000000 + <u64>load<u32>(batch + BATCH_TIME + 4),
  );

  // bounds: all groups' fields are checked for with CLOSING_BYTES to spare, which each level's length
  // may take one to four of when it was guessed too small; all points check for themselves.
  const resourceWidth = varintSize(resourceBytes);
  const resourceAt = out + 1;
  let end = out + limit - load<i32>(resource + GROUP_POSTLUDE) - CLOSING_BYTES;
  if (end - out - FIXED_BYTES < load<i32>(resource + GROUP_PRELUDE)) return STATUS_NO_ROOM;
  let p = openGroup(out, 0x0a, resourceWidth, resource);

  while (!full) {
    if (streams == 0) {
      scope = load<i32>(next);
      if (scope == 0) break;
      streams = load<i32>(next + 4);
      next += 8;
      if (streams == 0) continue;
    }
    // Where the scope begins, as soon as it has a point.
    const scopeWidth = varintSize(scopeBytes);
    const scopeAt = p + 1;
    let opened = false;
    const inside = end - load<i32>(scope + GROUP_POSTLUDE);
    const openBytes = load<i32>(scope + GROUP_PRELUDE) + FIXED_BYTES;
    while (streams > 0) {
      const stream = load<i32>(next);
      const flags = load<i32>(stream + STREAM_FLAGS);
      const prelude = load<i32>(stream + STREAM_PRELUDE);
      const guess = load<i32>(stream + STREAM_GUESS);
      const pointWidth = varintSize(guess);
      // Of many series only a part may have room: what is guessed too large is moved as a whole.
      const likely = load<i32>(stream + STREAM_COUNT) * (guess + 1 + pointWidth);
      const metricWidth = varintSize(min(likely, max(inside - p, 1)));
      let metricAt = 0;
      let first = points;
      let firstAt = p;
      if (cell == 0) cell = load<i32>(stream + STREAM_FIRST);
      while (cell != 0) {
        const following = load<i32>(cell + CELL_NEXT);
        if (load<i32>(cell + CELL_STATE) > 0) {
          if (points == most) {
            full = true;
            break;
          }
          let q = p;
          let at = metricAt;
          if (at == 0) {
            if (inside - q - prelude >= openBytes) {
              if (!opened) q = openGroup(q, 0x12, scopeWidth, scope);
              store<u8>(q, 0x12);
              at = q + 1;
              q = at + metricWidth;
              const names = stream + load<i32>(stream + STREAM_BYTES) - prelude;
              memory.copy(q, names, prelude);
              q += prelude;
              store<u8>(q, dataTag(load<i32>(stream + STREAM_KIND)));
              q += 1 + metricWidth;
            } else {
              q = 0;
            }
            firstAt = q;
          }
          if (q != 0) {
            store<u8>(q, 0x0a);
            const pointAt = q + 1;
            q = writePoint(pointAt + pointWidth, inside, cell, stream, batch);
            if (q != 0) q = closeLength(pointAt, pointWidth, q);
          }
          if (q == 0 || q > inside) {
            if (points != 0) {
              full = true;
              break;
            }
            store<i32>(batch + BATCH_TOO_LARGE, load<i32>(batch + BATCH_TOO_LARGE) + 1);
          } else {
            p = q;
            metricAt = at;
            opened = true;
            points++;
          }
          if (flags & (STREAM_DELTA | STREAM_OBSERVED) || load<i32>(cell + CELL_EXEMPLARS) != 0) {
            take(cell, batch + BATCH_TIME);
          }
        } else if (flags & (STREAM_DELTA | STREAM_OBSERVED)) {
          take(cell, batch + BATCH_TIME);
        }
        cell = following;
      }
      if (metricAt != 0) {
        store<i32>(stream + STREAM_GUESS, (p - firstAt) / (points - first) - 1 - pointWidth);
        p = closeMetric(p, metricAt, metricWidth, stream);
      }
      if (full) break;
      next += 4;
      streams--;
    }
    if (opened) {
      p = closeGroup(p, scopeAt, scopeWidth, scope);
      scopeBytes = p - scopeAt;
    }
  }

  store<i32>(batch + BATCH_SCOPE, scope);
  store<i32>(batch + BATCH_NEXT, next);
  store<i32>(batch + BATCH_STREAMS, streams);
  store<i32>(batch + BATCH_CELL, cell);
  store<i32>(batch + BATCH_POINTS, points);
  if (points == 0) return STATUS_EMPTY;
  p = closeGroup(p, resourceAt, resourceWidth, resource);
  resourceBytes = p - resourceAt;
  return p - out;
}
