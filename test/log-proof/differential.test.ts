import {
  ROOT_CONTEXT,
  type SpanContext,
  type TimeInput,
  trace as traceApi,
} from '@opentelemetry/api';
import { ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { LoggerProvider, type ReadableLogRecord } from '@opentelemetry/sdk-logs';
import { describe, expect, it } from 'vitest';
import type { Logger, LogRecord } from '../../src/api/log/types.ts';
import { agreedAttributes, agreedValue, oneUnitEach, sorted } from '../support/agreed.ts';
import { ENGINE_NAMES } from '../support/engines.ts';
import { expectSame } from '../support/expect-same.ts';
import { decodeLogs, logsOf, type ModelLog, type ModelLogsRequest } from '../support/log-model.ts';
import { logRig } from '../support/log-rig.ts';
import { randomFrom, type SeededRandom } from '../support/random.ts';
import {
  type PlannedAttributes,
  type PlanStyle,
  randomAttributes,
  randomContext,
  randomStyle,
  randomText,
  randomTime,
  randomValue,
} from '../support/span-plan.ts';

/*
 * The same records to the loggers of the OpenTelemetry SDK and to ours, encoded by its serializer and
 * by ours on the three engines, decoded by one decoder and compared field by field.
 *
 * What differs, and why:
 *
 *  1. Integers from 2^53 to 2^63: ours are doubles, since a number of that size need not be the integer
 *     it looks like. The SDK writes int64.
 *  2. -0: ours is a double and keeps its sign; the SDK writes the integer 0.
 *  3. bigint: ours is an int64; the SDK refuses the attribute, and writes such a body as empty.
 *  4. The limit on the length of strings counts characters, as the specification has it; the SDK counts
 *     UTF-16 units and may leave half a character.
 *  5. A severity that is none of OTLP's is unspecified in ours; the SDK sends any number.
 *  6. The stack trace of an exception goes on with those of its causes in ours.
 *  7. A thrown boolean is the message of an exception in ours, nothing in the SDK.
 *  8. What is undefined in a map is left out of bodies as it is of attributes; the SDK sends an empty
 *     value in bodies.
 *  9. Limits on attributes do not apply to those of a scope in ours.
 */

interface LogPlan {
  readonly timestamp: TimeInput;
  readonly observedTimestamp: TimeInput;
  readonly severityNumber: number | undefined;
  readonly severityText: string | undefined;
  readonly eventName: string | undefined;
  readonly body: unknown;
  readonly attributes: PlannedAttributes | undefined;
  readonly exception: unknown;
  readonly span: SpanContext | undefined;
}

const LEVELS = ['INFO', 'WARN', 'ERROR', 'debug', 'größer', ''];

function randomException(random: SeededRandom): unknown {
  switch (random.below(6)) {
    case 0:
      return randomText(random, 100);
    case 1:
      return random.below(1000);
    case 2:
      return { code: 'E_CODE', name: 'Named', message: randomText(random, 40) };
    case 3:
      return { name: 'Named', stack: randomText(random, 3000) };
    case 4:
      return { name: 'Named', message: '' };
    default:
      return new TypeError(randomText(random, 60));
  }
}

function randomPlan(random: SeededRandom, style: PlanStyle): LogPlan {
  const maybe = <T>(probability: number, make: () => T) =>
    random.next() < probability ? make() : undefined;
  const attributes = maybe(0.9, () => randomAttributes(random, style, style.depth, 20)) ?? [];
  const own = maybe(0.1, () => [['exception.message', 'own']] as PlannedAttributes) ?? [];
  const text = () => style.pool[random.below(style.pool.length)]!;
  return {
    timestamp: randomTime(random),
    observedTimestamp: randomTime(random),
    severityNumber: maybe(0.8, () => random.below(25)),
    severityText: maybe(0.7, () => LEVELS[random.below(LEVELS.length)]!),
    eventName: maybe(0.4, () => `event.${text()}`),
    body: maybe(0.9, () =>
      random.next() < 0.5 ? randomText(random, style.maxUnits) : randomValue(random, style, 0),
    ),
    attributes: attributes.length + own.length > 0 ? [...attributes, ...own] : undefined,
    exception: maybe(0.2, () => randomException(random)),
    span: maybe(0.5, () => randomContext(random, random.below(256))),
  };
}

/** The same without members of maps that are undefined. */
function defined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(defined);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([key, member]) => [key, defined(member)]));
}

/** A plan with what both treat alike. Differences 1, 2, 3, 8. */
function common(plan: LogPlan): LogPlan {
  return {
    ...plan,
    body: agreedValue(plan.body, false) ? defined(plan.body) : 'not agreed on',
    attributes: agreedAttributes(plan.attributes),
  };
}

function recordOf({ attributes, span, ...rest }: LogPlan): LogRecord {
  const record: LogRecord = {
    context: span === undefined ? ROOT_CONTEXT : traceApi.setSpanContext(ROOT_CONTEXT, span),
  };
  if (attributes !== undefined) record.attributes = Object.fromEntries(attributes);
  for (const [field, value] of Object.entries(rest)) {
    if (value !== undefined) Object.assign(record, { [field]: value });
  }
  return record;
}

interface Limits {
  readonly attributes: number;
  readonly valueLength: number;
  /** How many of the scopes take part. */
  readonly scopes: number;
}

const NO_LIMITS: Limits = { attributes: 128, valueLength: Number.POSITIVE_INFINITY, scopes: 3 };

const RESOURCE = { 'service.name': 'shop', größe: 4, list: ['a', 'b'] };
const SCOPES = [
  ['a', '1.0', {}],
  ['b', undefined, { schemaUrl: 'https://example.com/s' }],
  ['ü', '', { attributes: { pool: 'main', size: 3 } }],
] as const;

/** The records as three loggers of each take them: the request of the SDK's, and ours. */
function bothSend(
  records: readonly LogRecord[],
  { attributes, valueLength, scopes }: Limits = NO_LIMITS,
): readonly [Uint8Array, ...Uint8Array[]] {
  const emitted: ReadableLogRecord[] = [];
  const provider = new LoggerProvider({
    resource: resourceFromAttributes(RESOURCE, { schemaUrl: 'https://example.com/r' }),
    logRecordLimits: { attributeCountLimit: attributes, attributeValueLengthLimit: valueLength },
    processors: [
      {
        onEmit: (record) => void emitted.push(record as ReadableLogRecord),
        forceFlush: () => Promise.resolve(),
        shutdown: () => Promise.resolve(),
      },
    ],
  });
  const emitTo = (
    loggerOf: (name: string, version: string | undefined, options: object) => Logger,
  ) => {
    const loggers = SCOPES.slice(0, scopes).map(([name, version, options]) =>
      loggerOf(name, version, options),
    );
    records.forEach((record, i) => void loggers[i % loggers.length]!.emit(record));
  };
  emitTo((name, version, options) => provider.getLogger(name, version, options));
  const ours = ENGINE_NAMES.map((name) => {
    const rig = logRig(name, {
      ringBytes: 1 << 24,
      resource: { attributes: RESOURCE, schemaUrl: 'https://example.com/r' },
      bounds: { count: attributes, valueLength },
    });
    emitTo(rig.logger);
    expect(rig.outcomes).toEqual({ written: records.length, full: 0, too_large: 0 });
    return rig.encode();
  });
  return [ProtobufLogsSerializer.serializeRequest(emitted)!, ...ours];
}

const comparable = (request: ModelLogsRequest) =>
  request.map((resource) => ({
    ...resource,
    attributes: sorted(resource.attributes),
    scopes: resource.scopes.map((scope) => ({
      ...scope,
      attributes: sorted(scope.attributes),
      logs: scope.logs.map((log) => ({
        ...log,
        body: log.body && sorted([['body', log.body]]),
        attributes: sorted(log.attributes),
      })),
    })),
  }));

/** The same of all requests, in the same order: resource, scopes, records. */
function expectAlike([theirs, first, ...others]: readonly Uint8Array[]): void {
  for (const other of others) expect(Buffer.compare(other, first!)).toBe(0);
  expectSame(comparable(decodeLogs(first!)), comparable(decodeLogs(theirs!)));
}

/** One record, theirs and ours. */
function both(record: LogRecord): readonly [ModelLog, ModelLog] {
  const [theirs, ours] = bothSend([
    { timestamp: [1, 0], observedTimestamp: [1, 0], ...record },
  ]).map((request) => logsOf(decodeLogs(request))[0]!);
  return [theirs!, ours!];
}

describe('against the OpenTelemetry SDK and its serializer', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('records at random, seed %i', (seed) => {
    const random = randomFrom(seed);
    const style = randomStyle(random);
    const plans = Array.from({ length: 60 }, () => common(randomPlan(random, style)));
    expectAlike(bothSend(plans.map(recordOf)));
  });

  it.each([1, 2, 3, 4])('records at random, bounded, seed %i', (seed) => {
    const random = randomFrom(1000 + seed);
    const style = { ...randomStyle(random), maxUnits: 40 };
    // Difference 4; errors are no plain objects and stay as they are.
    const plans = Array.from({ length: 60 }, () => {
      const { exception: _, ...plan } = common(randomPlan(random, style));
      return oneUnitEach({ ...plan, exception: random.below(4) === 0 ? 'thrown' : undefined });
    });
    // Difference 9: those without attributes.
    const limits = {
      attributes: 1 + random.below(5),
      valueLength: 1 + random.below(20),
      scopes: 2,
    };
    expectAlike(bothSend(plans.map(recordOf), limits));
  });

  it('many small records, whose texts mostly repeat', () => {
    const random = randomFrom(99);
    const style = { ...randomStyle(random), maxUnits: 20, freshKeys: 0, depth: 0 };
    const plans = Array.from({ length: 1500 }, () => common(randomPlan(random, style)));
    expectAlike(bothSend(plans.map(recordOf)));
  });

  it('records that say nothing but when', () => {
    expectAlike(bothSend([{ timestamp: [1, 2], observedTimestamp: [3, 4] }]));
    expectAlike(bothSend([{ timestamp: [0, 0], observedTimestamp: [0, 1] }]));
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['an empty string', ''],
    ['false', false],
    ['zero', 0],
    ['no bytes', new Uint8Array()],
    ['an empty array', []],
    ['an empty map', {}],
    ['maps in arrays in maps', { a: [{ b: [[{ c: null }]] }, 'x', 1.5, new Uint8Array([1])] }],
  ])('a body that is %s', (_, body) => {
    expectAlike(bothSend([{ timestamp: [1, 0], observedTimestamp: [1, 0], body }]));
  });

  // The differences listed above, so that the list stays true.
  it('difference 1: large integers', () => {
    const [theirs, ours] = both({ body: 2 ** 60 });
    expect([theirs.body, ours.body]).toEqual([{ int: 2n ** 60n }, { double: 2 ** 60 }]);
  });

  it('difference 2: -0', () => {
    const [theirs, ours] = both({ body: -0 });
    expect([theirs.body, ours.body]).toEqual([{ int: 0n }, { double: -0 }]);
  });

  it('difference 3: bigint', () => {
    const [theirs, ours] = both({ body: 5n, attributes: { v: 5n } });
    expect([theirs.body, ours.body]).toEqual([{ empty: true }, { int: 5n }]);
    expect([theirs.attributes, ours.attributes]).toEqual([[], [['v', { int: 5n }]]]);
  });

  it('difference 5: severities that are none', () => {
    const [theirs, ours] = both({ severityNumber: 99 });
    expect([theirs.severityNumber, ours.severityNumber]).toEqual([99, 0]);
  });

  it('difference 6: causes', () => {
    const [theirs, ours] = both({ exception: new Error('e', { cause: new Error('deeper') }) });
    const [theirTrace, ourTrace] = [theirs, ours].map(
      ({ attributes }) =>
        (Object.fromEntries(attributes)['exception.stacktrace'] as { string: string }).string,
    );
    expect(ourTrace).toMatch(/\nCaused by: Error: deeper\n/);
    expect(ourTrace!.startsWith(theirTrace!)).toBe(true);
  });

  it('difference 7: a thrown boolean', () => {
    const [theirs, ours] = both({ exception: false });
    expect(theirs.attributes).toEqual([]);
    expect(ours.attributes).toEqual([['exception.message', { string: 'false' }]]);
  });

  it('difference 8: undefined in the map of a body', () => {
    const [theirs, ours] = both({ body: { a: undefined, b: 1 } });
    expect(ours.body).toEqual({ map: [['b', { int: 1n }]] });
    expect(theirs.body).toEqual({
      map: [
        ['a', { empty: true }],
        ['b', { int: 1n }],
      ],
    });
  });
});
