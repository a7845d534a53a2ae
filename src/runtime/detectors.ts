import type { ResourceDetector } from '../api/resource/detector.ts';
import { hostDetector, osDetector, processDetector } from '../api/resource/detectors/system.ts';
import { SCHEMA_URL } from '../api/resource/schema-url.ts';

type Environment = typeof import('../resources.ts');

/**
 * The entry `otlp-wasm/resources`, whose detectors read files and environment: loaded once the
 * program has started, so that its start does not pay for them.
 */
let environment: Promise<Environment> | undefined;

type Name<Exported> = Exported extends `${infer Detector}Detector` ? Detector : never;

function later(name: Name<keyof Environment>): ResourceDetector {
  return {
    name,
    schemaUrl: SCHEMA_URL,
    detect: (surroundings) => async () => {
      environment ??= import('../resources.ts');
      const answer = (await environment)[`${name}Detector`].detect(surroundings);
      return typeof answer === 'function' ? answer() : answer;
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
