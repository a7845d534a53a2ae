/** Levels of compression, as TypeScript tells them to kernels. */

/** The least time. */
export const LEVEL_FAST: i32 = 1;
export const LEVEL_DEFAULT: i32 = 2;
/** The smallest output. */
export const LEVEL_BEST: i32 = 3;
