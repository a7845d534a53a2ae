/**
 * What the benches of compressors share: a case per corpus, our kernel on each engine beside its
 * rivals, everybody's output read back before anything is timed.
 *
 * Our runs are the kernel over the engine's memory, where an encoded request already is, and the
 * copy out of it that the pipeline makes. Rivals get the request as they want it: native zlib a
 * buffer, those in WebAssembly copy it into their own memory, as whoever uses them must.
 */

import assert from 'node:assert/strict';
import { FORMATS, type FormatName } from '../../test/support/compressors.ts';
import { CORPORA } from '../corpora.ts';
import type { BenchCase, Prepared } from '../harness/case.ts';
import type { EngineName } from '../subjects/engines.ts';
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

/** Our kernels of one format and level. */
export function ours(
  engines: readonly EngineName[],
  name: FormatName,
  level: number,
  input: Uint8Array,
): Promise<readonly CompressorSubject[]> {
  const format = FORMATS.find((one) => one.name === name)!;
  return Promise.all(
    engines.map(async (engine) => {
      const { compressor } = await load('codecs', `${engine}-${name}-${level}`);
      return {
        name: `otlp-wasm/${engine}`,
        run: await compressor(engine, format, level, input),
        decode: (bytes: Uint8Array) => format.decode(bytes, input.length),
      };
    }),
  );
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
