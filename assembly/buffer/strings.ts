/**
 * The table of interned strings and groups: two halves of linear memory, filled from the
 * front by TypeScript. When the half in use is full, strings go inline; once the ring holds
 * nothing that points into the other half, the epoch goes up and the halves swap. So memory
 * never grows with the number of distinct strings, and no record ever points at a string
 * that was overwritten.
 *
 * An interned string is kept as it stands on the wire, because the key of a KeyValue and
 * the string of an AnyValue are both field 1:
 *
 * ```text
 *   0 n   4 0x0a · length varint · UTF-8 bytes      (n bytes)
 * ```
 *
 * A group is what many records share: a resource, or a scope within a resource. What comes
 * before and after its members on the wire is encoded once, when the group is defined:
 *
 * ```text
 *   0 serial of the last encode call that met it
 *   4 first member of the batch      8 last member
 *  12 next group of the same parent in this batch
 *  16 parent: the scope's resource, or 0
 *  20 bytes of prelude   24 bytes of postlude   28 members in this batch
 *  32 prelude (field 1: Resource or InstrumentationScope) · postlude (field 3: schema_url)
 * ```
 */

export const GROUP_SERIAL: i32 = 0;
export const GROUP_FIRST: i32 = 4;
export const GROUP_LAST: i32 = 8;
export const GROUP_NEXT: i32 = 12;
export const GROUP_PARENT: i32 = 16;
export const GROUP_PRELUDE: i32 = 20;
export const GROUP_POSTLUDE: i32 = 24;
export const GROUP_MEMBERS: i32 = 28;
export const GROUP_HEADER_BYTES: i32 = 32;
