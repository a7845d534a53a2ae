import { cloudflareDetector } from '../../api/resource/detectors/cloudflare.ts';
import type { Host } from '../host.ts';
import { webHost } from '../web/host.ts';
import { edgeContext } from './context.ts';
import { engines } from './engines.ts';
import { compressor } from './late-compressor.ts';
import { metricsSources } from './metrics.ts';

/** Edge workers (workerd). */
export const host: Host = webHost({
  name: 'workerd',
  detectors: [cloudflareDetector],
  contextManager: edgeContext,
  engines,
  metrics: metricsSources,
  compressor,
});
