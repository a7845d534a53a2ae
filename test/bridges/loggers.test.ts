// What bridges make of what loggers hand them. test/bridges/libraries has the loggers themselves.

import { describe, expect, it } from 'vitest';
import { bunyanStream } from '../../src/bridges/bunyan.ts';
import { pinoHook, pinoStream } from '../../src/bridges/pino.ts';
import { pinoLines } from '../../src/bridges/pino-transport.ts';
import { WinstonTransport } from '../../src/runtime/node/bridge-winston.ts';
import { VERSION } from '../../src/version.ts';
import { recorder } from './recorder.ts';

const LINE =
  '{"level":30,"time":1732233600123,"pid":1,"hostname":"h","name":"app","msg":"hello","a":{"b":1}}\n';
const RECORD = {
  body: 'hello',
  severityNumber: 9,
  severityText: 'info',
  timestamp: [1_732_233_600, 123_000_000],
  attributes: { name: 'app', a: { b: 1 } },
};

describe('a line of pino', () => {
  it('is a record, with a stream as with a hook', () => {
    const provider = recorder();
    pinoStream(provider).write(LINE);
    expect(pinoHook(provider).hooks.streamWrite(LINE)).toBe(LINE);
    expect(provider.records).toEqual([RECORD, RECORD]);
    expect(provider.scopes).toEqual(Array(2).fill(`otlp-wasm/bridges/pino ${VERSION}`));
  });

  it('may have keys and levels of its own', () => {
    const provider = recorder();
    const keys = { messageKey: 'm', errorKey: 'e', customLevels: { audit: 35 } };
    const stream = pinoStream(provider, keys);
    stream.write('{"level":35,"m":"a","e":{"type":"E","message":"x","stack":"s"},"msg":1,"err":2}');
    stream.write('{"level":"audit"}');
    stream.write('{"level":"INFO"}');
    expect(provider.records).toEqual([
      {
        body: 'a',
        severityNumber: 11,
        severityText: 'audit',
        exception: { name: 'E', message: 'x', stack: 's' },
        attributes: { msg: 1, err: 2 },
      },
      { severityNumber: 11, severityText: 'audit', attributes: {} },
      { severityText: 'INFO', attributes: {} },
    ]);
  });

  it('that is no JSON is a record with it as its body', () => {
    const provider = recorder();
    const stream = pinoStream(provider);
    stream.write('INFO hello\n');
    stream.write('null\n');
    stream.write('5\n');
    expect(provider.records).toEqual([
      { body: 'INFO hello', attributes: {} },
      { body: null, attributes: {} },
      { body: 5, attributes: {} },
    ]);
  });

  it('is not read when nobody wants it', () => {
    const provider = recorder(13);
    const stream = pinoStream(provider);
    Object.assign(stream, { lastLevel: 30 }).write('{');
    stream.write(LINE);
    pinoHook(provider).hooks.streamWrite(LINE);
    expect(provider.records).toEqual([]);
  });

  it('comes in pieces of any size in a worker thread', () => {
    for (let size = 1; size < 2.5 * LINE.length; size += 7) {
      const provider = recorder();
      const lines = pinoLines(provider, {});
      const text = LINE + LINE + LINE;
      for (let at = 0; at < text.length; at += size) lines.write(text.slice(at, at + size));
      expect(provider.records).toEqual([RECORD, RECORD, RECORD]);
    }
  });

  it('without an end is a record once nothing more comes', () => {
    const provider = recorder();
    const lines = pinoLines(provider, {});
    lines.write(`\n${LINE}\n${LINE.trimEnd()}`);
    expect(provider.records).toHaveLength(1);
    lines.end();
    lines.end();
    expect(provider.records).toEqual([RECORD, RECORD]);
  });

  it('is read as pino says', () => {
    const provider = recorder();
    const lines = pinoLines(provider, { errorKey: 'mine' });
    expect(lines.tell({ code: 'FLUSH' })).toBe(false);
    const levels = { labels: { 30: 'notice' }, values: { notice: 30 } };
    const config = { levels, messageKey: 'message', errorKey: 'error' };
    expect(lines.tell({ code: 'PINO_CONFIG', config })).toBe(true);
    lines.write('{"level":30,"message":"a","mine":"no","error":1}\n');
    expect(provider.records).toEqual([
      {
        body: 'a',
        severityNumber: 9,
        severityText: 'notice',
        exception: 'no',
        attributes: { error: 1 },
      },
    ]);
  });
});

describe('hooks for pino', () => {
  it('keep those that are there, and record what they let through', () => {
    const provider = recorder();
    const calls: unknown[] = [];
    const options = pinoHook(provider, {
      level: 'debug',
      hooks: {
        logMethod(
          this: unknown,
          args: unknown[],
          method: (...all: unknown[]) => void,
          level: number,
        ) {
          calls.push(level);
          method.apply(this, args);
        },
        streamWrite: (line: string) => line.replaceAll('secret', '***'),
      },
    });
    expect(options.level).toBe('debug');
    const { hooks } = options;
    const logger = { levels: { labels: { 40: 'careful' }, values: { careful: 40 } } };
    const method = (text: string) =>
      hooks.streamWrite(JSON.stringify({ severity: 'W', msg: text }));
    hooks.logMethod.call(logger, ['a secret'], method, 40);
    expect(calls).toEqual([40]);
    expect(provider.records).toEqual([
      {
        body: 'a ***',
        severityNumber: 13,
        severityText: 'careful',
        attributes: { severity: 'W' },
      },
    ]);
  });

  it('know the level of a call within a call', () => {
    const provider = recorder();
    const { hooks } = pinoHook(provider);
    const write = (msg: string) => hooks.streamWrite(JSON.stringify({ msg }));
    const outer = () => {
      hooks.logMethod.call({}, ['inner'], write, 20);
      write('outer');
    };
    hooks.logMethod.call({}, [], outer, 50);
    write('none');
    expect(provider.records.map(({ body, severityNumber }) => [body, severityNumber])).toEqual([
      ['inner', 5],
      ['outer', 17],
      ['none', undefined],
    ]);
  });
});

describe('a record of bunyan', () => {
  const given = {
    name: 'app',
    hostname: 'h',
    pid: 1,
    level: 30,
    msg: 'hello',
    time: new Date(1_732_233_600_123),
    v: 0,
    a: { b: 1 },
  };

  it('is a record, also as a line', () => {
    const provider = recorder();
    const stream = bunyanStream(provider);
    stream.write(given);
    stream.write(`${JSON.stringify(given)}\n`);
    expect(provider.records).toEqual([RECORD, RECORD]);
    expect(given).toMatchObject({ level: 30, msg: 'hello', v: 0 });
    expect(provider.scopes).toEqual([`otlp-wasm/bridges/bunyan ${VERSION}`]);
  });

  it('has a level of its own as text only where it has a name', () => {
    const provider = recorder();
    bunyanStream(provider).write({ ...given, level: 35 });
    expect(provider.records[0]).toMatchObject({ severityNumber: 11 });
    expect(provider.records[0]).not.toHaveProperty('severityText');
  });

  it('is not made when nobody wants it', () => {
    const provider = recorder(13);
    bunyanStream(provider).write(given);
    expect(provider.records).toEqual([]);
  });
});

describe('a record of winston', () => {
  const LEVEL = Symbol.for('level');
  const SPLAT = Symbol.for('splat');
  const recordOf = (info: object) => {
    const provider = recorder();
    const transport = new WinstonTransport(provider);
    transport.log({ level: 'info', message: 'hello', ...info, [LEVEL]: 'info' });
    expect(provider.scopes).toEqual([`otlp-wasm/bridges/winston ${VERSION}`]);
    return provider.records[0]!;
  };
  const plain = { body: 'hello', severityNumber: 9, severityText: 'info' };

  it('is a record', () => {
    expect(recordOf({ level: '\u001b[32minfo\u001b[39m', a: { at: new Date(0) } })).toEqual({
      ...plain,
      attributes: { a: { at: '1970-01-01T00:00:00.000Z' } },
    });
  });

  it('has the time that a format has put there', () => {
    expect(recordOf({ timestamp: '2024-11-22T00:00:00.123Z' })).toEqual({
      ...plain,
      timestamp: [1_732_233_600, 123_000_000],
      attributes: {},
    });
    expect(recordOf({ timestamp: '12:30' })).toEqual({
      ...plain,
      attributes: { timestamp: '12:30' },
    });
  });

  const error = Object.assign(new TypeError('no', { cause: 'why' }), { code: 'E1', status: 500 });
  const shown = {
    name: 'TypeError',
    message: 'no',
    stack: error.stack,
    code: 'E1',
    cause: 'why',
  };

  it.each([
    ['err', { err: error }, error, { err: { status: 500 } }],
    ['error', { error }, error, { error: { status: 500 } }],
    ['error, as text', { error: 'no' }, 'no', {}],
    // As winston copies an argument's fields.
    [
      'an argument',
      { code: 'E1', status: 500, stack: error.stack, cause: 'why', [SPLAT]: ['a', error] },
      shown,
      { status: 500 },
    ],
    [
      'fields that a format has spread',
      { code: 'E1', status: 500, stack: 'TypeError: no\n    at x' },
      { ...shown, message: 'hello', stack: 'TypeError: no\n    at x', cause: undefined },
      { status: 500 },
    ],
  ])('has its exception in %s', (_name, info, exception, attributes) => {
    expect(recordOf(info)).toEqual({ ...plain, exception, attributes });
  });

  it('may be an error itself, or have one as its message', () => {
    const provider = recorder();
    const transport = new WinstonTransport(provider);
    const itself = Object.assign(new Error('no'), { level: 'error', [LEVEL]: 'error', a: 1 });
    transport.log(itself as never);
    transport.log({ level: 'error', message: error, [LEVEL]: 'error' });
    expect(provider.records).toEqual([
      {
        body: 'no',
        severityNumber: 17,
        severityText: 'error',
        exception: { name: 'Error', message: 'no', stack: itself.stack },
        attributes: { a: 1 },
      },
      {
        body: 'no',
        severityNumber: 17,
        severityText: 'error',
        exception: shown,
        attributes: {},
      },
    ]);
  });

  it('is not made of texts behind the message', () => {
    expect(recordOf({ [SPLAT]: ['text', { a: 1 }] })).toEqual({ ...plain, attributes: {} });
  });
});
