import { coreBinary as scalar } from './generated/core-scalar.ts';
import { coreBinary as simd } from './generated/core-simd.ts';

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** The wasm engines inside the bundle, for hosts that compile from bytes; decoded when asked for. */
export const inlinedEngines = {
  simd: () => bytesOf(simd),
  scalar: () => bytesOf(scalar),
};
