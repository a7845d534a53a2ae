/**
 * The one map of linear memory.
 *
 * Memory is imported, so that several binaries can share it. Everything a kernel touches
 * has its place here; the build copies these numbers into TypeScript
 * (`src/engine/generated/layout.ts`), so no address is written down twice.
 *
 * ```text
 *   0x000000 ┌──────────────────────────────┐
 *            │ control block          4 KiB │ ring positions, epoch, results of a call
 *   0x001000 ├──────────────────────────────┤
 *            │ crc32 tables          16 KiB │ slice-by-16, built on first use
 *   0x005000 ├──────────────────────────────┤
 *            │ gzip work area       492 KiB │ hash heads, tokens, Huffman tables
 *   0x080000 ├──────────────────────────────┤
 *            │ string table, half 0 256 KiB │ interned strings, scopes, resources
 *   0x0c0000 ├──────────────────────────────┤
 *            │ string table, half 1 256 KiB │ the epoch's parity picks the half
 *   0x100000 ├──────────────────────────────┤
 *            │ codecs and hashes      3 MiB │ only where they run on the same memory
 *            ├──────────────────────────────┤ the rest is placed at start from the options:
 *            │ ring            2^n, 4 MiB   │ records of ended spans
 *            ├──────────────────────────────┤
 *            │ ring            2^n, 4 MiB   │ log records
 *            ├──────────────────────────────┤
 *            │ encoded request  4 MiB + pad │ one export request
 *            ├──────────────────────────────┤
 *            │ compressed       4 MiB + pad │ its gzip member
 *            └──────────────────────────────┘ 17.1 MiB by default, 20.1 with codecs
 * ```
 */

/** Control block: 32-bit words, little endian. */
export const CONTROL_BASE: i32 = 0;
export const CONTROL_BYTES: i32 = 0x1000;

/** Generation of the string table; its lowest bit picks the half in use. */
export const CONTROL_EPOCH: i32 = CONTROL_BASE + 0;
/** Serial number of the last encode call (marks which groups belong to it). */
export const CONTROL_SERIAL: i32 = CONTROL_BASE + 4;

/** The rings: of spans and of log records. Each has these words. */
export const SPAN_RING: i32 = CONTROL_BASE + 64;
export const LOG_RING: i32 = CONTROL_BASE + 128;

/** Byte position where the next record goes; counts up for ever, modulo 2^32. */
export const RING_HEAD: i32 = 0;
/** Byte position of the oldest record not yet drained; modulo 2^32. */
export const RING_TAIL: i32 = 4;
/** Size of the ring in bytes, a power of two. */
export const RING_SIZE: i32 = 8;
/** Address of its first byte. */
export const RING_AT: i32 = 12;
/** Records in the ring that are committed and not yet drained. */
export const RING_COUNT: i32 = 16;
/** Records taken by the last encode call. */
export const RING_TAKEN: i32 = 20;

export const CRC32_TABLES: i32 = CONTROL_BASE + CONTROL_BYTES;
export const CRC32_TABLES_BYTES: i32 = 16 * 1024;

export const GZIP_WORK: i32 = CRC32_TABLES + CRC32_TABLES_BYTES;
export const GZIP_WORK_BYTES: i32 = 0x80000 - GZIP_WORK;

/**
 * The end of the gzip work area: what encodeBatch notes of its last request, a word for each id in
 * ascending order: the place of its second byte in the request << 4 | how many bytes there are from
 * there on but for the last, and the largest i32 behind the last one. A place may be off by the few bytes by which
 * a length prefix turned out longer or shorter than guessed. Where there is no room for all of
 * them, only the last ones are kept behind those there is room for.
 */
export const OPAQUE_FIELDS: i32 = GZIP_WORK + 0x56000;
export const OPAQUE_FIELDS_END: i32 = GZIP_WORK + GZIP_WORK_BYTES;

export const STRINGS_BASE: i32 = 0x80000;
/** One half; two follow each other. */
export const STRINGS_HALF_BYTES: i32 = 0x40000;

/** Where the ring begins when nothing but the core binary uses the memory. */
export const RING_BASE: i32 = STRINGS_BASE + 2 * STRINGS_HALF_BYTES;

/**
 * What the binaries `codecs` and `hashes` have to themselves, besides what they share with the
 * core (CRC32_TABLES, GZIP_WORK). Nothing in CODECS_WORK lives longer than a call.
 */
export const CRC32C_TABLES: i32 = RING_BASE;
export const CRC32C_TABLES_BYTES: i32 = 16 * 1024;
/**
 * What a stream keeps between two calls. TypeScript copies it out after a call and in before the
 * next, so that several streams can be open at once.
 */
export const STREAM_STATE: i32 = CRC32C_TABLES + CRC32C_TABLES_BYTES;
export const STREAM_STATE_BYTES: i32 = 256;
/** The last 8 bytes of it: where a hash of 64 bits leaves its digest. */
export const STREAM_DIGEST: i32 = STREAM_STATE + STREAM_STATE_BYTES - 8;
export const CODECS_WORK: i32 = STREAM_STATE + 4096;
/** Where the ring, or whatever comes next, begins when codecs run on the same memory. */
export const CODECS_END: i32 = RING_BASE + 0x300000;
export const CODECS_WORK_BYTES: i32 = CODECS_END - CODECS_WORK;

/**
 * Room that must stay readable and writable behind the end of any input or output:
 * kernels copy 16 bytes at a time and may overshoot by that much.
 */
export const OVERSHOOT_BYTES: i32 = 64;
