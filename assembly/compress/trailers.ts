/** Lengths of what ends a gzip member and a zlib stream. */
export const GZIP_TRAILER_BYTES: i32 = 8;
export const ZLIB_TRAILER_BYTES: i32 = 4;
