/**
 * Traces: from span records (buffer/record.ts) to one ExportTraceServiceRequest
 * (opentelemetry/proto/trace/v1/trace.proto, OTLP 1.11).
 *
 * Two passes over the batch. The first threads the records into chains, one per scope, and
 * the scopes into chains, one per resource: reads two words and writes one per record. The
 * second writes resource by resource, scope by scope. A field whose length is not known
 * beforehand (a span, an event, a scope's spans) gets as many length bytes as its last
 * sibling suggests; where the guess was wrong its content is moved (varint.ts), so that the
 * varints are minimal in every case.
 */

import {
  RECORD_PAD,
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
  SPAN_NEXT,
  SPAN_PARENT_ID,
  SPAN_SCOPE,
  SPAN_SPAN_ID,
  SPAN_START,
  SPAN_STATE_BYTES,
  SPAN_STATUS_SHIFT,
  SPAN_TEXT,
  SPAN_TRACE_ID,
} from '../buffer/record';
import {
  GROUP_FIRST,
  GROUP_HEADER_BYTES,
  GROUP_LAST,
  GROUP_MEMBERS,
  GROUP_NEXT,
  GROUP_PARENT,
  GROUP_POSTLUDE,
  GROUP_PRELUDE,
  GROUP_SERIAL,
} from '../buffer/strings';
import { copy16 } from '../lanes/index';
import { store16, store32, store64 } from '../lanes/unaligned';
import {
  CONTROL_COUNT,
  CONTROL_HEAD,
  CONTROL_RING_BASE,
  CONTROL_RING_BYTES,
  CONTROL_SERIAL,
  CONTROL_TAIL,
  CONTROL_TAKEN,
  OPAQUE_FIELDS,
  OPAQUE_FIELDS_END,
} from '../memory';
import { STATUS_EMPTY, STATUS_NO_ROOM } from '../status';
import {
  copyBytes,
  cursorAfter,
  padded,
  setTextBlock,
  writeAttributes,
  writeBytes,
} from './attribute';
import { closeLength, varintSize, writeVarint } from './varint';

/** Where the next id is noted (compress/match.ts), and where the request begins. */
let field: i32 = OPAQUE_FIELDS;
let origin: i32 = 0;

/** Fixed part of a Span, an Event or a Link with its tags: never more than this. */
const FIXED_BYTES: i32 = 160;

/** Guesses, carried from one sibling to the next; only speed depends on them. */
let eventWidth: i32 = 1;
let spanBytes: i32 = 400;

/** Seconds and nanoseconds as one fixed64 field. */
// @ts-ignore: decorator
@inline
function writeTime(p: i32, tag: i32, r: i32): i32 {
  store<u8>(p, tag);
  store64(p + 1, <u64>load<u32>(r) * 1000000000 + <u64>load<u32>(r + 4));
  return p + 9;
}

/** A varint field that is left out when zero (proto3 default). */
// @ts-ignore: decorator
@inline
function writeCount(p: i32, tag: i32, value: u32): i32 {
  if (value == 0) return p;
  store<u8>(p, tag);
  return writeVarint(p + 1, value);
}

/** A string that was interned at `ref`, or stands at `r` as length and bytes when 0. */
// @ts-ignore: decorator
@inline
function writeName(p: i32, limit: i32, tag: i32, ref: i32, r: i32): i32 {
  const n = ref != 0 ? load<i32>(ref) : load<i32>(r);
  if (n > limit - p - 16) return 0;
  if (n == (ref != 0 ? 2 : 0)) return p; // empty: left out
  if (ref == 0) return writeBytes(p, tag, r + 4, n);
  // The interned form differs in its tag alone.
  copyBytes(p, ref + 4, n);
  store<u8>(p, tag);
  return p + n;
}

/** Words after a name: none when it is interned. */
// @ts-ignore: decorator
@inline
function afterName(ref: i32, r: i32): i32 {
  return ref != 0 ? r : r + 4 + padded(load<i32>(r));
}

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
function writeSpan(p: i32, limit: i32, record: i32): i32 {
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
  // Without the last byte: a span whose length takes one byte moves up by one, and what is behind
  // the id is where a match begins.
  // bounds: 3 notes of 4 bytes; when the room is used up the last ones are written over.
  let noted = min(field, OPAQUE_FIELDS_END - 16);
  const place = (p - origin) << 4;
  store<i32>(noted, place + ((3 << 4) | 14));
  store<i32>(noted, place + ((21 << 4) | 6), 4);
  noted += 8;
  p += 28;
  if (stateBytes > 0) {
    p = writeBytes(p, 0x1a, r, stateBytes);
    r += padded(stateBytes);
  }
  const parent = load<u64>(record + SPAN_PARENT_ID, 0, 4);
  if (parent != 0) {
    store16(p, 0x0822);
    store64(p + 2, parent);
    store<i32>(noted, ((p - origin) << 4) + ((3 << 4) | 6));
    noted += 4;
    p += 10;
  }
  field = noted;
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

/** Length bytes to reserve for `members` spans. */
function guessWidth(members: i32): i32 {
  return varintSize(members * spanBytes);
}

function writeScope(p: i32, limit: i32, scope: i32): i32 {
  const prelude = load<i32>(scope + GROUP_PRELUDE);
  const postlude = load<i32>(scope + GROUP_POSTLUDE);
  const members = load<i32>(scope + GROUP_MEMBERS);
  if (limit - p - FIXED_BYTES < prelude + postlude) return 0;
  store<u8>(p, 0x12);
  const at = p + 1;
  const width = guessWidth(members);
  p = at + width;
  memory.copy(p, scope + GROUP_HEADER_BYTES, prelude);
  p += prelude;
  const first = p;
  let record = load<i32>(scope + GROUP_FIRST);
  do {
    p = writeSpan(p, limit, record);
    if (p == 0) return 0;
    record = load<i32>(record + SPAN_NEXT);
  } while (record != 0);
  spanBytes = (p - first) / members;
  if (limit - p < postlude + 8) return 0;
  memory.copy(p, scope + GROUP_HEADER_BYTES + prelude, postlude);
  return closeLength(at, width, p + postlude);
}

function writeResource(p: i32, limit: i32, resource: i32): i32 {
  const prelude = load<i32>(resource + GROUP_PRELUDE);
  const postlude = load<i32>(resource + GROUP_POSTLUDE);
  if (limit - p - FIXED_BYTES < prelude + postlude) return 0;
  store<u8>(p, 0x0a);
  const at = p + 1;
  const width = guessWidth(load<i32>(resource + GROUP_MEMBERS));
  p = at + width;
  memory.copy(p, resource + GROUP_HEADER_BYTES, prelude);
  p += prelude;
  let scope = load<i32>(resource + GROUP_FIRST);
  do {
    p = writeScope(p, limit, scope);
    if (p == 0) return 0;
    scope = load<i32>(scope + GROUP_NEXT);
  } while (scope != 0);
  if (limit - p < postlude + 8) return 0;
  memory.copy(p, resource + GROUP_HEADER_BYTES + prelude, postlude);
  return closeLength(at, width, p + postlude);
}

/** Appends `member` to its group's chain, whose links stand at `nextOffset` in the members. */
// @ts-ignore: decorator
@inline
function chain(group: i32, member: i32, nextOffset: i32): void {
  store<i32>(load<i32>(group + GROUP_LAST) + nextOffset, member);
  store<i32>(group + GROUP_LAST, member);
}

/** Makes `member` the first of its group in this batch. */
// @ts-ignore: decorator
@inline
function startChain(group: i32, member: i32, serial: i32): void {
  store<i32>(group + GROUP_SERIAL, serial);
  store<i32>(group + GROUP_FIRST, member);
  store<i32>(group + GROUP_LAST, member);
  store<i32>(group + GROUP_MEMBERS, 0);
  store<i32>(group + GROUP_NEXT, 0);
}

// @ts-ignore: decorator
@inline
function countMember(group: i32): void {
  store<i32>(group + GROUP_MEMBERS, load<i32>(group + GROUP_MEMBERS) + 1);
}

/**
 * Takes up to `maxRecords` spans from the ring and encodes them as one
 * ExportTraceServiceRequest at `out`. Returns its length and stores the number of spans in
 * CONTROL_TAKEN. Returns STATUS_EMPTY when there is none, and STATUS_NO_ROOM, taking
 * nothing, when the request would be longer than `limit` bytes.
 */
export function encodeTraces(out: i32, limit: i32, maxRecords: i32): i32 {
  const mask = load<i32>(CONTROL_RING_BYTES) - 1;
  const base = load<i32>(CONTROL_RING_BASE);
  const head = load<i32>(CONTROL_HEAD);
  const serial = load<i32>(CONTROL_SERIAL) + 1;
  let tail = load<i32>(CONTROL_TAIL);
  let firstResource = 0;
  let lastResource = 0;
  let taken = 0;
  store<i32>(CONTROL_SERIAL, serial);
  store<i32>(CONTROL_TAKEN, 0);

  while (tail != head && taken < maxRecords) {
    const record = base + (tail & mask);
    const size = load<i32>(record);
    if (size & RECORD_PAD) {
      tail += size ^ RECORD_PAD;
      continue;
    }
    const scope = load<i32>(record + SPAN_SCOPE);
    const resource = load<i32>(scope + GROUP_PARENT);
    store<i32>(record + SPAN_NEXT, 0);
    if (load<i32>(scope + GROUP_SERIAL) == serial) {
      chain(scope, record, SPAN_NEXT);
    } else {
      startChain(scope, record, serial);
      if (load<i32>(resource + GROUP_SERIAL) == serial) {
        chain(resource, scope, GROUP_NEXT);
      } else {
        startChain(resource, scope, serial);
        if (lastResource != 0) store<i32>(lastResource + GROUP_NEXT, resource);
        else firstResource = resource;
        lastResource = resource;
      }
    }
    countMember(scope);
    countMember(resource);
    tail += size;
    taken++;
  }
  if (taken == 0) {
    store<i32>(CONTROL_TAIL, tail);
    return STATUS_EMPTY;
  }

  // bounds: `limit` is checked before every write of variable length, with the guessed
  // length widths' corrections (at most 4 bytes a level) inside OVERSHOOT_BYTES.
  const end = out + limit;
  let p = out;
  field = OPAQUE_FIELDS;
  origin = out;
  let resource = firstResource;
  do {
    p = writeResource(p, end, resource);
    if (p == 0) return STATUS_NO_ROOM;
    resource = load<i32>(resource + GROUP_NEXT);
  } while (resource != 0);
  if (p > end) return STATUS_NO_ROOM;

  store<i32>(field, i32.MAX_VALUE);
  store<i32>(CONTROL_TAIL, tail);
  store<i32>(CONTROL_TAKEN, taken);
  store<i32>(CONTROL_COUNT, load<i32>(CONTROL_COUNT) - taken);
  return p - out;
}

/**
 * Encodes a group (buffer/record.ts: group) at `dst`: a resource when `parent` is 0, else a
 * scope of that resource. Returns the bytes it takes there, a multiple of 4, or
 * STATUS_NO_ROOM when that would be more than `limit`.
 */
export function defineGroup(src: i32, dst: i32, limit: i32, parent: i32): i32 {
  const end = dst + limit;
  const urlBytes = load<i32>(src);
  let r = src + 4 + padded(urlBytes);
  const attributes = load<i32>(r);
  const dropped = load<u32>(r + 4);
  r += 8;
  let p = dst + GROUP_HEADER_BYTES;
  if (end - p < FIXED_BYTES + urlBytes) return STATUS_NO_ROOM;
  store<u8>(p, 0x0a);
  const at = p + 1;
  p = at + 2;
  let attributeTag = 0x0a;
  let droppedTag = 0x10;
  if (parent != 0) {
    attributeTag = 0x1a;
    droppedTag = 0x20;
    for (let tag = 0x0a; tag <= 0x12; tag += 8) {
      const n = load<i32>(r);
      if (end - p - FIXED_BYTES < n) return STATUS_NO_ROOM;
      if (n > 0) p = writeBytes(p, tag, r + 4, n);
      r += 4 + padded(n);
    }
  }
  p = writeAttributes(p, end, attributeTag, attributes, r);
  if (p == 0 || end - p < FIXED_BYTES + urlBytes) return STATUS_NO_ROOM;
  p = closeLength(at, 2, writeCount(p, droppedTag, dropped));
  // An envelope with nothing in it is not sent: an empty scope or resource is left out.
  if (p == dst + GROUP_HEADER_BYTES + 2) p -= 2;
  const prelude = p - dst - GROUP_HEADER_BYTES;
  if (urlBytes > 0) p = writeBytes(p, 0x1a, src + 4, urlBytes);
  store<i32>(dst + GROUP_SERIAL, load<i32>(CONTROL_SERIAL));
  store<i32>(dst + GROUP_PARENT, parent);
  store<i32>(dst + GROUP_PRELUDE, prelude);
  store<i32>(dst + GROUP_POSTLUDE, p - dst - GROUP_HEADER_BYTES - prelude);
  return padded(p - dst);
}
