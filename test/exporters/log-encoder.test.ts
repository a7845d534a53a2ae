import type { HrTime } from '@opentelemetry/api';
import { ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer';
import {
  LoggerProvider,
  type ReadableLogRecord,
  SimpleLogRecordProcessor,
} from '@opentelemetry/sdk-logs';
import { describe, expect, it } from 'vitest';
import type { LogLike } from '../../src/exporters/log-like.ts';
import { codecs } from '../support/codecs.ts';
import { expectSame } from '../support/expect-same.ts';
import { decodeLogs, logsOf, type ModelLogsRequest } from '../support/log-model.ts';
import { randomFrom } from '../support/random.ts';
import type { ModelAttributes, ModelValue } from '../support/trace-model.ts';

/*
 * Log records of the OpenTelemetry SDK, and some made by hand, through our codec on each engine and
 * through the SDK's own serializer; both decoded by one official decoder and compared field by field.
 *
 * What differs is what differs for spans (span-encoder.test.ts, 1 to 9), and severities beyond those of
 * the specification, which are unspecified here.
 */

const RESOURCE = { attributes: { 'service.name': 'shop' }, schemaUrl: 'https://example.com/r' };
const SCOPE = { name: 'scope', version: '1', schemaUrl: 'https://example.com/s' };
const SPAN = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: 1,
};

/** A log record made by hand. */
function logLike(more: Partial<LogLike> = {}): LogLike {
  return {
    hrTime: [1_700_000_000, 1],
    hrTimeObserved: [1_700_000_001, 2],
    attributes: {},
    droppedAttributesCount: 0,
    resource: RESOURCE,
    instrumentationScope: SCOPE,
    ...more,
  };
}

const shared = codecs();

/** As each engine encodes them, to the same bytes. */
function modelEverywhere(records: readonly LogLike[]): ModelLogsRequest {
  const [first, ...others] = shared.map(({ codec }) => codec.encodeLogs(records));
  for (const other of others) expect(Buffer.compare(first!, other)).toBe(0);
  return decodeLogs(first!);
}

function upstreamModel(records: readonly LogLike[]): ModelLogsRequest {
  return decodeLogs(ProtobufLogsSerializer.serializeRequest(records as never)!);
}

/** Ours, which is the same as theirs. */
function expectAsUpstream(records: readonly LogLike[]): ModelLogsRequest {
  const model = modelEverywhere(records);
  expectSame(model, upstreamModel(records));
  return model;
}

/** Records as an exporter is given them. */
function sdkRecords(run: (provider: LoggerProvider) => void): ReadableLogRecord[] {
  const emitted: ReadableLogRecord[] = [];
  const exporter = {
    export(records: ReadableLogRecord[], done: (result: { code: number }) => void) {
      emitted.push(...records);
      done({ code: 0 });
    },
    shutdown: async () => {},
    forceFlush: async () => {},
  };
  const processors = [new SimpleLogRecordProcessor({ exporter: exporter as never })];
  run(new LoggerProvider({ processors }));
  return emitted;
}

const VALUES: Readonly<Record<string, unknown>> = {
  'no text': '',
  ASCII: 'a'.repeat(300),
  'texts that are not ASCII': 'größe 漢字 🎉',
  'a long text': 'é'.repeat(40_000),
  'halves of surrogate pairs': '\ud800a\udc00',
  zero: 0,
  integers: -123_456_789,
  'large integers': 2 ** 53 - 1,
  doubles: 0.1,
  'no number': Number.NaN,
  booleans: false,
  null: null,
  bytes: Uint8Array.of(0, 255, 128),
  arrays: ['a', 1, 0.5, true, null, ['b', []], { c: 1 }],
  maps: { a: 'x', b: { c: [1, 2], d: {} }, e: null, größe: 1 },
  'an empty array': [],
  'an empty map': {},
};

describe('log records', () => {
  it('of the SDK', () => {
    const records = sdkRecords((provider) => {
      const logger = provider.getLogger('shop', '1.2.3', { schemaUrl: 'https://example.com/x' });
      logger.emit({ body: 'plain' });
      logger.emit({
        eventName: 'checkout.done',
        severityNumber: 9,
        severityText: 'INFO',
        timestamp: [1_700_000_000, 5],
        body: { order: 7, items: ['a', 'b'], total: 12.5 },
        attributes: { user: 'u1', n: 1, yes: true, list: ['x'], map: { deep: { er: 1 } } },
      });
      provider.getLogger('other').emit({ severityNumber: 17, body: 'größe' });
      logger.emit({ body: 'again' });
    });
    expect(records).toHaveLength(4);
    const model = expectAsUpstream(records);
    expect(model).toHaveLength(1);
    expect(model[0]!.scopes.map(({ name, logs }) => [name, logs.length])).toEqual([
      ['shop', 3],
      ['other', 1],
    ]);
  });

  it.each(Object.keys(VALUES))('whose body and attribute are %s', (name) => {
    const value = VALUES[name];
    const records = [logLike({ body: value, attributes: { before: 1, v: value, after: 'x' } })];
    const [log] = logsOf(expectAsUpstream(records));
    expect(log!.body).toBeDefined();
    expect(log!.attributes.map(([key]) => key)).toEqual(['before', 'v', 'after']);
  });

  it('without a body have none', () => {
    const [log] = logsOf(expectAsUpstream([logLike(), logLike({ body: undefined })]));
    expect(log!.body).toBeUndefined();
  });

  it.each([undefined, 0, 1, 9, 24])('of severity %s, with and without a text', (severityNumber) => {
    const texts = ['', 'INFO', 'größe', undefined];
    expectAsUpstream(texts.map((severityText) => logLike({ severityNumber, severityText })));
  });

  it.each([-1, 25, 1.5, Number.NaN, 'INFO'])('of severity %s, which is none', (given) => {
    const [log] = logsOf(modelEverywhere([logLike({ severityNumber: given as never })]));
    expect(log!.severityNumber).toBe(given === 1.5 ? 1 : 0);
  });

  it('of spans and of none, one after the other', () => {
    const other = { ...SPAN, spanId: '00f067aa0ba902b7', traceFlags: 0 };
    const contexts = [undefined, SPAN, SPAN, other, undefined, { ...SPAN, traceFlags: 255 }];
    const records = contexts.map((spanContext) => logLike({ spanContext }));
    const ids = logsOf(expectAsUpstream(records)).map(({ spanId, flags }) => [spanId, flags]);
    expect(ids).toEqual([
      ['', 0],
      [SPAN.spanId, 1],
      [SPAN.spanId, 1],
      [other.spanId, 0],
      ['', 0],
      [SPAN.spanId, 255],
    ]);
  });

  it('of spans whose ids are none have none', () => {
    const broken = [{ ...SPAN, traceId: 'x' }, { ...SPAN, spanId: '' }, SPAN];
    const found = logsOf(modelEverywhere(broken.map((spanContext) => logLike({ spanContext }))));
    expect(found.map(({ traceId }) => traceId)).toEqual(['', '', SPAN.traceId]);
  });

  it('of any time', () => {
    const times: HrTime[] = [
      [0, 0],
      [0, 1],
      [1_700_000_000, 999_999_999],
      [2 ** 31, 0],
      [2 ** 32 - 1, 5],
    ];
    const records = times.flatMap((hrTime) =>
      times.map((hrTimeObserved) => logLike({ hrTime, hrTimeObserved })),
    );
    expectAsUpstream(records);
  });

  it('that are events, of many names', () => {
    const records = Array.from({ length: 200 }, (_, i) =>
      logLike({ eventName: `event.${i % 7}`, attributes: { i, [`key ${i % 3}`]: `v${i % 5}` } }),
    );
    const found = logsOf(expectAsUpstream(records));
    expect(found.map(({ eventName }) => eventName)).toEqual(records.map((log) => log.eventName));
  });

  it('with counts of what was dropped', () => {
    expectAsUpstream(
      [0, 1, 300].map((droppedAttributesCount) => logLike({ droppedAttributesCount })),
    );
  });

  it('of several resources and scopes', () => {
    const resources = ['a', 'b'].map((name) => ({ attributes: { 'service.name': name } }));
    const scopes = [{ name: 'x' }, { name: 'y', version: '2', attributes: { of: 'scope' } }];
    const records = Array.from({ length: 40 }, (_, i) =>
      logLike({
        body: i,
        resource: resources[i & 1]!,
        instrumentationScope: scopes[(i >> 1) & 1]!,
      }),
    );
    expectAsUpstream(records);
  });

  it('of every shape, at random', () => {
    const { below } = randomFrom(7);
    const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
    const values = Object.values(VALUES);
    const scopes = Array.from({ length: 5 }, (_, i) => ({ name: `scope ${i}` }));
    for (let round = 0; round < 20; round++) {
      const records = Array.from({ length: 60 }, () => {
        const attributes: Record<string, unknown> = {};
        for (let i = below(6); i > 0; i--) {
          attributes[`k${below(12)}`] = pick(values);
        }
        return logLike({
          attributes,
          body: pick([undefined, ...values]),
          eventName: pick([undefined, '', 'checkout', 'größe']),
          severityNumber: pick([undefined, 0, 9, 17]),
          severityText: pick([undefined, 'INFO', 'warn']),
          spanContext: pick([undefined, SPAN]),
          instrumentationScope: pick(scopes),
        });
      });
      expectAsUpstream(records);
    }
  });

  it('are the same in JSON', () => {
    const records = [
      logLike({ body: 'text', eventName: 'e', severityNumber: 9, severityText: 'INFO' }),
      logLike({ body: { a: [1, 'b'] }, spanContext: SPAN, attributes: { n: 1.5 } }),
    ];
    for (const { codec } of shared) {
      const json = JSON.parse(Buffer.from(codec.encodeLogsJson(records)).toString());
      const [first, second] = json.resourceLogs[0].scopeLogs[0].logRecords;
      expect(first).toMatchObject({
        body: { stringValue: 'text' },
        eventName: 'e',
        severityNumber: 9,
        severityText: 'INFO',
        timeUnixNano: '1700000000000000001',
        observedTimeUnixNano: '1700000001000000002',
      });
      expect(second).toMatchObject({ traceId: SPAN.traceId, spanId: SPAN.spanId, flags: 1 });
    }
  });
});

describe('encodeLogs', () => {
  it('encodes no records as no bytes', () => {
    for (const { codec } of shared) {
      expect(codec.encodeLogs([])).toEqual(new Uint8Array());
      expect(Buffer.from(codec.encodeLogsJson([])).toString()).toBe('{}');
    }
  });

  it('takes turns with encodeTraces, whatever became of the calls between', () => {
    const records = Array.from({ length: 50 }, (_, i) =>
      logLike({ body: `body ${i}`, attributes: { i, same: 'same' } }),
    );
    const expected = modelEverywhere(records);
    for (const { codec } of codecs()) {
      const broken = { ...logLike(), hrTime: undefined as never };
      for (let round = 0; round < 3; round++) {
        expectSame(decodeLogs(codec.encodeLogs(records)), expected);
        expect(() => codec.encodeLogs([...records, broken])).toThrow(
          'records[50] is no log record',
        );
        expect(() => codec.encodeTraces(records as never)).toThrow('spans[0] is no ended span');
      }
      expectSame(decodeLogs(codec.encodeLogs(records)), expected);
    }
  });

  it('takes more records than its ring holds, in order, and one that is larger than half of it', () => {
    const records = Array.from({ length: 9000 }, (_, i) =>
      logLike({ body: `${i}`.padStart(700, '.'), attributes: { i } }),
    );
    for (const { codec } of shared) {
      const found = logsOf(decodeLogs(codec.encodeLogs(records)));
      expect(found.map(({ attributes }) => attributes)).toEqual(
        records.map((_, i): ModelAttributes => [['i', { int: BigInt(i) }]]),
      );
      const [large] = logsOf(decodeLogs(codec.encodeLogs([logLike({ body: 'x'.repeat(3e6) })])));
      expect((large!.body as ModelValue & { string: string }).string).toHaveLength(3e6);
    }
  });

  it.each([
    [undefined, 'records is no array (undefined)'],
    [[logLike(), null], 'records[1] is no log record'],
    [[{}], 'records[0] is no log record'],
    [[logLike({ hrTime: ['a', 1] as never })], 'a time of it is no [seconds, nanoseconds]'],
  ])('refuses %j', (records, message) => {
    for (const { codec } of shared) {
      expect(() => codec.encodeLogs(records as never)).toThrow(message);
      expect(() => codec.encodeLogs(records as never)).toThrow(
        expect.objectContaining({ code: 'invalid_data' }),
      );
    }
  });

  it('leaves out what throws when it is read, and keeps the rest', () => {
    const attributes = { before: 1 };
    Object.defineProperty(attributes, 'bad', {
      enumerable: true,
      get() {
        throw new Error('no');
      },
    });
    const [log] = logsOf(modelEverywhere([logLike({ body: 'kept', attributes })]));
    expect(log!.body).toEqual({ string: 'kept' });
    expect(log!.attributes).toEqual([['before', { int: 1n }]]);
    expect(log!.droppedAttributes).toBe(1);
  });
});
