import { type Codec, codecOn, readyOf } from '../../codec.ts';
import { metricCodecOn } from '../../metric-codec.ts';
import { engines } from './engines.ts';
import { metricsSources } from './metrics.ts';

const codec = codecOn(engines);
const metrics = metricCodecOn(metricsSources);

/** See {@link Codec.encodeTraces}. */
export const encodeTraces = codec.encodeTraces;
/** See {@link Codec.encodeTracesJson}. */
export const encodeTracesJson = codec.encodeTracesJson;
/** See {@link Codec.encodeLogs}. */
export const encodeLogs = codec.encodeLogs;
/** See {@link Codec.encodeLogsJson}. */
export const encodeLogsJson = codec.encodeLogsJson;
/** See {@link MetricCodec.encodeMetrics}. */
export const encodeMetrics = metrics.encodeMetrics;
/** See {@link MetricCodec.encodeMetricsJson}. */
export const encodeMetricsJson = metrics.encodeMetricsJson;
/** See {@link Codec.ready}. */
export const ready: Codec['ready'] = () => readyOf(codec, metrics);

export type * from '../../api/metric/data.ts';
export { isOtlpError, OtlpError } from '../../errors.ts';
export type * from '../../exporters/log-like.ts';
export type * from '../../exporters/span-like.ts';
export type { MetricCodec } from '../../metric-codec.ts';
export type { Codec };
