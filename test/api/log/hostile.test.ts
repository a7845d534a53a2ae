import { context as contextApi, ROOT_CONTEXT } from '@opentelemetry/api';
import { afterEach, describe, expect, it } from 'vitest';
import type { LogRecord } from '../../../src/api/log/types.ts';
import { plain, record } from '../../support/log-model.ts';
import { logRig } from '../../support/log-rig.ts';
import { randomFrom } from '../../support/random.ts';

const any = (value: unknown) => value as never;

function boom(): never {
  throw new Error('boom');
}

/** Throws at whatever is done with it. */
const trap: unknown = new Proxy(() => {}, {
  get: boom,
  has: boom,
  ownKeys: boom,
  getPrototypeOf: boom,
  getOwnPropertyDescriptor: boom,
  apply: boom,
});
/** The same, that `typeof` says is an object. */
const trapObject: unknown = new Proxy({}, { get: boom, ownKeys: boom, getPrototypeOf: boom });

const STRANGE: readonly unknown[] = [
  undefined,
  null,
  0,
  -0,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  '',
  'text',
  Symbol('s'),
  2n ** 70n,
  () => 1,
  [],
  {},
  new Date(Number.NaN),
  new Map([[1, 2]]),
  new Proxy([], {}),
  Object.create(null),
  {
    get a() {
      return boom();
    },
  },
  {
    toString: boom,
    valueOf: boom,
    [Symbol.toPrimitive]: boom,
  },
  trap,
  trapObject,
  '\ud800',
  new Uint8Array(3),
];

afterEach(() => contextApi.disable());

describe('emit', () => {
  it('ignores what is no record', () => {
    const rig = logRig('simd');
    for (const none of [undefined, null, 1, 'text', true, Symbol('s')])
      rig.logger().emit(any(none));
    expect(rig.arrived()).toEqual([]);
  });

  it.each(STRANGE.map((value, i) => [i, value] as const))(
    'never throws, whatever a field is, and the rest arrives (%i)',
    (_, value) => {
      const rig = logRig('simd');
      const logger = rig.logger();
      const fields: (keyof LogRecord)[] = [
        'eventName',
        'timestamp',
        'observedTimestamp',
        'severityNumber',
        'severityText',
        'body',
        'attributes',
        'exception',
        'context',
      ];
      for (const field of fields) {
        logger.emit({ body: 'b', attributes: { a: 1 }, [field]: value });
        logger.emit({ attributes: { before: 1, [field]: value, after: 2 } });
      }
      const logs = rig.arrived();
      expect(logs).toHaveLength(2 * fields.length);
      for (const [i, log] of logs.entries()) {
        const field = fields[i >> 1]!;
        const attributes = record(log.attributes);
        if (i % 2 === 1) expect(attributes).toMatchObject({ before: 1, after: 2 });
        else if (field !== 'attributes') expect(attributes).toMatchObject({ a: 1 });
        if (i % 2 === 0 && field !== 'body') expect(plain(log.body)).toBe('b');
      }
    },
  );

  it('takes what it can of a record whose fields throw', () => {
    const rig = logRig('simd');
    rig.logger().emit({
      get body(): unknown {
        return boom();
      },
      get context() {
        return boom();
      },
      severityText: 'still',
      attributes: {
        a: 1,
        get b() {
          return boom();
        },
        c: 3,
      },
    });
    rig.logger().emit(any(trapObject));
    const logs = rig.arrived();
    expect(logs).toHaveLength(2);
    expect(logs[0]).toMatchObject({ severityText: 'still', body: undefined });
    expect(record(logs[0]!.attributes)).toEqual({ a: 1, c: 3 });
    // The one that throws was dropped.
    expect(logs[0]!.droppedAttributes).toBe(1);
  });

  it('takes records that are made while one is taken', () => {
    const rig = logRig('simd');
    const logger = rig.logger();
    logger.emit({
      body: 'outer',
      attributes: {
        before: 1,
        get inner() {
          logger.emit({ body: 'inner', attributes: { x: 'y', z: 1 } });
          return 2;
        },
        after: 'a',
      },
    });
    const logs = rig.arrived();
    expect(logs.map(({ body }) => plain(body))).toEqual(['inner', 'outer']);
    expect(record(logs[0]!.attributes)).toEqual({ x: 'y', z: 1 });
    expect(record(logs[1]!.attributes)).toEqual({ before: 1, inner: 2, after: 'a' });
  });

  it('never throws when the active context does', () => {
    contextApi.setGlobalContextManager(
      any({
        active: () => ({ ...ROOT_CONTEXT, getValue: boom }),
        with: boom,
        bind: boom,
        enable: boom,
        disable() {},
      }),
    );
    const rig = logRig('simd');
    rig.logger().emit({ body: 'b' });
    expect(rig.arrived()).toMatchObject([{ traceId: '' }]);
  });

  it('has a body with too many members left out', () => {
    const rig = logRig('simd');
    rig.logger().emit({ body: { list: new Array(100_000).fill(1) }, severityText: 'kept' });
    expect(rig.arrived()).toMatchObject([{ body: undefined, severityText: 'kept' }]);
  });

  it('keeps its keys apart when they are made of ids', () => {
    const rig = logRig('simd', { ringBytes: 1 << 22 });
    const logger = rig.logger();
    const random = randomFrom(7);
    for (let round = 0; round < 60; round++) {
      const given: Record<string, unknown>[] = [];
      for (let i = 0; i < 200; i++) {
        const attributes: Record<string, unknown> = { fixed: round };
        for (let j = random.below(4); j >= 0; j--) attributes[`id-${random.below(1e6)}`] = j;
        given.push(attributes);
        logger.emit({ attributes, ...(i % 3 === 0 && { eventName: `e${random.below(9000)}` }) });
      }
      expect(rig.arrived().map(({ attributes }) => record(attributes))).toEqual(given);
    }
  });
});

describe('getLogger', () => {
  it.each(STRANGE.map((value, i) => [i, value] as const))('never throws (%i)', (_, value) => {
    const rig = logRig('simd');
    const { provider } = rig;
    provider.getLogger(any(value), any(value), any(value)).emit({});
    provider
      .getLogger('a', '1', any({ schemaUrl: value, attributes: value, scopeAttributes: value }))
      .emit({});
    expect(rig.arrived()).toHaveLength(2);
  });
});

describe('enabled', () => {
  it.each(STRANGE.map((value, i) => [i, value] as const))('never throws (%i)', (_, value) => {
    const rig = logRig('simd', { configurator: () => ({ minimumSeverity: 5, traceBased: true }) });
    expect(rig.logger().enabled(any(value))).toBe(true);
    const options = { context: value, severityNumber: value, eventName: value };
    expect(rig.logger().enabled(any(options))).toBe(true);
  });
});
