import type { MetricsExports } from '../../engine/generated/contract.ts';
import * as portable from '../../engine/generated/metrics-portable.js';
import { metricsBinary as scalar } from '../../engine/generated/metrics-scalar.ts';
import { metricsBinary as simd } from '../../engine/generated/metrics-simd.ts';
import type { EngineSources } from '../../engine/select.ts';

/** The binary `metrics` for all engines: inside, and there at once. */
export const metricsSources: EngineSources<MetricsExports> = {
  simd: () => Buffer.from(simd, 'hex'),
  scalar: () => Buffer.from(scalar, 'hex'),
  portable: () => portable,
};
