import type { ResourceDetector } from '../../api/resource/detector.ts';
import { hostDetector, osDetector, processDetector } from '../../api/resource/detectors/system.ts';
import { SCHEMA_URL } from '../../api/resource/schema-url.ts';

type Environment = typeof import('./environment-detectors.ts');

/** Read from disk once the program has started. */
let environment: Promise<Environment> | undefined;

function later(name: keyof Environment): ResourceDetector {
  return {
    name,
    schemaUrl: SCHEMA_URL,
    async detect(surroundings) {
      environment ??= new Promise<void>((resolve) => void setImmediate(resolve).unref()).then(
        () => import('./environment-detectors.ts'),
      );
      return (await environment)[name].detect(surroundings);
    },
  };
}

/** What is inside comes first: an attribute that two know is taken from the later one. */
export const detectors: readonly ResourceDetector[] = [
  processDetector,
  osDetector,
  hostDetector,
  later('container'),
  later('kubernetes'),
  later('aws'),
  later('gcp'),
  later('azure'),
  later('heroku'),
  later('vercel'),
  later('cloudflare'),
  later('fly'),
];
