import { runInNewContext } from 'node:vm';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { suppressTracing } from '../../src/api/context/suppress-tracing.ts';
import type { LogRecord } from '../../src/api/log/types.ts';
import { unbridged } from '../../src/bridges/unbridged.ts';
import { bridgeConsole as bridgeOnNode } from '../../src/runtime/node/bridge-console.ts';
import { AsyncLocalStorageContextManager } from '../../src/runtime/node/context-manager.ts';
import { bridgeConsole as bridgeOnWeb } from '../../src/runtime/web/bridge-console.ts';
import { VERSION } from '../../src/version.ts';
import { recorder } from './recorder.ts';

type Method = 'trace' | 'debug' | 'log' | 'info' | 'warn' | 'error' | 'assert';
const METHODS: Method[] = ['trace', 'debug', 'log', 'info', 'warn', 'error', 'assert'];

const originals = Object.fromEntries(METHODS.map((method) => [method, console[method]]));
let printed: unknown[][];

beforeEach(() => {
  printed = [];
  for (const method of METHODS) {
    console[method] = (...values: unknown[]) => void printed.push([method, ...values]);
  }
});

afterEach(() => {
  Object.assign(console, originals);
});

describe.each([
  ['Node', bridgeOnNode],
  ['other hosts', bridgeOnWeb],
])('the bridge of the console on %s', (_host, bridgeConsole) => {
  it('records what is printed, and prints it as before', () => {
    const provider = recorder();
    bridgeConsole(provider);
    console.debug('a', 1);
    console.log('%s is %d', 'b', 2, { c: 3 });
    console.info({ nested: [1, { x: null }] });
    console.warn();
    console.error('e');
    expect(provider.records).toEqual([
      { severityNumber: 5, severityText: 'debug', body: 'a 1' },
      { severityNumber: 9, severityText: 'log', body: 'b is 2 { c: 3 }' },
      { severityNumber: 9, severityText: 'info', body: '{ nested: [ 1, { x: null } ] }' },
      { severityNumber: 13, severityText: 'warn', body: '' },
      { severityNumber: 17, severityText: 'error', body: 'e' },
    ]);
    expect(printed).toEqual([
      ['debug', 'a', 1],
      ['log', '%s is %d', 'b', 2, { c: 3 }],
      ['info', { nested: [1, { x: null }] }],
      ['warn'],
      ['error', 'e'],
    ]);
    expect(provider.scopes).toEqual([`otlp-wasm/bridges/console ${VERSION}`]);
  });

  it('makes the first error the exception, without its stack trace in the body', () => {
    const provider = recorder();
    bridgeConsole(provider);
    const error = Object.assign(new TypeError('100%s'), { status: 500 });
    console.error(error);
    console.error('failed:', error, 1);
    console.error('failed: %s', error);
    console.error(new Error(''));
    const [alone, behind, formatted, mute] = provider.records;
    expect(alone).toMatchObject({ body: 'TypeError: 100%s { status: 500 }', exception: error });
    expect(alone!.exception).toBe(error);
    expect(behind!.body).toBe('failed: TypeError: 100%s { status: 500 } 1');
    expect(formatted!.body).toBe('failed: TypeError: 100%s { status: 500 }');
    expect(mute!.body).toBe('Error');
  });

  it('knows an error of another realm, and shows those behind the first', () => {
    const provider = recorder();
    bridgeConsole(provider);
    const far = runInNewContext('new RangeError("far")');
    const near = new Error('near');
    console.log('both', far, near);
    expect(provider.records[0]!.exception).toBe(far);
    expect(provider.records[0]!.body).toBe(`both RangeError: far ${near.stack}`);
  });

  it('records assertions that do not hold', () => {
    const provider = recorder();
    bridgeConsole(provider);
    const error = new Error('no');
    console.assert(true, 'fine');
    console.assert(false, '%s of %s', 1, 2);
    console.assert(false);
    console.assert(Boolean(0), error);
    (console.assert as (...values: unknown[]) => void)(null, { a: 1 });
    expect(provider.records.map(({ body }) => body)).toEqual([
      'Assertion failed: 1 of 2',
      'Assertion failed',
      'Assertion failed Error: no',
      'Assertion failed { a: 1 }',
    ]);
    expect(provider.records[2]).toMatchObject({
      severityNumber: 17,
      severityText: 'assert',
      exception: error,
    });
    expect(printed).toHaveLength(5);
  });

  it('records where console.trace was called', () => {
    const provider = recorder();
    bridgeConsole(provider);
    function here() {
      console.trace('at %s', 'x');
    }
    here();
    const [{ attributes, ...record }] = provider.records as [LogRecord];
    expect(record).toEqual({ severityNumber: 1, severityText: 'trace', body: 'at x' });
    const stack = String(attributes!['code.stacktrace']);
    expect(stack.split('\n')[0]).toMatch(/^ {4}at here \(/);
    expect(stack).toContain('console.test.ts');
  });

  it('prints nothing when it is silent', () => {
    const provider = recorder();
    const restore = bridgeConsole(provider, { silent: true });
    console.log('a');
    expect(printed).toEqual([]);
    expect(provider.records).toHaveLength(1);
    restore();
    console.log('b');
    expect(printed).toEqual([['log', 'b']]);
    expect(provider.records).toHaveLength(1);
  });

  it('puts the methods back', () => {
    const before = METHODS.map((method) => console[method]);
    const restore = bridgeConsole(recorder());
    for (const [i, method] of METHODS.entries()) expect(console[method]).not.toBe(before[i]);
    restore();
    restore();
    expect(METHODS.map((method) => console[method])).toEqual(before);
  });

  it('leaves a method alone that somebody else has patched since, and records no more', () => {
    const provider = recorder();
    const restore = bridgeConsole(provider, { silent: true });
    const bridged = console.log;
    const theirs = (...values: unknown[]) => bridged('theirs', ...values);
    console.log = theirs;
    restore();
    expect(console.log).toBe(theirs);
    console.log('a');
    expect(provider.records).toEqual([]);
    expect(printed).toEqual([['log', 'theirs', 'a']]);
  });

  it('records for each of two bridges, prints once, whichever is restored first', () => {
    const [first, second] = [recorder(), recorder()];
    const restoreFirst = bridgeConsole(first);
    const restoreSecond = bridgeConsole(second);
    console.log('a');
    expect([first.records.length, second.records.length, printed.length]).toEqual([1, 1, 1]);
    restoreFirst();
    console.log('b');
    expect([first.records.length, second.records.length, printed.length]).toEqual([1, 2, 2]);
    restoreSecond();
    console.log('c');
    expect([first.records.length, second.records.length, printed.length]).toEqual([1, 2, 3]);
  });

  it('takes a logger of the user’s own, also one that cannot be asked', () => {
    const records: LogRecord[] = [];
    bridgeConsole({ emit: (record) => void records.push(record) });
    console.log('a');
    expect(records).toHaveLength(1);
  });

  it('formats nothing that nobody wants', () => {
    const provider = recorder(13);
    bridgeConsole(provider);
    let read = 0;
    const value = {
      get a() {
        read++;
        return 1;
      },
    };
    console.log('%j', value);
    console.warn('%j', value);
    expect(provider.records.map(({ body }) => body)).toEqual(['{"a":1}']);
    expect(read).toBe(1);
  });

  it('does not record what is printed while a record is emitted', () => {
    const records: unknown[] = [];
    bridgeConsole({
      emit(record) {
        records.push(record.body);
        console.log('emitting', record.body);
      },
    });
    console.log('a');
    expect(records).toEqual(['a']);
    expect(printed).toEqual([
      ['log', 'a'],
      ['log', 'emitting', 'a'],
    ]);
  });

  it('records once what a method prints by another, as on Node', () => {
    const provider = recorder();
    console.assert = (holds?: boolean, ...values: unknown[]) => {
      if (!holds) console.warn(...values);
    };
    bridgeConsole(provider);
    console.assert(false, 'no');
    console.warn('b');
    expect(provider.records.map(({ severityText }) => severityText)).toEqual(['assert', 'warn']);
    expect(printed).toEqual([
      ['warn', 'no'],
      ['warn', 'b'],
    ]);
  });

  it.each([false, true])('does not record what an exporter prints (silent: %s)', (silent) => {
    const manager = new AsyncLocalStorageContextManager();
    context.setGlobalContextManager(manager.enable());
    try {
      const provider = recorder();
      bridgeConsole(provider, { silent });
      context.with(suppressTracing(ROOT_CONTEXT), () => console.log('exported'));
      unbridged(console.log)('exported');
      console.warn('otlp-wasm: 3 log records were dropped');
      expect(provider.records).toEqual([]);
      expect(printed).toHaveLength(3);
    } finally {
      context.disable();
    }
  });

  it('throws nothing of its own', () => {
    bridgeConsole({
      emit() {
        throw new Error('no');
      },
    });
    expect(() => console.log('a')).not.toThrow();
    console.log('b');
    expect(printed).toHaveLength(2);
  });
});

describe('a method without its bridges', () => {
  it('is the one that prints', () => {
    const { log } = console;
    expect(unbridged(log)).toBe(log);
    bridgeOnNode(recorder());
    bridgeOnNode(recorder());
    expect(unbridged(console.log)).toBe(log);
  });
});
