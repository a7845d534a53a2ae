/**
 * Batches: from records of a ring (buffer/record.ts) to one export request. Those of spans and of log
 * records differ in their records alone.
 *
 * Two passes over the batch. The first threads the records into chains, one per scope, and
 * the scopes into chains, one per resource: reads two words and writes one per record. The
 * second writes resource by resource, scope by scope. A field whose length is not known
 * beforehand (a span, an event, a scope's records) gets as many length bytes as its last
 * sibling suggests; where the guess was wrong its content is moved (varint.ts), so that the
 * varints are minimal in every case.
 */

import { RECORD_NEXT, RECORD_PAD, RECORD_SCOPE } from '../buffer/record';
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
import {
  CONTROL_SERIAL,
  LOG_RING,
  RING_AT,
  RING_COUNT,
  RING_HEAD,
  RING_SIZE,
  RING_TAIL,
  RING_TAKEN,
} from '../memory';
import { STATUS_EMPTY, STATUS_NO_ROOM } from '../status';
import { FIXED_BYTES } from './field';
import { writeLogRecord } from './log';
import { endNotes, startNotes } from './opaque';
import { writeSpan } from './trace';
import { closeLength, varintSize } from './varint';

/** Size of the last batch's records: a guess, on which only speed depends. */
let recordBytes: i32 = 400;

/** Length bytes to reserve for so many records. */
function guessWidth(members: i32): i32 {
  return varintSize(members * recordBytes);
}

function writeScope(p: i32, limit: i32, scope: i32, ofLogs: bool): i32 {
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
    p = ofLogs ? writeLogRecord(p, limit, record) : writeSpan(p, limit, record);
    if (p == 0) return 0;
    record = load<i32>(record + RECORD_NEXT);
  } while (record != 0);
  recordBytes = (p - first) / members;
  if (limit - p < postlude + 8) return 0;
  memory.copy(p, scope + GROUP_HEADER_BYTES + prelude, postlude);
  return closeLength(at, width, p + postlude);
}

function writeResource(p: i32, limit: i32, resource: i32, ofLogs: bool): i32 {
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
    p = writeScope(p, limit, scope, ofLogs);
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
 * Takes up to `maxRecords` records from the ring and encodes them as one export request at `out`: an
 * ExportTraceServiceRequest, or an ExportLogsServiceRequest if `ring` is LOG_RING. Returns its length
 * and stores the number of records in RING_TAKEN. Returns STATUS_EMPTY when there is none, and
 * STATUS_NO_ROOM, taking nothing, when the request would be longer than `limit` bytes.
 */
export function encodeBatch(ring: i32, out: i32, limit: i32, maxRecords: i32): i32 {
  const mask = load<i32>(ring + RING_SIZE) - 1;
  const base = load<i32>(ring + RING_AT);
  const head = load<i32>(ring + RING_HEAD);
  const serial = load<i32>(CONTROL_SERIAL) + 1;
  const ofLogs = ring == LOG_RING;
  let tail = load<i32>(ring + RING_TAIL);
  let firstResource = 0;
  let lastResource = 0;
  let taken = 0;
  store<i32>(CONTROL_SERIAL, serial);
  store<i32>(ring + RING_TAKEN, 0);

  while (tail != head && taken < maxRecords) {
    const record = base + (tail & mask);
    const size = load<i32>(record);
    if (size & RECORD_PAD) {
      tail += size ^ RECORD_PAD;
      continue;
    }
    const scope = load<i32>(record + RECORD_SCOPE);
    const resource = load<i32>(scope + GROUP_PARENT);
    store<i32>(record + RECORD_NEXT, 0);
    if (load<i32>(scope + GROUP_SERIAL) == serial) {
      chain(scope, record, RECORD_NEXT);
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
    store<i32>(ring + RING_TAIL, tail);
    return STATUS_EMPTY;
  }

  // bounds: `limit` is checked before every write of variable length, with the guessed
  // length widths' corrections (at most 4 bytes a level) inside OVERSHOOT_BYTES.
  const end = out + limit;
  let p = out;
  startNotes(out);
  let resource = firstResource;
  do {
    p = writeResource(p, end, resource, ofLogs);
    if (p == 0) return STATUS_NO_ROOM;
    resource = load<i32>(resource + GROUP_NEXT);
  } while (resource != 0);
  if (p > end) return STATUS_NO_ROOM;

  endNotes();
  store<i32>(ring + RING_TAIL, tail);
  store<i32>(ring + RING_TAKEN, taken);
  store<i32>(ring + RING_COUNT, load<i32>(ring + RING_COUNT) - taken);
  return p - out;
}
