import type { MetricsExports } from '../../engine/generated/contract.ts';
import metrics from '../../engine/generated/metrics-simd.wasm';
import type { EngineSources } from '../../engine/select.ts';
import { notHere } from './not-here.ts';

/** As `engines.ts`: a module that is imported statically, or JavaScript where it is refused. */
export const metricsSources: EngineSources<MetricsExports> = {
  simd: () => metrics,
  scalar: notHere,
  portable: () => import('../../engine/generated/metrics-portable.js'),
};
