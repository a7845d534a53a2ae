import { ZLIB_LEVELS } from '../../compress/encoding.ts';
import type { LateSources } from '../../compress/policy.ts';
import { deflated } from './deflated.ts';

const toZlib: LateSources['host']['zlib'] = (bytes, level) =>
  deflated(bytes, 'deflate', ZLIB_LEVELS[level]);

/** What the web platform compresses with. */
export const webCompressors: LateSources['host'] = {
  gzip: (bytes, level) => deflated(bytes, 'gzip', ZLIB_LEVELS[level]),
  zlib: toZlib,
  deflate: toZlib,
};
