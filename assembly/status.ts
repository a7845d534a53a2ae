/** Negative numbers a kernel may return instead of a length. */

/** The output would not fit the room given. */
export const STATUS_NO_ROOM: i32 = -1;
/** The ring holds nothing to take. */
export const STATUS_EMPTY: i32 = -2;
