/**
 * Collecting and encoding a metric of ten thousand series of four attributes, each measured since
 * the collection before, which is not timed.
 */

import type { BenchCase, Prepared } from '../harness/case.ts';
import { ENGINES } from '../subjects/engines.ts';
import { load } from '../subjects/load.ts';
import type { MeteringOptions, SeriesKind } from '../subjects/metrics-sdk.ts';

const SERIES = 10_000;

export const cases: readonly BenchCase[] = (['cumulative', 'delta'] as const).flatMap(
  (temporality) =>
    (['sum', 'histogram', 'exponential'] as const).map((kind) => ({
      name: `path/metric/collect-10000/${kind}-${temporality}`,
      prepare: () => prepare(kind, temporality),
    })),
);

async function prepare(
  kind: SeriesKind,
  temporality: MeteringOptions['temporality'],
): Promise<Prepared> {
  const upstream = await load('upstream-metrics', `${kind}-${temporality}`);
  const rival = upstream.collecting(upstream.open, kind, temporality, SERIES);
  const own = await Promise.all(
    ENGINES.map(async (engine) => {
      const { collecting, opener } = await load('ours-metrics', `${engine}-${kind}-${temporality}`);
      const subject = collecting(opener(engine), kind, temporality, SERIES);
      return { name: `otlp-wasm/${engine}`, ...subject };
    }),
  );
  return {
    rivals: ['opentelemetry-js'],
    work: { unit: 'ns/op', ops: SERIES },
    subjects: [...own, { name: 'opentelemetry-js', ...rival }],
    async check() {
      await rival.check();
      for (const subject of own) await subject.check();
    },
  };
}
