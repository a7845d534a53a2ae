import { ATTR_SERVICE_INSTANCE_ID } from '@opentelemetry/semantic-conventions';
import type { ResourceDetector, Surroundings } from '../detector.ts';
import { SCHEMA_URL } from '../schema-url.ts';

/** An id that no other instance of the service has: a random UUID. */
export const serviceDetector: ResourceDetector = {
  name: 'service',
  schemaUrl: SCHEMA_URL,
  detect: (surroundings) => ({ [ATTR_SERVICE_INSTANCE_ID]: randomUuid(surroundings) }),
};

/** A random UUID (RFC 9562, version 4). */
function randomUuid({ fillRandom }: Pick<Surroundings, 'fillRandom'>): string {
  const words = new Uint32Array(4);
  fillRandom(words);
  words[1] = (words[1]! & 0xffff0fff) | 0x4000;
  words[2] = (words[2]! & 0x3fffffff) | 0x80000000;
  const hex = Array.from(words, (word) => word.toString(16).padStart(8, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
