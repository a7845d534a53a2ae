import {
  ATTR_CLOUD_PLATFORM,
  ATTR_CLOUD_PROVIDER,
  ATTR_CLOUD_REGION,
  ATTR_SERVICE_INSTANCE_ID,
} from '@opentelemetry/semantic-conventions/incubating';
import type { DetectedAttributes, ResourceDetector } from '../detector.ts';
import { SCHEMA_URL } from '../schema-url.ts';

/** Cloudflare: Workers by what they say of themselves, Containers by their variables. */
export const cloudflareDetector: ResourceDetector = {
  name: 'cloudflare',
  schemaUrl: SCHEMA_URL,
  detect({ env }): DetectedAttributes {
    const { navigator } = globalThis as { navigator?: { readonly userAgent?: string } };
    const isWorker = navigator?.userAgent === 'Cloudflare-Workers';
    if (!isWorker && !env['CLOUDFLARE_APPLICATION_ID']) return {};
    return {
      [ATTR_CLOUD_PROVIDER]: 'cloudflare',
      [ATTR_CLOUD_PLATFORM]: isWorker ? 'cloudflare.workers' : 'cloudflare.containers',
      [ATTR_CLOUD_REGION]: env['CLOUDFLARE_REGION'],
      [ATTR_SERVICE_INSTANCE_ID]: env['CLOUDFLARE_DURABLE_OBJECT_ID'],
    };
  },
};
