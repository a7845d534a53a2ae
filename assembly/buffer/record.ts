/**
 * Layout of what TypeScript writes and the codecs read. All words are 32 bits, little
 * endian, at addresses divisible by 4. Byte strings are padded with anything to a multiple
 * of 4.
 *
 * A span record, in the order of the fields of OTLP `Span`:
 *
 * ```text
 *    0 size of the record in bytes; RECORD_PAD set: no record, skip that many bytes
 *    4 scope: address of its group in the string table
 *    8 next record of the same scope in this batch (written by the encoder)
 *   12 flags (bits 0..9: OTLP SpanFlags) | kind << 12 | status code << 16
 *   16 trace id, 16 bytes          32 span id, 8 bytes       40 parent span id, 8 bytes
 *   48 start, seconds              52 start, nanoseconds
 *   56 end, seconds                60 end, nanoseconds
 *   64 attributes   68 events   72 links            (how many follow)
 *   76 attributes   80 events   84 links            (how many were dropped)
 *   88 bytes of trace state        92 bytes of status message
 *   96 name: its address in the string table, or 0 and its text follows
 *  100 address of the text block that its TEXT values lie in
 *  104 trace state bytes · [name: length, bytes] · attributes · events · links
 *      · status message bytes
 * ```
 *
 * A log record, whose first words are the same:
 *
 * ```text
 *    0 size    4 scope    8 next
 *   12 flags (bits 0..9: OTLP LogRecordFlags) | severity number << 12
 *   16 trace id, 16 bytes          32 span id, 8 bytes (0: none of the two)
 *   40 time, seconds               44 time, nanoseconds (both 0: not known)
 *   48 observed, seconds           52 observed, nanoseconds
 *   56 attributes (how many follow)      60 attributes (how many were dropped)
 *   64 severity text    68 event name: its address in the string table, or 0 and its text follows
 *   72 address of the text block
 *   76 bodies that follow: 0 or 1
 *   80 [severity text: length, bytes] · [event name: length, bytes] · [body: as an attribute]
 *      · attributes
 * ```
 *
 * Strings that do not repeat are gathered over several records and converted to UTF-8 in one
 * go: the text block, which stands in the ring behind the records that need it, as a pad
 * whose first word is followed by the bytes. Being behind them it is freed after them.
 *
 * attribute := key address << 4 | kind, [key: length, bytes — if the address is 0], value
 *
 * ```text
 *   value kind   words that follow
 *   EMPTY TRUE FALSE   none
 *   INT32        value                 DOUBLE  low, high
 *   INT64        low, high             TEXT    length, offset in the text block
 *   STRING_REF   address               STRING  length, bytes
 *   ARRAY        count, then as many `kind, value`   (no key)     BYTES   length, bytes
 *   MAP          count, then as many attributes
 * ```
 *
 * event := seconds, nanoseconds, name (as above), attributes, dropped attributes,
 *          [name: length, bytes], attributes
 *
 * link := trace id (16), span id (8), flags, attributes, dropped attributes,
 *         bytes of trace state, trace state bytes, attributes
 *
 * group (see strings.ts) := schema URL: length, bytes; attributes, dropped attributes;
 *         scope only: name: length, bytes; version: length, bytes; then attributes
 */

export const RECORD_PAD: i32 = <i32>0x80000000;

export const RECORD_SIZE: i32 = 0;
export const RECORD_SCOPE: i32 = 4;
export const RECORD_NEXT: i32 = 8;

export const SPAN_BITS: i32 = 12;
export const SPAN_TRACE_ID: i32 = 16;
export const SPAN_SPAN_ID: i32 = 32;
export const SPAN_PARENT_ID: i32 = 40;
export const SPAN_START: i32 = 48;
export const SPAN_END: i32 = 56;
export const SPAN_ATTRIBUTES: i32 = 64;
export const SPAN_EVENTS: i32 = 68;
export const SPAN_LINKS: i32 = 72;
export const SPAN_DROPPED_ATTRIBUTES: i32 = 76;
export const SPAN_DROPPED_EVENTS: i32 = 80;
export const SPAN_DROPPED_LINKS: i32 = 84;
export const SPAN_STATE_BYTES: i32 = 88;
export const SPAN_MESSAGE_BYTES: i32 = 92;
export const SPAN_NAME: i32 = 96;
export const SPAN_TEXT: i32 = 100;
export const SPAN_HEADER_BYTES: i32 = 104;

export const SPAN_KIND_SHIFT: i32 = 12;
export const SPAN_STATUS_SHIFT: i32 = 16;
export const SPAN_FLAGS_MASK: i32 = 0x3ff;

export const LOG_BITS: i32 = 12;
export const LOG_TRACE_ID: i32 = 16;
export const LOG_SPAN_ID: i32 = 32;
export const LOG_TIME: i32 = 40;
export const LOG_OBSERVED: i32 = 48;
export const LOG_ATTRIBUTES: i32 = 56;
export const LOG_DROPPED_ATTRIBUTES: i32 = 60;
export const LOG_SEVERITY_TEXT: i32 = 64;
export const LOG_EVENT_NAME: i32 = 68;
export const LOG_TEXT: i32 = 72;
export const LOG_BODY: i32 = 76;
export const LOG_HEADER_BYTES: i32 = 80;

export const LOG_SEVERITY_SHIFT: i32 = 12;

export const VALUE_EMPTY: i32 = 0;
export const VALUE_TRUE: i32 = 1;
export const VALUE_FALSE: i32 = 2;
export const VALUE_INT32: i32 = 3;
export const VALUE_INT64: i32 = 4;
export const VALUE_DOUBLE: i32 = 5;
export const VALUE_STRING_REF: i32 = 6;
export const VALUE_TEXT: i32 = 7;
export const VALUE_STRING: i32 = 8;
export const VALUE_BYTES: i32 = 9;
export const VALUE_ARRAY: i32 = 10;
export const VALUE_MAP: i32 = 11;
export const VALUE_KIND_BITS: i32 = 4;
