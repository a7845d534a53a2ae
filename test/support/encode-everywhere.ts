import { expect } from 'vitest';
import { type TraceRig, type TraceRigOptions, traceRigs } from './engines.ts';
import { expectSame } from './expect-same.ts';
import {
  decodeOfficially,
  type ModelAttributes,
  type ModelRequest,
  type ModelSpan,
  type ModelValue,
  spansOf,
  withoutFlags,
} from './trace-model.ts';
import { readCanonical } from './wire.ts';

/** Checks that a request is canonical and that the official decoder agrees; returns what it says. */
export function decoded(request: Uint8Array): ModelRequest {
  const model = readCanonical(request);
  expectSame(decodeOfficially(request), withoutFlags(model));
  return model;
}

export interface Everywhere {
  readonly request: Uint8Array;
  readonly model: ModelRequest;
  readonly spans: readonly ModelSpan[];
}

/** Does the same on each engine, expects the same bytes of each and decodes them. */
export function encodeEverywhere(
  run: (rig: TraceRig) => void,
  options: TraceRigOptions = {},
): Everywhere {
  const [request, ...others] = traceRigs(options).map((rig) => {
    run(rig);
    return rig.encode();
  });
  for (const other of others) expect(Buffer.compare(other, request!)).toBe(0);
  const model = decoded(request!);
  return { request: request!, model, spans: spansOf(model) };
}

/** The attribute `v` of one span that was given `value`, as every engine encodes it. */
export function encodedValue(value: unknown, options: TraceRigOptions = {}): ModelValue {
  const { spans } = encodeEverywhere((rig) => {
    rig
      .tracer('t')
      .startSpan('s')
      .setAttribute('v', value as never)
      .end();
  }, options);
  expect(spans).toHaveLength(1);
  return attributeOf(spans[0]!.attributes, 'v');
}

export function attributeOf(attributes: ModelAttributes, name: string): ModelValue {
  const found = attributes.find(([key]) => key === name);
  expect(found, `attribute '${name}'`).toBeDefined();
  return found![1];
}
