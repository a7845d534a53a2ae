import {
  ATTR_BROWSER_BRANDS,
  ATTR_BROWSER_LANGUAGE,
  ATTR_BROWSER_MOBILE,
  ATTR_BROWSER_PLATFORM,
  ATTR_USER_AGENT_ORIGINAL,
} from '@opentelemetry/semantic-conventions/incubating';
import type { DetectedAttributes, ResourceDetector } from '../detector.ts';
import { SCHEMA_URL } from '../schema-url.ts';

interface Navigator {
  readonly userAgent?: string;
  readonly language?: string;
  readonly userAgentData?: {
    readonly brands: readonly { readonly brand: string; readonly version: string }[];
    readonly mobile: boolean;
    readonly platform: string;
  };
}

/**
 * The browser, from `navigator`. Brands, platform and mobile are set where there is
 * `userAgentData` alone: guessing them from the user agent is the backend's business.
 */
export const browserDetector: ResourceDetector = {
  name: 'browser',
  schemaUrl: SCHEMA_URL,
  detect(): DetectedAttributes {
    const { navigator } = globalThis as { navigator?: Navigator };
    const data = navigator?.userAgentData;
    return {
      [ATTR_USER_AGENT_ORIGINAL]: navigator?.userAgent,
      [ATTR_BROWSER_LANGUAGE]: navigator?.language,
      [ATTR_BROWSER_BRANDS]: data?.brands.map(({ brand, version }) => `${brand} ${version}`),
      [ATTR_BROWSER_MOBILE]: data?.mobile,
      [ATTR_BROWSER_PLATFORM]: data?.platform,
    };
  },
};
