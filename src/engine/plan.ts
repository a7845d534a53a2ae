import { CODECS_END, OVERSHOOT_BYTES, RING_BASE } from './generated/layout.ts';

/** Where in an engine's memory things stand, behind what its kernels keep for themselves. */
export interface MemoryPlan {
  /** Where the ring begins. */
  readonly ringAt: number;
  readonly ringBytes: number;
  /** The same for the ring of log records, half as long; empty where there is none. */
  readonly logRingAt: number;
  readonly logRingBytes: number;
  /** Where encoded requests go, and how long they may be. */
  readonly request: { readonly at: number; readonly limitBytes: number };
  /** Room for what the compressor makes of one. */
  readonly compressed: { readonly at: number; readonly capacity: number };
  /** All of it. */
  readonly bytes: number;
}

export interface PlanOptions {
  readonly withCodecs?: boolean;
  readonly withLogs?: boolean;
}

/**
 * Lays out an engine's memory: rings, request, compressed request.
 *
 * @param ringBytes a power of two.
 * @param limitBytes longest request.
 * @param capacity most that the compressor makes of one.
 * @param more whether the binary `codecs` is to run on the same memory, too, and whether there is a ring
 *   of log records.
 */
export function planMemory(
  ringBytes: number,
  limitBytes: number,
  capacity: number,
  { withCodecs = false, withLogs = false }: PlanOptions = {},
): MemoryPlan {
  const ringAt = withCodecs ? CODECS_END : RING_BASE;
  const logRingAt = ringAt + ringBytes;
  const logRingBytes = withLogs ? ringBytes >> 1 : 0;
  const requestAt = logRingAt + logRingBytes;
  const compressedAt = requestAt + limitBytes + OVERSHOOT_BYTES;
  return {
    ringAt,
    ringBytes,
    logRingAt,
    logRingBytes,
    request: { at: requestAt, limitBytes },
    compressed: { at: compressedAt, capacity },
    bytes: compressedAt + capacity + OVERSHOOT_BYTES,
  };
}
