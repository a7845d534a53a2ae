/**
 * Streams and their series (cell.ts draws them): made, taken and freed. What is variable in length
 * comes as words in the room behind the heap; it is encoded behind them, at `image`, as it will stand
 * in its block, and moved there when its size is known.
 */

import { padded, writeAttributes, writeBytes } from '../codec/attribute';
import { defineGroup } from '../codec/group';
import {
  BUCKETS_LENGTH,
  CELL_ATTRIBUTES_BYTES,
  CELL_BEFORE,
  CELL_COUNT,
  CELL_COUNTS,
  CELL_EXEMPLARS,
  CELL_FEW_END,
  CELL_MAX,
  CELL_MIN,
  CELL_NEGATIVE,
  CELL_NEXT,
  CELL_POSITIVE,
  CELL_SCALE,
  CELL_START,
  CELL_STATE,
  CELL_STREAM,
  CELL_VALUE,
  CELL_VALUE_END,
  CELL_ZEROS,
  EXEMPLAR_ATTRIBUTES,
  EXEMPLAR_ATTRIBUTES_BYTES,
  EXEMPLAR_BYTES,
  EXEMPLAR_STATE,
  GROW,
  HEAP_BASE,
  HEAP_ROOM_END,
  HEAP_TOP,
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
  STREAM_KEEPS_EXEMPLARS,
  STREAM_KIND,
  STREAM_LAST,
  STREAM_OBSERVED,
  STREAM_PRELUDE,
  STREAM_SCALE,
  STREAM_SIZE,
  STREAM_ZERO,
} from './cell';
import { freeBuckets, initBuckets, initExponential } from './exponential';
import { allocate, free } from './heap';

/** Room that writing fields of known length needs at most. */
const SLACK_BYTES: i32 = 256;

/** Makes an empty heap. */
export function initCells(): void {
  store<i32>(HEAP_TOP, HEAP_BASE);
  initExponential();
}

/** Moves what stands at `image` into a block of its own; 0 and GROW as of `allocate`. */
function place(image: i32, bytes: i32): i32 {
  const block = allocate(bytes);
  // bounds: the block may overlap the image, nothing else that is needed.
  if (block > 0) memory.copy(block, image, bytes);
  return block;
}

/** The tag of a KeyValue in a point. */
// @ts-ignore: decorator
@inline
function attributeTag(kind: i32): i32 {
  return kind == KIND_EXPONENTIAL ? 0x0a : kind == KIND_HISTOGRAM ? 0x4a : 0x3a;
}

/**
 * A group (buffer/record.ts: group), encoded as `defineGroup` does: a resource, or a scope if
 * `parent` is not 0.
 */
export function addGroup(words: i32, image: i32, parent: i32): i32 {
  const bytes = defineGroup(words, image, load<i32>(HEAP_ROOM_END) - image, parent);
  return bytes < 0 ? GROW : place(image, bytes);
}

/**
 * words := kind, flags, size (STREAM_SIZE), scale, exemplars, 0, width of the bucket of zeros (f64),
 *          histogram: boundaries (f64 each); name: length, bytes; description: likewise; unit:
 *          likewise
 */
export function addStream(words: i32, image: i32): i32 {
  const end = load<i32>(HEAP_ROOM_END);
  const kind = load<i32>(words);
  const size = load<i32>(words + 8);
  const boundaries = kind == KIND_HISTOGRAM ? size << 3 : 0;
  let p = image + STREAM_HEADER_BYTES;
  if (p > end - boundaries - SLACK_BYTES) return GROW;
  memory.copy(p, words + 32, boundaries);
  p += boundaries;
  for (; (p - image - STREAM_HEADER_BYTES) & 31; p += 8) store<f64>(p, Infinity);
  const names = p;
  let r = words + 32 + boundaries;
  for (let tag = 0x0a; tag <= 0x1a; tag += 8) {
    const n = load<i32>(r);
    if (n > end - p - SLACK_BYTES) return GROW;
    if (n > 0) p = writeBytes(p, tag, r + 4, n);
    r += 4 + padded(n);
  }
  let cellBytes = CELL_VALUE_END;
  if (kind == KIND_HISTOGRAM) cellBytes = CELL_COUNTS + ((size + 1) << 3);
  else if (kind == KIND_EXPONENTIAL) cellBytes = CELL_FEW_END;
  else if (kind != KIND_SUM && kind != KIND_GAUGE) cellBytes = CELL_COUNTS + (size << 4);
  store<i32>(image + STREAM_KIND, kind);
  store<i32>(image + STREAM_FLAGS, load<i32>(words + 4));
  store<i32>(image + STREAM_BYTES, p - image);
  store<i32>(image + STREAM_CELL_BYTES, cellBytes);
  store<i32>(image + STREAM_FIRST, 0);
  store<i32>(image + STREAM_LAST, 0);
  store<i32>(image + STREAM_COUNT, 0);
  store<i32>(image + STREAM_SIZE, size);
  store<i32>(image + STREAM_SCALE, load<i32>(words + 12));
  store<i32>(image + STREAM_EXEMPLARS, load<i32>(words + 16));
  store<i32>(image + STREAM_PRELUDE, p - names);
  store<i32>(image + STREAM_GUESS, 64);
  store<f64>(image + STREAM_ZERO, load<f64>(words + 24));
  return place(image, p - image);
}

/** Nothing measured; what was allocated stays. */
function clear(cell: i32, stream: i32): void {
  const kind = load<i32>(stream + STREAM_KIND);
  store<f64>(cell + CELL_VALUE, 0);
  if (kind == KIND_SUM || kind == KIND_GAUGE) return;
  store<f64>(cell + CELL_COUNT, 0);
  store<f64>(cell + CELL_MIN, Infinity);
  store<f64>(cell + CELL_MAX, -Infinity);
  if (kind == KIND_EXPONENTIAL) {
    store<f64>(cell + CELL_ZEROS, 0);
    store<i32>(cell + CELL_SCALE, load<i32>(stream + STREAM_SCALE));
    store<i32>(cell + CELL_POSITIVE + BUCKETS_LENGTH, 0);
    store<i32>(cell + CELL_NEGATIVE + BUCKETS_LENGTH, 0);
  } else {
    memory.fill(cell + CELL_COUNTS, 0, load<i32>(stream + STREAM_CELL_BYTES) - CELL_COUNTS);
  }
}

/** A series of a stream, whose `count` attributes stand as words at `words`. */
export function addSeries(stream: i32, words: i32, count: i32, image: i32): i32 {
  const fixed = load<i32>(stream + STREAM_CELL_BYTES);
  const kind = load<i32>(stream + STREAM_KIND);
  const end = load<i32>(HEAP_ROOM_END);
  if (image > end - fixed - SLACK_BYTES) return GROW;
  const p = writeAttributes(image + fixed, end, attributeTag(kind), count, words);
  if (p == 0) return GROW;
  memory.fill(image, 0, fixed);
  const cell = place(image, p - image);
  if (cell <= 0) return cell;
  const last = load<i32>(stream + STREAM_LAST);
  store<i32>(cell + CELL_STREAM, stream);
  store<i32>(cell + CELL_BEFORE, last);
  store<i32>(cell + CELL_ATTRIBUTES_BYTES, p - image - fixed);
  if (last == 0) store<i32>(stream + STREAM_FIRST, cell);
  else store<i32>(last + CELL_NEXT, cell);
  store<i32>(stream + STREAM_LAST, cell);
  store<i32>(stream + STREAM_COUNT, load<i32>(stream + STREAM_COUNT) + 1);
  if (kind == KIND_EXPONENTIAL) initBuckets(cell);
  clear(cell, stream);
  return cell;
}

// @ts-ignore: decorator
@inline
function freeExemplarAttributes(exemplar: i32): void {
  const attributes = load<i32>(exemplar + EXEMPLAR_ATTRIBUTES);
  if (attributes != 0) free(attributes, load<i32>(exemplar + EXEMPLAR_ATTRIBUTES_BYTES));
  store<i32>(exemplar + EXEMPLAR_ATTRIBUTES, 0);
}

/** The places of a series' exemplars; 0 where it has none and GROW as of `allocate`. */
export function exemplarsOf(cell: i32): i32 {
  let first = load<i32>(cell + CELL_EXEMPLARS);
  const bytes = load<i32>(load<i32>(cell + CELL_STREAM) + STREAM_EXEMPLARS) * EXEMPLAR_BYTES;
  if (first != 0 || bytes == 0) return first;
  first = allocate(bytes);
  if (first <= 0) return first;
  memory.fill(first, 0, bytes);
  store<i32>(cell + CELL_EXEMPLARS, first);
  return first;
}

/** Gives an exemplar attributes in place of those it has, and no state; as `allocate`. */
export function setExemplarAttributes(exemplar: i32, words: i32, count: i32, image: i32): i32 {
  store<i32>(exemplar + EXEMPLAR_STATE, 0);
  freeExemplarAttributes(exemplar);
  if (count == 0) return exemplar;
  const p = writeAttributes(image, load<i32>(HEAP_ROOM_END), 0x3a, count, words);
  if (p == 0) return GROW;
  const block = place(image, p - image);
  if (block <= 0) return block;
  store<i32>(exemplar + EXEMPLAR_ATTRIBUTES, block);
  store<i32>(exemplar + EXEMPLAR_ATTRIBUTES_BYTES, p - image);
  return exemplar;
}

export function clearExemplars(cell: i32): void {
  let exemplar = load<i32>(cell + CELL_EXEMPLARS);
  if (exemplar == 0) return;
  // bounds: as many as the stream allows stand there.
  for (let i = load<i32>(load<i32>(cell + CELL_STREAM) + STREAM_EXEMPLARS); i > 0; --i) {
    store<i32>(exemplar + EXEMPLAR_STATE, 0);
    freeExemplarAttributes(exemplar);
    exemplar += EXEMPLAR_BYTES;
  }
}

/** What becomes of a series that is collected, at the time that stands at `time`. */
export function take(cell: i32, time: i32): void {
  const stream = load<i32>(cell + CELL_STREAM);
  const flags = load<i32>(stream + STREAM_FLAGS);
  if (!(flags & STREAM_KEEPS_EXEMPLARS)) clearExemplars(cell);
  if (!(flags & (STREAM_DELTA | STREAM_OBSERVED))) return;
  const state = load<i32>(cell + CELL_STATE);
  store<i32>(cell + CELL_STATE, state > 0 ? 0 : state - 1);
  if (!(flags & STREAM_DELTA)) return;
  if (state > 0) clear(cell, stream);
  store<i32>(cell + CELL_START, load<i32>(time));
  store<i32>(cell + CELL_START + 4, load<i32>(time + 4));
}

/** Frees a series' blocks, and its exemplars'. */
function release(cell: i32, stream: i32): void {
  clearExemplars(cell);
  const exemplars = load<i32>(cell + CELL_EXEMPLARS);
  if (exemplars != 0) free(exemplars, load<i32>(stream + STREAM_EXEMPLARS) * EXEMPLAR_BYTES);
  if (load<i32>(stream + STREAM_KIND) == KIND_EXPONENTIAL) freeBuckets(cell);
  free(cell, load<i32>(stream + STREAM_CELL_BYTES) + load<i32>(cell + CELL_ATTRIBUTES_BYTES));
}

export function removeSeries(cell: i32): void {
  const stream = load<i32>(cell + CELL_STREAM);
  const before = load<i32>(cell + CELL_BEFORE);
  const next = load<i32>(cell + CELL_NEXT);
  if (before == 0) store<i32>(stream + STREAM_FIRST, next);
  else store<i32>(before + CELL_NEXT, next);
  if (next == 0) store<i32>(stream + STREAM_LAST, before);
  else store<i32>(next + CELL_BEFORE, before);
  store<i32>(stream + STREAM_COUNT, load<i32>(stream + STREAM_COUNT) - 1);
  release(cell, stream);
}

/** Frees a stream with all of its series. */
export function removeStream(stream: i32): void {
  // From the last one on: what was allocated last can be given back to the top.
  let cell = load<i32>(stream + STREAM_LAST);
  while (cell != 0) {
    const before = load<i32>(cell + CELL_BEFORE);
    release(cell, stream);
    cell = before;
  }
  free(stream, load<i32>(stream + STREAM_BYTES));
}
