/**
 * A connection that is older takes no further requests, milliseconds: five minutes. Those on it are
 * answered, then it is closed. So a name that has moved to other addresses is followed, and load
 * comes to servers that were started later.
 */
export const MAX_CONNECTION_AGE_MS = 300_000;
