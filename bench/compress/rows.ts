/**
 * What the benches of compressors share: a case per corpus, our kernel on each engine beside its
 * rivals, everybody's output read back before anything is timed.
 *
 * Runs of our engines are the kernel over the engine's memory, where an encoded request already
 * is, and the copy out of it that the pipeline makes; `otlp-wasm/compress` copies it in as well.
 * Rivals get the request as they want it: native zlib a buffer, those in WebAssembly copy it into
 * their own memory.
 */

import assert from 'node:assert/strict';
import { FORMATS } from '../../test/support/compressors.ts';
import { CORPORA } from '../corpora.ts';
import type { BenchCase, Prepared } from '../harness/case.ts';
import type { EngineName } from '../subjects/engines.ts';
import type { EntryFormat, LevelNumber } from '../subjects/entries.ts';
import { load } from '../subjects/load.ts';

export interface CompressorSubject {
  readonly name: string;
  run(): Uint8Array;
  /** By an implementation that is not ours. */
  decode(bytes: Uint8Array): Uint8Array;
}

export interface Row {
  /** Of the cases, in front of the corpus: `gzip-best`. */
  readonly name: string;
  /** Those the others are held against. */
  readonly rivals: readonly string[];
  subjects(input: Uint8Array): readonly CompressorSubject[] | Promise<readonly CompressorSubject[]>;
}

/** A case per corpus. */
export function casesOf({ name, rivals, subjects }: Row): readonly BenchCase[] {
  return CORPORA.map((corpus) => ({
    name: `compress/${name}/${corpus.name}`,
    async prepare() {
      const input = corpus.bytes();
      return prepared(input, rivals, await subjects(input));
    },
  }));
}

/** Our kernels of one format and level, and the entry whose function is the same with a copy in. */
export async function ours(
  engines: readonly EngineName[],
  name: EntryFormat,
  level: LevelNumber,
  input: Uint8Array,
): Promise<readonly CompressorSubject[]> {
  const format = FORMATS.find((one) => one.name === name)!;
  const decode = (bytes: Uint8Array) => format.decode(bytes, input);
  const kernels = await Promise.all(
    engines.map(async (engine) => {
      const { compressor } = await load('codecs', `${engine}-${name}-${level}`);
      const run = await compressor(engine, format, level, input);
      return { name: `otlp-wasm/${engine}`, run, decode };
    }),
  );
  const { compress } = await load('entries', `${name}-${level}`);
  return [...kernels, { name: 'otlp-wasm/compress', run: compress(name, level, input), decode }];
}

function prepared(
  input: Uint8Array,
  rivals: readonly string[],
  subjects: readonly CompressorSubject[],
): Prepared {
  return {
    rivals,
    work: { unit: 'MB/s', bytes: input.length },
    subjects: subjects.map(({ name, run }) => ({
      name,
      run,
      ratio: input.length / run().length,
    })),
    check() {
      for (const { name, run, decode } of subjects) {
        const decoded = decode(run());
        assert(
          Buffer.compare(decoded, input) === 0,
          `what ${name} wrote is read as something else than what went in`,
        );
      }
    },
  };
}
