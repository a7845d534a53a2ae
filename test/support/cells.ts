/** Cells of metrics on each engine. */

import { expect } from 'vitest';
import type { CellBatch } from '../../src/buffer/cells.ts';
import { Cells } from '../../src/buffer/cells.ts';
import { type Attributes, Group } from '../../src/buffer/record.ts';
import { unboundedTree } from '../../src/buffer/shape.ts';
import type { MetricsExports } from '../../src/engine/generated/contract.ts';
import * as portable from '../../src/engine/generated/metrics-portable.js';
import { metricsBinary as scalar } from '../../src/engine/generated/metrics-scalar.ts';
import { metricsBinary as simd } from '../../src/engine/generated/metrics-simd.ts';
import type { EngineName, EngineSources } from '../../src/engine/select.ts';
import { ENGINE_NAMES } from './engines.ts';
import { decodeMetricsOfficially, type ModelMetricsRequest } from './metric-model.ts';

export const metricsSources: EngineSources<MetricsExports> = {
  simd: () => Buffer.from(simd, 'hex') as Uint8Array<ArrayBuffer>,
  scalar: () => Buffer.from(scalar, 'hex') as Uint8Array<ArrayBuffer>,
  portable: () => portable,
};

export function openCells(engine: EngineName, maxBytes?: number): Cells {
  return Cells.open(metricsSources, engine, maxBytes) as Cells;
}

const tree = unboundedTree();

/** Attributes as recording makes them. */
export function attributesOf(values: Readonly<Record<string, unknown>>): Attributes {
  const names = Object.keys(values);
  let shape = tree.first(tree.key(''));
  names.forEach((name, i) => {
    shape = shape.known(name, i) ?? shape.with(name, i);
  });
  return { shape, count: names.length, values: Object.values(values) as Attributes['values'] };
}

/** A resource and a scope of it. */
export function groupsOf(cells: Cells): { resource: number; scope: number } {
  const resource = new Group(attributesOf({ 'service.name': 'shop' }), { schemaUrl: 'urn:r' });
  const scope = new Group(attributesOf({}), { parent: resource, name: 'scope', version: '1' });
  return { resource: cells.group(resource), scope: cells.group(scope) };
}

export interface Encoded {
  readonly requests: readonly Buffer[];
  readonly models: readonly ModelMetricsRequest[];
  /** Points of each request, as it was emitted. */
  readonly points: readonly number[];
  readonly tooLarge: number;
}

/** Streams of one scope, encoded, as the official decoder reads them. */
export function encoded(
  cells: Cells,
  streams: readonly number[],
  batch: Partial<CellBatch> = {},
): Encoded {
  const { resource, scope } = groupsOf(cells);
  const requests: Buffer[] = [];
  const points: number[] = [];
  const outcome = cells.encode(
    { resource, scopes: [{ scope, streams }], timeSec: 1_700_000_000, timeNano: 7, ...batch },
    (bytes, count) => {
      requests.push(Buffer.from(bytes));
      points.push(count);
    },
  );
  cells.freeGroup(scope);
  cells.freeGroup(resource);
  expect(outcome.requests).toBe(requests.length);
  expect(outcome.points).toBe(points.reduce((sum, n) => sum + n, 0));
  return {
    ...{ requests, points, tooLarge: outcome.tooLarge },
    models: requests.map(decodeMetricsOfficially),
  };
}

/** Does the same on each engine, expects the same bytes of each and decodes them. */
export function encodeMetricsEverywhere(
  run: (cells: Cells) => readonly number[],
  batch: Partial<CellBatch> = {},
): Encoded {
  const [first, ...others] = ENGINE_NAMES.map((engine) => {
    const cells = openCells(engine);
    return encoded(cells, run(cells), batch);
  });
  for (const other of others) {
    expect(other.requests.length).toBe(first!.requests.length);
    other.requests.forEach((request, i) => {
      expect(Buffer.compare(request, first!.requests[i]!)).toBe(0);
    });
  }
  return first!;
}
