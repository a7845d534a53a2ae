import { expect, it } from 'vitest';
import { FORMATS } from '../support/compressors.ts';
import { CompressFuzz } from '../support/fuzz-compress.ts';

// `npm run fuzz:compress` goes on from here for as long as it is told to.
it('structured inputs come out of decoders that are not ours as they went into compressors', () => {
  const fuzz = new CompressFuzz(2 ** 17);
  const seen = new Set<string>();
  let inParts = 0;
  for (let seed = 1; seed <= 400; seed++) {
    try {
      const { format, level, streamed } = fuzz.run(seed);
      seen.add(`${format.name} ${level}`);
      if (streamed) inParts++;
    } catch (error) {
      const command = `npm run fuzz:compress -- --seed ${seed} --cases 1 --max-bytes ${2 ** 17}`;
      throw new Error(command, { cause: error });
    }
  }
  expect(seen.size).toBe(FORMATS.reduce((sum, { levels }) => sum + levels.length, 0));
  expect(inParts).toBeGreaterThan(20);
});
