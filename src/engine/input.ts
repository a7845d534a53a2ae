import { OtlpError } from '../errors.ts';

/** Bytes to read: a view's own part of its buffer, or all of a buffer. They may be shared. */
export type Bytes = ArrayBufferView<ArrayBufferLike> | ArrayBuffer | SharedArrayBuffer;

/**
 * `given` as bytes, where it stands.
 *
 * @throws OtlpError `invalid_data` when it is neither a view nor a buffer, or its buffer is
 *   detached.
 */
export function inputOf(given: Bytes): Uint8Array {
  // What only inherits from Uint8Array is no view. Of a detached buffer there are no bytes: not
  // `length`, of which code that V8 (Node 20) has optimized for resizable buffers, too, keeps what it
  // was.
  const isBytes = ArrayBuffer.isView(given) && given instanceof Uint8Array;
  return isBytes && given.byteLength > 0 ? given : viewOf(given);
}

function viewOf(given: Bytes): Uint8Array {
  try {
    if (ArrayBuffer.isView(given)) {
      const { buffer, byteOffset, byteLength } = given;
      // Throws where the buffer is detached, or has shrunk to less than the view begins at.
      if ('at' in given) (given as Uint8Array).at(0);
      return new Uint8Array(buffer, byteOffset, byteLength);
    }
    // Buffers of another realm, or where there are none that can be shared.
    const tag = Object.prototype.toString.call(given);
    if (/^\[object (Shared)?ArrayBuffer\]$/.test(tag)) return new Uint8Array(given);
  } catch (cause) {
    throw new OtlpError(
      'invalid_data',
      'bytes are in a buffer that is detached (transferred to another thread?) or has shrunk; ' +
        'give them before, or a copy.',
      { cause },
    );
  }
  const seen = given === null ? 'null' : typeof given;
  throw new OtlpError(
    'invalid_data',
    `bytes are no Uint8Array, other view or buffer (${seen}); ` +
      'encode text first: new TextEncoder().encode(text).',
  );
}
