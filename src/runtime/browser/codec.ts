import { type Codec, codecOn, readyOf } from '../../codec.ts';
import { inlinedEngines } from '../../engine/inlined.ts';
import { metricsSources } from '../../engine/inlined-metrics.ts';
import { type MetricCodec, metricCodecOn } from '../../metric-codec.ts';

// Bundlers leave out what is not imported: the binary `metrics`, above all.
const codec = /* @__PURE__ */ codecOn(inlinedEngines);
const metrics = /* @__PURE__ */ metricCodecOn(metricsSources);

// Documented where declarations come from: ../node/codec.ts.
export const encodeTraces: Codec['encodeTraces'] = (spans) => codec.encodeTraces(spans);
export const encodeTracesJson: Codec['encodeTracesJson'] = (spans) => codec.encodeTracesJson(spans);
export const encodeLogs: Codec['encodeLogs'] = (records) => codec.encodeLogs(records);
export const encodeLogsJson: Codec['encodeLogsJson'] = (records) => codec.encodeLogsJson(records);
export const encodeMetrics: MetricCodec['encodeMetrics'] = (given) => metrics.encodeMetrics(given);
export const encodeMetricsJson: MetricCodec['encodeMetricsJson'] = (given) =>
  metrics.encodeMetricsJson(given);
export const ready = /* @__PURE__ */ readyOf(codec, metrics);

export { isOtlpError, OtlpError } from '../../errors.ts';
