/**
 * The heap of the binary `metrics`: blocks of 120 sizes, multiples of 16 up to 512 bytes and four to a
 * doubling from there on. A block that is freed waits in the list of its size. Whoever has a block
 * knows its size, so that blocks need no header.
 *
 * New blocks come from their list, else from the top. Where the top has reached the limit, a larger
 * free block is split: all sizes are multiples of 16, so that what is left of it are blocks again.
 * Blocks are never joined, but a block at the top is given back to it.
 */

import { GROW, HEAP_FREE, HEAP_LIMIT, HEAP_ROOM_END, HEAP_SIZES, HEAP_TOP, HEAP_USED } from './cell';

// @ts-ignore: decorator
@inline
function placeOf(bytes: i32): i32 {
  const n = bytes - 1;
  if (n < 512) return n >> 4;
  const log = 31 - clz(n);
  return 32 + ((log - 9) << 2) + ((n >> (log - 2)) & 3);
}

// @ts-ignore: decorator
@inline
function sizeAt(place: i32): i32 {
  if (place < 32) return (place + 1) << 4;
  return (5 + (place & 3)) << ((place >> 2) - 1);
}

// @ts-ignore: decorator
@inline
function listAt(place: i32): i32 {
  return HEAP_FREE + (place << 2);
}

/** Puts a block into the list of its size. */
// @ts-ignore: decorator
@inline
function keep(block: i32, place: i32): void {
  // bounds: a block has 16 bytes at least.
  const list = listAt(place);
  store<i32>(block, load<i32>(list));
  store<i32>(list, block);
}

/** Makes free blocks of what stands between two addresses divisible by 16. */
function scatter(from: i32, end: i32): void {
  while (from < end) {
    let place = placeOf(end - from);
    if (sizeAt(place) > end - from) place--;
    keep(from, place);
    from += sizeAt(place);
  }
}

/** Takes a block of `size` from a larger one; 0 where there is none. */
function split(place: i32, size: i32): i32 {
  for (++place; place < HEAP_SIZES; ++place) {
    const list = listAt(place);
    const block = load<i32>(list);
    if (block != 0) {
      store<i32>(list, load<i32>(block));
      scatter(block + size, block + sizeAt(place));
      return block;
    }
  }
  return 0;
}

/**
 * A block of at least `bytes`, with anything in it. GROW where the top has reached the end of memory,
 * 0 where it has reached the limit.
 */
export function allocate(bytes: i32): i32 {
  // bounds: of addresses between HEAP_BASE and the end of memory only free blocks are written.
  if (bytes > 1 << 28) return 0;
  const place = placeOf(bytes);
  const size = sizeAt(place);
  const list = listAt(place);
  let block = load<i32>(list);
  if (block != 0) {
    store<i32>(list, load<i32>(block));
  } else {
    const top = load<i32>(HEAP_TOP);
    if (size <= load<i32>(HEAP_LIMIT) - top) {
      if (size > load<i32>(HEAP_ROOM_END) - top) return GROW;
      store<i32>(HEAP_TOP, top + size);
      block = top;
    } else {
      block = split(place, size);
      if (block == 0) return 0;
    }
  }
  store<i32>(HEAP_USED, load<i32>(HEAP_USED) + size);
  return block;
}

/** Frees a block that was allocated with so many bytes. */
export function free(block: i32, bytes: i32): void {
  const place = placeOf(bytes);
  const size = sizeAt(place);
  store<i32>(HEAP_USED, load<i32>(HEAP_USED) - size);
  if (block + size == load<i32>(HEAP_TOP)) store<i32>(HEAP_TOP, block);
  else keep(block, place);
}
