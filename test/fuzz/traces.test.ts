import { expect, it } from 'vitest';
import { fuzzTraces } from '../support/fuzz-traces.ts';

// `npm run fuzz` goes on from here for as long as it is told to.
it('random spans come out of every engine and every decoder as they went in', () => {
  let requests = 0;
  for (let seed = 1; seed <= 12; seed++) {
    try {
      requests += fuzzTraces(seed, 120).requests;
    } catch (error) {
      throw new Error(`npm run fuzz -- --only traces --seed ${seed}`, { cause: error });
    }
  }
  expect(requests).toBeGreaterThan(60);
});
