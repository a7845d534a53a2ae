/**
 * Measurements: what one costs the thread that makes it, with attributes in a fresh object literal
 * over a hundred sets (`measurements.ts`), and through bound instruments.
 */

import { context as contextApi } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '../../src/runtime/node/context-manager.ts';
import type { BenchCase, Prepared } from '../harness/case.ts';
import { MEASUREMENTS } from '../measurements.ts';
import { ENGINES } from '../subjects/engines.ts';
import { load } from '../subjects/load.ts';
import type { BoundMode } from '../subjects/ours-metrics.ts';

export const cases: readonly BenchCase[] = [
  ...(['exemplars-off', 'trace-based', 'trace-based-in-span'] as const).map((mode) => ({
    name: `path/metric/bound/${mode}`,
    prepare: () => bound(mode),
  })),
  { name: 'path/metric/counter-4attr-100sets', prepare: () => counter(false) },
  { name: 'path/metric/counter-4attr-built-strings', prepare: () => counter(true) },
  { name: 'path/metric/histogram-explicit', prepare: () => histogram('explicit') },
  { name: 'path/metric/histogram-exponential', prepare: () => histogram('exponential') },
];

let manager: AsyncLocalStorageContextManager | undefined;

/**
 * The host's context manager, as applications have one: a measurement asks it for the active span.
 * One for all cases, and for good: when it is taken away the API is slower ever after.
 */
function manageContexts(): void {
  if (manager !== undefined) return;
  manager = new AsyncLocalStorageContextManager();
  contextApi.setGlobalContextManager(manager.enable());
}

const RIVALS = ['opentelemetry-js'];
const WORK = { unit: 'ns/op', ops: MEASUREMENTS } as const;

async function counter(built: boolean): Promise<Prepared> {
  manageContexts();
  const upstream = await load('upstream-metrics', `counter-${built}`);
  const harness = await load('harness-metrics', `counter-${built}`);
  const rival = upstream.counting(upstream.open, built);
  const own = await Promise.all(
    ENGINES.map(async (engine) => {
      const { counting, opener } = await load('ours-metrics', `${engine}-counter-${built}`);
      return { name: `otlp-wasm/${engine}`, ...counting(opener(engine), built) };
    }),
  );
  return {
    rivals: RIVALS,
    work: WORK,
    subjects: [
      ...own,
      { name: 'opentelemetry-js', ...rival },
      { name: 'harness', ...harness.counting(built) },
    ],
    async check() {
      await rival.check();
      for (const subject of own) await subject.check();
    },
  };
}

async function histogram(kind: 'explicit' | 'exponential'): Promise<Prepared> {
  manageContexts();
  const upstream = await load('upstream-metrics', kind);
  const harness = await load('harness-metrics', kind);
  const rival = upstream.recording(upstream.open, kind);
  const own = await Promise.all(
    ENGINES.map(async (engine) => {
      const { opener, recording } = await load('ours-metrics', `${engine}-${kind}`);
      return { name: `otlp-wasm/${engine}`, ...recording(opener(engine), kind) };
    }),
  );
  return {
    rivals: RIVALS,
    work: WORK,
    subjects: [
      ...own,
      { name: 'opentelemetry-js', ...rival },
      { name: 'harness', ...harness.recording() },
    ],
    async check() {
      await rival.check();
      for (const subject of own) await subject.check();
    },
  };
}

const BOUND_ADDS = 100_000;

/** `counter.add` without any attributes to look up; of the rival, which binds nothing, with two. */
async function bound(mode: BoundMode): Promise<Prepared> {
  const upstream = await load('upstream-metrics', mode);
  const harness = await load('harness-metrics', mode);
  const own = await Promise.all(
    ENGINES.map(async (engine) => {
      const { boundAdding } = await load('ours-metrics', `${engine}-${mode}`);
      return { name: `otlp-wasm/${engine}`, ...boundAdding(engine, mode, BOUND_ADDS) };
    }),
  );
  manageContexts();
  return {
    rivals: RIVALS,
    work: { unit: 'ns/op', ops: BOUND_ADDS },
    subjects: [
      ...own,
      { name: 'opentelemetry-js', ...upstream.adding(upstream.open, BOUND_ADDS) },
      { name: 'empty loop', ...harness.emptyLoop(BOUND_ADDS) },
    ],
    async check() {
      for (const subject of own) await subject.check();
    },
  };
}
