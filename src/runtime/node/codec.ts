import { codecOn } from '../../codec.ts';
import { engines } from './engines.ts';

const codec = codecOn(engines);

/** See {@link Codec.encodeTraces}. */
export const encodeTraces = codec.encodeTraces;
/** See {@link Codec.encodeTracesJson}. */
export const encodeTracesJson = codec.encodeTracesJson;
/** See {@link Codec.encodeLogs}. */
export const encodeLogs = codec.encodeLogs;
/** See {@link Codec.encodeLogsJson}. */
export const encodeLogsJson = codec.encodeLogsJson;
/** See {@link Codec.ready}. */
export const ready = codec.ready;

export type { Codec } from '../../codec.ts';
export { isOtlpError, OtlpError } from '../../errors.ts';
export type * from '../../exporters/log-like.ts';
export type * from '../../exporters/span-like.ts';
