import { codecOn, readyOf } from '../../codec.ts';
import { inlinedEngines } from '../../engine/inlined.ts';
import { metricsSources } from '../../engine/inlined-metrics.ts';
import { metricCodecOn } from '../../metric-codec.ts';

const codec = codecOn(inlinedEngines);
const metrics = metricCodecOn(metricsSources);

// Documented where declarations come from: ../node/codec.ts.
export const { encodeTraces, encodeTracesJson, encodeLogs, encodeLogsJson } = codec;
export const { encodeMetrics, encodeMetricsJson } = metrics;
export const ready = readyOf(codec, metrics);

export { isOtlpError, OtlpError } from '../../errors.ts';
