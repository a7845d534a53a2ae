/** Random numbers from a seed, the same on every run. */
export interface SeededRandom {
  /** Uniform in [0, 1). */
  next(): number;
  /** An integer in [0, limit). */
  below(limit: number): number;
}

/** xorshift32: plenty for tests. */
export function randomFrom(seed: number): SeededRandom {
  let state = seed | 0 || 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  return { next, below: (limit) => Math.floor(next() * limit) };
}
