import { codecOn, readyOf } from '../../codec.ts';
import { metricCodecOn } from '../../metric-codec.ts';
import { engines } from './engines.ts';
import { metricsSources } from './metrics.ts';

const codec = codecOn(engines);
const metrics = metricCodecOn(metricsSources);

// Documented where declarations come from: ../node/codec.ts.
export const { encodeTraces, encodeTracesJson, encodeLogs, encodeLogsJson } = codec;
export const { encodeMetrics, encodeMetricsJson } = metrics;
export const ready = readyOf(codec, metrics);

export { isOtlpError, OtlpError } from '../../errors.ts';
