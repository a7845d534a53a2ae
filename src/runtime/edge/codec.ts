import { type Codec, codecOn, readyOf } from '../../codec.ts';
import { type MetricCodec, metricCodecOn } from '../../metric-codec.ts';
import { engines } from './engines.ts';
import { metricsSources } from './metrics.ts';

let codec: Codec | undefined;
let metricCodec: MetricCodec | undefined;

// Made by the first call: bundlers leave out what is not imported, the binary `metrics` above all, as
// long as no call stands here.
const records = () => (codec ??= codecOn(engines));
const metrics = () => (metricCodec ??= metricCodecOn(metricsSources));

// Documented where declarations come from: ../node/codec.ts.
export const encodeTraces: Codec['encodeTraces'] = (spans) => records().encodeTraces(spans);
export const encodeTracesJson: Codec['encodeTracesJson'] = (spans) =>
  records().encodeTracesJson(spans);
export const encodeLogs: Codec['encodeLogs'] = (given) => records().encodeLogs(given);
export const encodeLogsJson: Codec['encodeLogsJson'] = (given) => records().encodeLogsJson(given);
export const encodeMetrics: MetricCodec['encodeMetrics'] = (given) =>
  metrics().encodeMetrics(given);
export const encodeMetricsJson: MetricCodec['encodeMetricsJson'] = (given) =>
  metrics().encodeMetricsJson(given);
export const ready: Codec['ready'] = () => readyOf(records(), metrics());

export { isOtlpError, OtlpError } from '../../errors.ts';
