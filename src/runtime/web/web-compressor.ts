import type { LateCompressor } from '../../compress/compress.ts';
import { type LateParts, lateCompressor } from '../../compress/policy.ts';
import { inlinedCodecs } from '../../engine/inlined-codecs.ts';
import { webCompressors } from './web-compressors.ts';

export const compressor = (parts: LateParts): Promise<LateCompressor> =>
  lateCompressor(parts, { codecs: inlinedCodecs, host: webCompressors });
