import { gunzipSync, unzlibSync } from 'fflate';

/**
 * gunzip in JavaScript, for hosts that have nothing better; a chunk of its own, rarely loaded.
 * Throws when the member says that it is longer than `maxBytes`; it gets no more room than it says.
 */
export function gunzip(body: Uint8Array, maxBytes: number): Uint8Array {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  // The last four bytes: the size before compression (RFC 1952, 2.3.1).
  const size = view.getUint32(body.length - 4, true);
  if (size > maxBytes) throw new Error(`inflates to ${size} bytes, more than ${maxBytes}`);
  return gunzipSync(body, { out: new Uint8Array(size) });
}

/** The same of zlib's wrapper, which does not say how long it is: `size` bytes. */
export function unzlib(body: Uint8Array, size: number): Uint8Array {
  return unzlibSync(body, { out: new Uint8Array(size) });
}
