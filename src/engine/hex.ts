/** The bytes that a bundle carries as text; decoded when an engine is tried, not before. */
export function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(hex.length / 2);
  // 0–9 are 0x30 to 0x39, a–f are 0x61 to 0x66.
  const digit = (at: number) => (hex.charCodeAt(at) & 15) + 9 * (hex.charCodeAt(at) >> 6);
  for (let i = 0; i < bytes.length; i++) bytes[i] = digit(2 * i) * 16 + digit(2 * i + 1);
  return bytes;
}
