// Mistakes in kernels, for scripts/mutate.mjs: each is a replacement in one file, whose `from` occurs
// there exactly once, the binary that the file goes into, and the tests that have to notice. They are
// mistakes that leave most output right: limits off by one, a state that is kept or lost too long.

const CODECS = 'codecs';
const HASHES = 'hashes';

const LZ4 = 'assembly/compress/lz4.ts';
const SNAPPY = 'assembly/compress/snappy.ts';
const REPEATS = 'assembly/compress/repeats.ts';
const ADLER32 = 'assembly/hash/adler32.ts';
const CRC32C = 'assembly/hash/crc32c.ts';
const XXH64 = 'assembly/hash/xxh64.ts';
const XXH32 = 'assembly/hash/xxh32.ts';

const LZ4_TESTS = ['test/compress/lz4.test.ts'];
const DEFLATE_TESTS = ['test/compress/deflate.test.ts'];
const ZSTD_TESTS = ['test/compress/zstd.test.ts'];
const SNAPPY_TESTS = ['test/compress/snappy.test.ts'];
const HASH_TESTS = ['test/hash/kernels.test.ts'];

export const kernelMutants = [
  {
    what: 'lz4: the last match ends four bytes before the end',
    binary: CODECS,
    file: REPEATS,
    from: 'const LZ4_LAST_LITERALS: i32 = 5;',
    to: 'const LZ4_LAST_LITERALS: i32 = 4;',
    tests: LZ4_TESTS,
  },
  {
    what: 'lz4 and snappy: a distance of 0 is taken for a match',
    binary: CODECS,
    file: REPEATS,
    from: 'if (distance) break;',
    to: 'break;',
    tests: LZ4_TESTS,
  },
  {
    what: 'lz4: a long length goes on after 256, not 255',
    binary: CODECS,
    file: REPEATS,
    from: '<i32>(<u32>rest / 255);',
    to: '<i32>(<u32>rest >> 8);',
    tests: LZ4_TESTS,
  },
  {
    what: 'lz4: a stream does not sum up its parts',
    binary: CODECS,
    file: LZ4,
    from: '  xxh32Feed(STREAM_STATE, src, length);\n',
    to: '  if (final) xxh32Feed(STREAM_STATE, src, length);\n',
    tests: LZ4_TESTS,
  },
  {
    what: 'lz4: blocks of 64 KiB and one byte are said to be of 64 KiB',
    binary: CODECS,
    file: LZ4,
    from: 'clz(max(length - 1, 0))',
    to: 'clz(max(length - 2, 0))',
    tests: LZ4_TESTS,
  },
  {
    what: 'snappy: copies of two bytes reach 2048 bytes back',
    binary: CODECS,
    file: REPEATS,
    from: 'i32(distance < 2048)',
    to: 'i32(distance <= 2048)',
    tests: SNAPPY_TESTS,
  },
  {
    what: 'snappy: literals of 61 bytes have a short length',
    binary: CODECS,
    file: REPEATS,
    from: 'if (n < 60) {',
    to: 'if (n <= 60) {',
    tests: SNAPPY_TESTS,
  },
  {
    what: 'framed snappy: checksums are not masked as said',
    binary: CODECS,
    file: SNAPPY,
    from: 'rotr<u32>(crc, 15) + 0xa282ead8',
    to: 'rotr<u32>(crc, 17) + 0xa282ead8',
    tests: SNAPPY_TESTS,
  },
  {
    what: 'adler32: the remainder is taken a step too late',
    binary: HASHES,
    file: ADLER32,
    from: 'const LONGEST: i32 = 173 * STEP;',
    to: 'const LONGEST: i32 = 174 * STEP;',
    tests: HASH_TESTS,
  },
  {
    what: 'adler32: modulo 65520',
    binary: HASHES,
    file: ADLER32,
    from: 'const MODULUS: u32 = 65521;',
    to: 'const MODULUS: u32 = 65520;',
    tests: HASH_TESTS,
  },
  {
    what: 'adler32: the last word of a step does not weigh what it should',
    binary: HASHES,
    file: 'assembly/lanes/simd.ts',
    from: 'i16x8(8, 7, 6, 5, 4, 3, 2, 1)',
    to: 'i16x8(8, 7, 6, 5, 4, 3, 1, 2)',
    tests: HASH_TESTS,
  },
  {
    what: 'crc32c: a vector is added a place too far on',
    binary: HASHES,
    file: CRC32C,
    from: 'const TAP_3: i32 = 170 * 16;',
    to: 'const TAP_3: i32 = 171 * 16;',
    tests: HASH_TESTS,
  },
  {
    what: 'crc32 and crc32c: the last chunk goes on from the history of the first',
    binary: HASHES,
    file: 'assembly/hash/crc.ts',
    from: 'memory.copy(HISTORY, HISTORY + size, span);',
    to: 'memory.copy(HISTORY, HISTORY + CHUNK, span);',
    tests: HASH_TESTS,
  },
  {
    what: 'xxh64: an input of one stripe is short',
    binary: HASHES,
    file: XXH64,
    from: 'if (seen >= <u64>STRIPE) {',
    to: 'if (seen > <u64>STRIPE) {',
    tests: HASH_TESTS,
  },
  {
    what: 'xxh64: a stream forgets what stands behind its last stripe',
    binary: HASHES,
    file: XXH64,
    from: 'memory.copy(state + BEGUN, src, length & (STRIPE - 1));',
    to: 'memory.copy(state + BEGUN, src, length & (STRIPE - 2));',
    tests: HASH_TESTS,
  },
  {
    what: 'xxh32: what is less than four bytes is shifted otherwise',
    binary: HASHES,
    file: XXH32,
    from: 'rotl<u32>(hash + (<u32>load<u8>(src++)) * PRIME_5, 11)',
    to: 'rotl<u32>(hash + (<u32>load<u8>(src++)) * PRIME_5, 12)',
    tests: HASH_TESTS,
  },
  {
    what: 'deflate: the window has a byte more',
    binary: CODECS,
    file: 'assembly/compress/chains.ts',
    from: 'export const WINDOW: u32 = 0x8000;',
    to: 'export const WINDOW: u32 = 0x8001;',
    tests: DEFLATE_TESTS,
  },
  {
    what: 'deflate: a length of 258 is not told from 257 and extra bits',
    binary: CODECS,
    file: 'assembly/compress/tokens.ts',
    from: 'return l == 255 ? 285 :',
    to: 'return l == 256 ? 285 :',
    tests: DEFLATE_TESTS,
  },
  {
    what: 'deflate: a code length is repeated seven times at once',
    binary: CODECS,
    file: 'assembly/compress/deflate.ts',
    from: 'const most = length ? 6 :',
    to: 'const most = length ? 7 :',
    tests: DEFLATE_TESTS,
  },
  {
    what: 'deflate: the code of code lengths may have eight bits',
    binary: CODECS,
    file: 'assembly/compress/deflate.ts',
    from: 'const LONGEST_META_CODE: i32 = 7;',
    to: 'const LONGEST_META_CODE: i32 = 8;',
    tests: DEFLATE_TESTS,
  },
  {
    what: 'deflate best: a match of three bytes may be further back than the window',
    binary: CODECS,
    file: 'assembly/compress/optimal.ts',
    from: 'if (best == 3 && d3 <= farthest && ',
    to: 'if (best == 3 && ',
    tests: DEFLATE_TESTS,
  },
  {
    what: 'deflate: literals before a cut are counted again behind it',
    binary: CODECS,
    file: 'assembly/compress/split.ts',
    from: 'store64(token, first - (<u64>(p - anchor) << 32));',
    to: 'store64(token, first);',
    tests: DEFLATE_TESTS,
  },
  {
    what: 'zlib: the checksum begins with 0',
    binary: CODECS,
    file: 'assembly/compress/levels.ts',
    from: 'adler32(1, src, length)',
    to: 'adler32(0, src, length)',
    tests: DEFLATE_TESTS,
  },
  {
    what: 'zstd: the last distance less one is taken behind literals, too',
    binary: CODECS,
    file: 'assembly/compress/zstd-sequences.ts',
    from: 'i32(distance == a - 1) & (base ^ 1)',
    to: 'i32(distance == a - 1) & base',
    tests: ZSTD_TESTS,
  },
  {
    what: 'zstd: the second distance repeated stays the second',
    binary: CODECS,
    file: 'assembly/compress/zstd-sequences.ts',
    from: 'c = select(c, b, isA | isB);',
    to: 'c = select(c, b, isA);',
    tests: ZSTD_TESTS,
  },
  {
    what: 'zstd: a size of 16384 literals has 14 bits',
    binary: CODECS,
    file: 'assembly/compress/zstd-literals.ts',
    from: 'size < 1 << 14 ? 2 : 3',
    to: 'size <= 1 << 14 ? 2 : 3',
    tests: ZSTD_TESTS,
  },
  {
    what: 'zstd: a share at the threshold has the shorter code',
    binary: CODECS,
    file: 'assembly/compress/fse.ts',
    from: 'if (value >= threshold) value += most;',
    to: 'if (value > threshold) value += most;',
    tests: ZSTD_TESTS,
  },
  {
    what: 'zstd: the table of the block before is overwritten where it is',
    binary: CODECS,
    file: 'assembly/compress/zstd-sequences.ts',
    from: 'const fresh = known == third ? tables + FSE_TABLE_BYTES : third;',
    to: 'const fresh = third;',
    tests: ZSTD_TESTS,
  },
  {
    what: 'zstd: a block sent raw leaves its tables',
    binary: CODECS,
    file: 'assembly/compress/zstd.ts',
    from: 'if (after) after = writeSequences(sequencesEnd, after, most);',
    to: 'if (after) after = writeSequences(sequencesEnd, after, most);\n      keepSequences();',
    tests: ZSTD_TESTS,
  },
  {
    what: 'zstd: what stands behind the input has a say',
    binary: CODECS,
    file: 'assembly/compress/zstd-match.ts',
    from: 'const known = <i32>(<u32>(-1) >>> max(32 - (end - p), 0));',
    to: 'const known = -1;',
    tests: ['test/compress/surroundings.test.ts'],
  },
];
