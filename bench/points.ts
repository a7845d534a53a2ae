/** Checks that encoded requests of metrics and logs say what was recorded, by an official decoder. */

import assert from 'node:assert/strict';
import generated from 'otlp-decoder/build/src/generated/root.js';
import { expectedLog } from './logs.ts';
import type { ExpectedPoint } from './measurements.ts';

// The decoder's generated types say optional and nullable everywhere; this is what is read.
interface Value {
  readonly [kind: string]: unknown;
}

interface KeyValue {
  readonly key: string;
  readonly value: Value;
}

interface DecodedPoint {
  readonly attributes: readonly KeyValue[];
  readonly startTimeUnixNano: unknown;
  readonly timeUnixNano: unknown;
  readonly asDouble?: number | null;
  readonly asInt?: unknown;
  readonly count?: unknown;
  readonly sum?: number | null;
  readonly bucketCounts?: readonly unknown[];
  readonly zeroCount?: unknown;
  readonly positive?: { readonly bucketCounts: readonly unknown[] } | null;
}

interface Points {
  readonly dataPoints: readonly DecodedPoint[];
}

interface DecodedMetrics {
  readonly resourceMetrics: readonly {
    readonly scopeMetrics: readonly {
      readonly metrics: readonly {
        readonly name: string;
        readonly sum?: Points | null;
        readonly gauge?: Points | null;
        readonly histogram?: Points | null;
        readonly exponentialHistogram?: Points | null;
      }[];
    }[];
  }[];
}

interface DecodedLogs {
  readonly resourceLogs: readonly {
    readonly scopeLogs: readonly {
      readonly logRecords: readonly {
        readonly observedTimeUnixNano: unknown;
        readonly severityNumber: number;
        readonly severityText: string;
        readonly body: Value;
        readonly attributes: readonly KeyValue[];
      }[];
    }[];
  }[];
}

// biome-ignore lint/suspicious/noExplicitAny: the package says nothing about this module's shape
const collector = (generated as any).opentelemetry.proto.collector;
const MetricsRequest: { decode(bytes: Uint8Array): DecodedMetrics } =
  collector.metrics.v1.ExportMetricsServiceRequest;
const LogsRequest: { decode(bytes: Uint8Array): DecodedLogs } =
  collector.logs.v1.ExportLogsServiceRequest;

function plainValue(value: Value): unknown {
  for (const kind of ['stringValue', 'boolValue', 'doubleValue']) {
    if (value[kind] !== null && Object.hasOwn(value, kind)) return value[kind];
  }
  return Number(value['intValue']);
}

function plainAttributes(attributes: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plainValue(value)]));
}

/** A set's text, whatever the order of its keys. */
function key(attributes: object): string {
  return JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function sumOf(point: DecodedPoint): number {
  if (typeof point.sum === 'number' && Object.hasOwn(point, 'sum')) return point.sum;
  if (Object.hasOwn(point, 'asDouble') && point.asDouble !== null) return Number(point.asDouble);
  return Number(point.asInt);
}

const total = (counts: readonly unknown[] | undefined) =>
  (counts ?? []).reduce((sum: number, count) => sum + Number(count), 0);

/** The points of the only metric there is, which may come in pieces. */
function pointsOf(bytes: Uint8Array): readonly DecodedPoint[] {
  const metrics = MetricsRequest.decode(bytes).resourceMetrics.flatMap((resource) =>
    resource.scopeMetrics.flatMap((scope) => scope.metrics),
  );
  const names = new Set(metrics.map(({ name }) => name));
  assert.equal(names.size, 1, `one metric recorded, ${names.size} encoded`);
  return metrics.flatMap(
    ({ sum, gauge, histogram, exponentialHistogram }) =>
      (sum ?? gauge ?? histogram ?? exponentialHistogram)!.dataPoints,
  );
}

/** Throws unless `bytes` hold one point of one sum, which comes to so much. */
export function assertTotal(bytes: Uint8Array, total: number): void {
  assert.deepEqual(pointsOf(bytes).map(sumOf), [total]);
}

/**
 * Throws unless `bytes` hold one metric with exactly these points. `counts` compares the counts
 * of histograms as well, the whole one and what the buckets come to.
 */
export function assertPoints(
  bytes: Uint8Array,
  expected: readonly ExpectedPoint[],
  counts: boolean,
): void {
  const dataPoints = pointsOf(bytes);
  assert.equal(dataPoints.length, expected.length);
  const points = new Map(
    dataPoints.map((point) => [key(plainAttributes(point.attributes)), point]),
  );
  assert.equal(points.size, expected.length, 'attribute sets repeat');
  for (const { attributes, count, sum } of expected) {
    const point = points.get(key(attributes));
    assert(point, `no point for ${key(attributes)}`);
    assert(BigInt(String(point.startTimeUnixNano)) > 0n);
    assert(BigInt(String(point.timeUnixNano)) >= BigInt(String(point.startTimeUnixNano)));
    assert.equal(sumOf(point), sum);
    if (!counts) continue;
    assert.equal(Number(point.count), count);
    const inBuckets = total(point.bucketCounts) + total(point.positive?.bucketCounts);
    assert.equal(inBuckets + Number(point.zeroCount ?? 0), count);
  }
}

/** Throws unless `bytes` hold exactly the log records numbered from `first`, in order. */
export function assertLogs(bytes: Uint8Array, first: number, count: number): void {
  const records = LogsRequest.decode(bytes).resourceLogs.flatMap((resource) =>
    resource.scopeLogs.flatMap((scope) => scope.logRecords),
  );
  assert.equal(records.length, count, `${count} log records emitted, ${records.length} encoded`);
  records.forEach((record, at) => {
    assert(BigInt(String(record.observedTimeUnixNano)) > 0n);
    const { severityNumber, severityText, body, attributes } = record;
    assert.deepEqual(
      {
        severityNumber,
        severityText,
        body: plainValue(body),
        attributes: plainAttributes(attributes),
      },
      expectedLog(first + at),
    );
  });
}
