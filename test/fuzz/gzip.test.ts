import { expect, it } from 'vitest';
import { fuzzGzip } from '../support/fuzz-gzip.ts';

// `npm run fuzz` goes on from here for as long as it is told to.
it('random bytes come out of zlib as they went into gzip', () => {
  let bytes = 0;
  for (let seed = 1; seed <= 3; seed++) {
    try {
      bytes += fuzzGzip(seed, 15);
    } catch (error) {
      throw new Error(`npm run fuzz -- --only gzip --seed ${seed}`, { cause: error });
    }
  }
  expect(bytes).toBeGreaterThan(100_000);
});
