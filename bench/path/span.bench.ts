/**
 * Spans that are not recorded, and spans that are active in each other: what a program pays for
 * instrumentation it does not look at, and for context.
 */

import assert from 'node:assert/strict';
import { context as contextApi, trace as traceApi } from '@opentelemetry/api';
import type { BenchCase, Prepared } from '../harness/case.ts';
import { load } from '../subjects/load.ts';
import { BATCH } from '../workload.ts';

export const cases: readonly BenchCase[] = [
  { name: 'path/non-recording/10attr', prepare: nonRecording },
  { name: 'path/active/nested-3', prepare: nested },
];

const RIVALS = ['opentelemetry-js'];
const WORK = { unit: 'ns/op', ops: BATCH } as const;

async function nonRecording(): Promise<Prepared> {
  const upstream = await load('upstream', 'non-recording');
  const ours = await load('ours', 'simd-non-recording');
  const harness = await load('harness', 'non-recording');
  return {
    rivals: RIVALS,
    work: WORK,
    subjects: [
      { name: 'otlp-wasm/simd', ...ours.nonRecorder('simd') },
      { name: 'opentelemetry-js', ...upstream.nonRecorder() },
      { name: 'harness', ...harness.recorder() },
    ],
    check() {},
  };
}

async function nested(): Promise<Prepared> {
  const upstream = await load('upstream', 'nested');
  const ours = await load('ours', 'simd-nested');
  const subjects = [
    { name: 'otlp-wasm/simd', ...ours.nested('simd') },
    { name: 'opentelemetry-js', ...upstream.nested() },
  ];
  return {
    rivals: RIVALS,
    work: WORK,
    subjects,
    check() {
      for (const { before, run } of subjects) {
        before();
        run();
        assert.equal(traceApi.getSpan(contextApi.active()), undefined);
      }
    },
    close: () => contextApi.disable(),
  };
}
