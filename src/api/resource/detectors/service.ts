import { ATTR_SERVICE_INSTANCE_ID } from '@opentelemetry/semantic-conventions';
import { hexOfWord } from '../../trace/ids.ts';
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
  // Octets 6 and 8, where a word's lowest byte comes first.
  words[1] = (words[1]! & 0xff0fffff) | 0x400000;
  words[2] = (words[2]! & 0xffffff3f) | 0x80;
  const hex = Array.from(words, hexOfWord).join('');
  return hex.replace(/^(.{8})(....)(....)(....)/, '$1-$2-$3-$4-');
}
