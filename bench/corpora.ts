/** What compressors and hashes are measured on. */

import { CORPUS_SIGNALS, type CorpusSignal, otlpCorpus } from '../test/support/otlp-corpora.ts';

/** Records per request: a small batch, the default batch, a large one. */
export const SIZES = [64, 512, 4096] as const;

export interface Corpus {
  /** `traces-512` */
  readonly name: string;
  /** Made when asked for: 4096 records take a while. */
  bytes(): Uint8Array;
}

export const CORPORA: readonly Corpus[] = CORPUS_SIGNALS.flatMap((signal: CorpusSignal) =>
  SIZES.map((records) => ({
    name: `${signal}-${records}`,
    bytes: () => otlpCorpus(signal, records),
  })),
);
