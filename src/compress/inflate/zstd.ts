import { Decompress } from 'fzstd';
import { concatenated } from '../../codec/bytes.ts';
import { damaged, TooLong } from './damaged.ts';

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];

/**
 * Reads zstd by fzstd, which does not look at checksums.
 *
 * @throws TooLong beyond `maxBytes`; an Error for bytes that are no zstd.
 */
export function inflateZstd(bytes: Uint8Array, maxBytes: number): Uint8Array {
  if (!MAGIC.every((byte, at) => bytes[at] === byte)) throw damaged('zstd', 'no frame begins here');
  // It would take the memory before it reads on.
  if (claimed(bytes) > maxBytes) throw new TooLong(maxBytes);
  const parts: Uint8Array[] = [];
  let size = 0;
  const stream = new Decompress((part) => {
    size += part.length;
    if (size > maxBytes) throw new TooLong(maxBytes);
    parts.push(part.slice());
  });
  stream.push(bytes, true);
  return concatenated(parts);
}

/** The content size that a frame's header names (RFC 8878, 3.1.1.1); 0 where it names none. */
function claimed(bytes: Uint8Array): number {
  const [, , , , descriptor = 0] = bytes;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const code = descriptor >> 6;
  if (code === 0 && !isSingleSegment) return 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
  const at = 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes;
  let size = 0;
  for (let i = (1 << code) - 1; i >= 0; i--) size = size * 256 + (bytes[at + i] ?? 0);
  return code === 1 ? size + 256 : size;
}
