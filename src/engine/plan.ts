import { OVERSHOOT_BYTES, RING_BASE } from './generated/layout.ts';

/** Where in an engine's memory things stand, behind what its kernels keep for themselves. */
export interface MemoryPlan {
  readonly ringBytes: number;
  /** Where encoded requests go, and how long they may be. */
  readonly request: { readonly at: number; readonly limitBytes: number };
  /** Room for what the compressor makes of one. */
  readonly compressed: { readonly at: number; readonly capacity: number };
  /** All of it. */
  readonly bytes: number;
}

/**
 * Lays out an engine's memory: ring, request, compressed request.
 *
 * @param ringBytes a power of two.
 * @param limitBytes longest request.
 * @param capacity most that the compressor makes of one.
 */
export function planMemory(ringBytes: number, limitBytes: number, capacity: number): MemoryPlan {
  const requestAt = RING_BASE + ringBytes;
  const compressedAt = requestAt + limitBytes + OVERSHOOT_BYTES;
  return {
    ringBytes,
    request: { at: requestAt, limitBytes },
    compressed: { at: compressedAt, capacity },
    bytes: compressedAt + capacity + OVERSHOOT_BYTES,
  };
}
