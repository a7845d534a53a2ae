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

/** Asked once the program has started: `node:os` alone takes half a millisecond to load. */
function afterStart(
  name: string,
  detector: () => ResourceDetector | Promise<ResourceDetector>,
): ResourceDetector {
  return {
    name,
    schemaUrl: SCHEMA_URL,
    detect: (surroundings) => async () => {
      const answer = (await detector()).detect(surroundings);
      return typeof answer === 'function' ? answer() : answer;
    },
  };
}

function later(name: Name<keyof Environment>): ResourceDetector {
  return afterStart(name, async () => {
    environment ??= import('../resources.ts');
    return (await environment)[`${name}Detector`];
  });
}

/** What is inside comes first: an attribute that two know is taken from the later one. */
export const detectors: readonly ResourceDetector[] = [
  processDetector,
  afterStart('os', () => osDetector),
  afterStart('host', () => hostDetector),
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
