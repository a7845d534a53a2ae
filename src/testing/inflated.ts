import { gunzipSync, unzlibSync } from 'fflate';
import { INFLATE } from '../compress/inflate/inflaters.ts';
import type { Encoding } from '../deliver/transport.ts';
import { MAX_RAW_BYTES } from '../slow-path.ts';

/** A body before it was compressed; as it is where nobody reads it in JavaScript (`br`). */
export function inflated(body: Uint8Array, encoding: Encoding): Uint8Array {
  switch (encoding) {
    case 'identity':
    case 'br':
      return body;
    case 'gzip':
      return gunzipSync(body);
    case 'zlib':
    case 'deflate':
      return unzlibSync(body);
    default:
      return INFLATE[encoding](body, MAX_RAW_BYTES);
  }
}
