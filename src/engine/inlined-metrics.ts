import type { MetricsExports } from './generated/contract.ts';
import { metricsBinary as simd } from './generated/metrics-simd.ts';
import { bytesOf } from './hex.ts';
import type { EngineSources } from './select.ts';

/** The binary `metrics` as `inlined.ts` has the core. */
export const metricsSources: EngineSources<MetricsExports> = {
  simd: () => bytesOf(simd),
  scalar: async () => bytesOf((await import('./generated/metrics-scalar.ts')).metricsBinary),
  portable: () => import('./generated/metrics-portable.js'),
};
