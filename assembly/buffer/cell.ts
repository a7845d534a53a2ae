/**
 * Layout of what metrics are aggregated in. All of it lies in the memory of the binary `metrics`,
 * which grows, up to a budget:
 *
 * ```text
 *   0x0000 ┌────────────────────────────┐
 *          │ control block, as the core │ only the words that encoding shares with it
 *   0x1000 ├────────────────────────────┤
 *          │ the heap's control         │ where it ends, free blocks by size (heap.ts)
 *   0x1400 ├────────────────────────────┤
 *          │ tables        1.4 KiB      │ roots of two, logarithms (exponential.ts)
 *   0x2000 ├────────────────────────────┤
 *          │ heap                       │ streams, series, groups
 *      top ├────────────────────────────┤
 *          │ room                       │ during a call: words, then what is made of them
 *          └────────────────────────────┘
 * ```
 *
 * What is encoded into the room is moved to a block of the heap, which may overlap it, when it is
 * whole. Blocks stand at addresses divisible by 16; words of 32 bits, little endian.
 *
 * A stream is a metric of one reader: what its points have in common. Its numbers for a kind are
 * OTLP's data, numbered as in `src/api/metric/data.ts`.
 *
 * ```text
 *    0 kind                          4 flags (STREAM_*)
 *    8 bytes of this block          12 bytes of a cell without its attributes
 *   16 first series                 20 last series              24 how many
 *   28 boundaries, exponential: most buckets a sign, summary: quantiles
 *   32 exponential: finest scale    36 exemplars a series may keep
 *   40 bytes of the prelude         44 bytes that the last point took (a guess for the next)
 *   48 exponential: width of the bucket of zeros
 *   56 boundaries f64[], with Infinity up to a multiple of four
 *    … prelude: fields name, description and unit of Metric
 * ```
 *
 * A cell is one series of it:
 *
 * ```text
 *    0 stream                        4 next series, or 0         8 the one before, or 0
 *   12 state: 1 measured, 0 and less: collections of a stream that gives away since it was
 *   16 start, seconds               20 start, nanoseconds
 *   24 end, seconds                 28 end, nanoseconds: both 0, it is the time of the call
 *   32 bytes of its attributes      36 its exemplars, or 0
 *   40 sum, gauge: value            otherwise: sum
 *   48 count                        56 smallest value           64 largest value
 *      (+Infinity and -Infinity while there is none)
 *   72 histogram: counts f64[boundaries + 1]
 *      summary: quantile f64, value f64, …
 *      exponential:
 *        72 count of zeros          80 scale                    84 unused
 *        88 positive: address, index of the first bucket, buckets, room for as many
 *       104 negative: likewise      120 two buckets for each, where they begin
 *    … attributes: repeated KeyValue as they stand in a point, tags included
 * ```
 *
 * A sum's or a gauge's cell ends with its value. Counts are f64: exact up to 2^53.
 *
 * Exemplars: one place of EXEMPLAR_BYTES for each that the stream allows:
 *
 * ```text
 *    0 value                         8 time, seconds            12 time, nanoseconds
 *   16 span id, 8 bytes             24 trace id, 16 bytes
 *   40 state: 0 none, 1 without ids, 2 with ids
 *   44 address of its attributes, fields as above, or 0         48 their bytes
 * ```
 *
 * A batch, in the room: what one collection writes, and how far it is.
 *
 * ```text
 *    0 time, nanoseconds, 8 bytes (written by the encoder)
 *    8 time, seconds                12 time, nanoseconds
 *   16 resource: address of its group (strings.ts)
 *   20 points of one request at most
 *   24 the next word to read        28 scope at hand, or 0      32 streams of it to come
 *   36 series to go on with, or 0: that word is a new stream
 *   40 points in the last request   44 points that were too large, in all
 *   48 scope: its group, how many streams, the streams · … · 0
 * ```
 */

export const HEAP_CONTROL: i32 = 0x1000;
/** Where the heap ends, and the room begins. */
export const HEAP_TOP: i32 = HEAP_CONTROL + 0;
/** Where the room ends: what is behind it may be written by copies of 16 bytes. */
export const HEAP_ROOM_END: i32 = HEAP_CONTROL + 4;
/** How far the heap may ever reach. */
export const HEAP_LIMIT: i32 = HEAP_CONTROL + 8;
/** Bytes of the blocks in use. */
export const HEAP_USED: i32 = HEAP_CONTROL + 12;
/** The first free block of each size. */
export const HEAP_FREE: i32 = HEAP_CONTROL + 16;
export const HEAP_SIZES: i32 = 120;
/** A double that is to be looked at bit by bit. */
export const HEAP_SCRATCH: i32 = HEAP_FREE + 4 * HEAP_SIZES;

export const ROOTS: i32 = 0x1400;
export const LOGARITHMS: i32 = ROOTS + 32 * 16;

export const HEAP_BASE: i32 = 0x2000;

/** In place of an address: memory must grow first; nothing has changed. */
export const GROW: i32 = -1;

export const KIND_HISTOGRAM: i32 = 0;
export const KIND_EXPONENTIAL: i32 = 1;
export const KIND_GAUGE: i32 = 2;
export const KIND_SUM: i32 = 3;
export const KIND_SUMMARY: i32 = 4;

export const STREAM_KIND: i32 = 0;
export const STREAM_FLAGS: i32 = 4;
export const STREAM_BYTES: i32 = 8;
export const STREAM_CELL_BYTES: i32 = 12;
export const STREAM_FIRST: i32 = 16;
export const STREAM_LAST: i32 = 20;
export const STREAM_COUNT: i32 = 24;
export const STREAM_SIZE: i32 = 28;
export const STREAM_SCALE: i32 = 32;
export const STREAM_EXEMPLARS: i32 = 36;
export const STREAM_PRELUDE: i32 = 40;
export const STREAM_GUESS: i32 = 44;
export const STREAM_ZERO: i32 = 48;
export const STREAM_HEADER_BYTES: i32 = 56;

export const STREAM_MONOTONIC: i32 = 1;
/** Values are written as integers. */
export const STREAM_INT: i32 = 2;
/** What is written is given away: a series begins anew. */
export const STREAM_DELTA: i32 = 4;
/** A histogram without it has no sum. */
export const STREAM_SUM: i32 = 8;
/** A histogram without it has neither smallest nor largest value. */
export const STREAM_MIN_MAX: i32 = 16;
/** A series is written only when it was measured since it was written last. */
export const STREAM_OBSERVED: i32 = 32;
/** Exemplars stay until others take their place. */
export const STREAM_KEEPS_EXEMPLARS: i32 = 64;

export const CELL_STREAM: i32 = 0;
export const CELL_NEXT: i32 = 4;
export const CELL_BEFORE: i32 = 8;
export const CELL_STATE: i32 = 12;
export const CELL_START: i32 = 16;
export const CELL_END: i32 = 24;
export const CELL_ATTRIBUTES_BYTES: i32 = 32;
export const CELL_EXEMPLARS: i32 = 36;
/** Of a sum or a gauge; of the others it is the sum. */
export const CELL_VALUE: i32 = 40;
export const CELL_VALUE_END: i32 = 48;
export const CELL_COUNT: i32 = 48;
export const CELL_MIN: i32 = 56;
export const CELL_MAX: i32 = 64;
export const CELL_COUNTS: i32 = 72;
export const CELL_ZEROS: i32 = 72;
export const CELL_SCALE: i32 = 80;
export const CELL_POSITIVE: i32 = 88;
export const CELL_NEGATIVE: i32 = 104;
export const CELL_FEW: i32 = 120;
/** Two buckets hold any double at the coarsest scale, so that a count always has a place. */
export const FEW_BUCKETS: i32 = 2;
export const CELL_FEW_END: i32 = CELL_FEW + 2 * FEW_BUCKETS * 8;

export const BUCKETS_ADDRESS: i32 = 0;
export const BUCKETS_OFFSET: i32 = 4;
export const BUCKETS_LENGTH: i32 = 8;
export const BUCKETS_CAPACITY: i32 = 12;

export const EXEMPLAR_VALUE: i32 = 0;
export const EXEMPLAR_TIME: i32 = 8;
export const EXEMPLAR_SPAN_ID: i32 = 16;
export const EXEMPLAR_TRACE_ID: i32 = 24;
export const EXEMPLAR_STATE: i32 = 40;
export const EXEMPLAR_ATTRIBUTES: i32 = 44;
export const EXEMPLAR_ATTRIBUTES_BYTES: i32 = 48;
export const EXEMPLAR_BYTES: i32 = 56;

export const BATCH_NANOS: i32 = 0;
export const BATCH_TIME: i32 = 8;
export const BATCH_RESOURCE: i32 = 16;
export const BATCH_MOST: i32 = 20;
export const BATCH_NEXT: i32 = 24;
export const BATCH_SCOPE: i32 = 28;
export const BATCH_STREAMS: i32 = 32;
export const BATCH_CELL: i32 = 36;
export const BATCH_POINTS: i32 = 40;
export const BATCH_TOO_LARGE: i32 = 44;
export const BATCH_SCOPES: i32 = 48;
