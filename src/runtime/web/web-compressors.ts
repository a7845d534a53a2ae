import type { LateSources } from '../../compress/policy.ts';
import { deflated } from './deflated.ts';

/** zlib's, where it is done in JavaScript. */
const LEVELS = { fast: 1, default: 6, best: 9 } as const;

const toZlib: LateSources['host']['zlib'] = (bytes, level) =>
  deflated(bytes, 'deflate', LEVELS[level]);

/** What the web platform compresses with. */
export const webCompressors: LateSources['host'] = {
  gzip: (bytes, level) => deflated(bytes, 'gzip', LEVELS[level]),
  zlib: toZlib,
  deflate: toZlib,
};
