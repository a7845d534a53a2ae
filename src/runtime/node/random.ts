import { builtin } from './builtin.ts';

/**
 * Read at once: a service instance id and the seed of the ids. No more, since words that lie here
 * would be the same in two copies of this process (a restored snapshot).
 */
const POOL_WORDS = 8;

const NONE = new Uint32Array(0);

let pool: Uint32Array<ArrayBuffer> | undefined;

/**
 * Fills `words` from the system's CSPRNG. The first words come from the kernel's device, since
 * `crypto` brings Node's streams and key classes with it: a quarter of all that starting costs.
 */
export function fillRandom(words: Uint32Array<ArrayBuffer>): void {
  if (pool === undefined) {
    // Once only, and not from within: an instrumented `fs` starts a span, which needs ids.
    pool = NONE;
    pool = readPool();
  }
  const at = pool.length - words.length;
  if (at < 0) return void crypto.getRandomValues(words);
  words.set(pool.subarray(at));
  pool = pool.subarray(0, at);
}

/** Empty where there is no such device, or where it may not be read. */
function readPool(): Uint32Array<ArrayBuffer> {
  // On Windows the path is that of a file which anybody may have made.
  if (process.platform === 'win32') return NONE;
  try {
    const { openSync, readSync, closeSync } = builtin('node:fs');
    const words = new Uint32Array(POOL_WORDS);
    const device = openSync('/dev/urandom', 'r');
    try {
      return readSync(device, words) === words.byteLength ? words : NONE;
    } finally {
      closeSync(device);
    }
  } catch {
    return NONE;
  }
}
