import type { Remake } from '../../deliver/deliver.ts';
import { deflated } from './deflated.ts';
import { setTimer } from './timer.ts';

/** Undefined where the program was bundled without it. */
const remake: Remake = (payload, form) =>
  import('./web-slow-path.ts').then(
    (slow) => slow.remake(payload, form),
    () => undefined,
  );

/** What every entry of a host of the web platform needs of it. */
export const basics = {
  now: () => performance.now(),
  fillRandom: (words: Uint32Array<ArrayBuffer>) => void crypto.getRandomValues(words),
  setTimer,
  soon: (callback: () => void) => void setTimeout(callback, 0),
  gzip: (bytes: Uint8Array<ArrayBuffer>) => deflated(bytes, 'gzip'),
  remake,
  env: {},
  warn: (line: string) => console.warn(line),
};
