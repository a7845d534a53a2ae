import type { LateCompressor } from '../../compress/compress.ts';
import { type LateParts, lateCompressor } from '../../compress/policy.ts';
import { webCompressors } from '../web/web-compressors.ts';
import { codecsSources } from './codecs.ts';

export const compressor = (parts: LateParts): Promise<LateCompressor> =>
  lateCompressor(parts, { codecs: codecsSources, host: webCompressors });
