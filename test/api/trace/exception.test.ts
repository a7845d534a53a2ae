import type { Attributes, Exception } from '@opentelemetry/api';
import * as sdk from '@opentelemetry/sdk-trace';
import { describe, expect, it } from 'vitest';
import { exceptionAttributes } from '../../../src/api/trace/exception.ts';
import { started } from '../../support/telemetry.ts';

const attributesOf = (exception: unknown) => exceptionAttributes(exception as Exception);
const stackOf = (exception: unknown) => attributesOf(exception)['exception.stacktrace'];

/** An error whose stack trace is one line. */
function failure(message: string, rest: object = {}): Error {
  return Object.assign(new Error(message), { stack: `Error: ${message}` }, rest);
}

/** Errors, each the cause of the one before. */
function chain(length: number): Error {
  let error: Error | undefined;
  for (let i = length - 1; i >= 0; i--) error = failure(`e${i}`, error && { cause: error });
  return error as Error;
}

const lines = (...names: string[]) =>
  names.map((name, i) => `${i === 0 ? '' : 'Caused by: '}Error: ${name}`).join('\n');

describe('a cause chain', () => {
  it('is in the stack trace, from the outermost to the innermost', () => {
    const innermost = new RangeError('disk full');
    const middle = new TypeError('cannot write', { cause: innermost });
    const outer = new Error('cannot save', { cause: middle });
    expect(attributesOf(outer)).toEqual({
      'exception.type': 'Error',
      'exception.message': 'cannot save',
      'exception.stacktrace': `${outer.stack}\nCaused by: ${middle.stack}\nCaused by: ${innermost.stack}`,
    });
  });

  it('has those an AggregateError is made of, each with its own causes', () => {
    const errors = [failure('a', { cause: failure('a cause') }), failure('b')];
    const all = Object.assign(new AggregateError(errors, 'all failed'), { stack: 'Error: all' });
    expect(stackOf(all)).toBe(lines('all', 'a', 'a cause', 'b'));
    Object.assign(all, { cause: failure('why') });
    expect(stackOf(all)).toBe(lines('all', 'why', 'a', 'a cause', 'b'));
    expect(stackOf(failure('outer', { cause: all }))).toBe(
      lines('outer', 'all', 'why', 'a', 'a cause', 'b'),
    );
  });

  it('that comes back to itself ends, each error once', () => {
    const self = failure('self');
    Object.assign(self, { cause: self });
    expect(stackOf(self)).toBe('Error: self');
    const [a, b, c] = ['a', 'b', 'c'].map((name) => failure(name)) as [Error, Error, Error];
    Object.assign(a, { cause: b });
    Object.assign(b, { cause: c });
    Object.assign(c, { cause: a, errors: [b, c, a] });
    expect(stackOf(a)).toBe(lines('a', 'b', 'c'));
  });

  it('is followed for eight causes', () => {
    expect(stackOf(chain(9))).toBe(lines(...Array.from({ length: 9 }, (_, i) => `e${i}`)));
    expect(stackOf(chain(10))).toBe(stackOf(chain(9)));
    expect(stackOf(chain(10_000))).toBe(stackOf(chain(9)));
    const errors = Array.from({ length: 100_000 }, (_, i) => failure(`e${i + 1}`));
    expect(stackOf(failure('e0', { errors }))).toBe(stackOf(chain(9)));
    const sparse: Error[] = [];
    sparse.length = 2 ** 32 - 1;
    expect(stackOf(failure('sparse', { errors: sparse }))).toBe('Error: sparse');
  });

  it.each<[string, unknown, string]>([
    ['text', 'why not', 'why not'],
    ['a number', 7, '7'],
    ['false', false, 'false'],
    ['empty text', '', ''],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
    ['an error without a stack trace', { name: 'Lost', message: 'gone' }, 'Lost: gone'],
    ['a name alone', { name: 'Lost' }, 'Lost: '],
    ['a message alone', { message: 'gone' }, 'gone'],
    ['an object', { a: 1 }, '[object Object]'],
    ['an object without a prototype', Object.create(null), ''],
  ])('may end in what is no error: %s', (_, cause, shown) => {
    expect(stackOf(failure('outer', { cause }))).toBe(`Error: outer\nCaused by: ${shown}`);
  });

  it('is none when the cause is undefined or null', () => {
    for (const cause of [undefined, null]) {
      expect(stackOf(failure('e', { cause, errors: [null, undefined] }))).toBe('Error: e');
    }
    expect(stackOf(failure('e', { errors: 'no list' }))).toBe('Error: e');
  });

  it('is told of an exception without a stack trace, too', () => {
    expect(stackOf({ message: 'm', cause: failure('a') })).toBe('Caused by: Error: a');
    expect(stackOf({ message: 'm' })).toBeUndefined();
  });

  it('goes on around causes whose getters throw', () => {
    const trap = (name: string) =>
      Object.defineProperty(failure('trap'), name, {
        get() {
          throw new Error('no');
        },
      });
    expect(stackOf(failure('e', { cause: trap('stack'), errors: [failure('b')] }))).toBe(
      'Error: e\nCaused by: an error that cannot be read\nCaused by: Error: b',
    );
    expect(stackOf(failure('e', { cause: trap('cause') }))).toBe(lines('e', 'trap'));
    expect(attributesOf(trap('cause'))).toEqual({
      'exception.type': 'Error',
      'exception.message': 'trap',
      'exception.stacktrace': 'Error: trap',
    });
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(stackOf(failure('e', { cause: proxy }))).toBe(
      'Error: e\nCaused by: an error that cannot be read',
    );
    expect(stackOf(failure('e', { errors: proxy }))).toBe('Error: e');
  });
});

describe('RecordException', () => {
  it('RecordException: type, message and stack trace of one event, code before name', async () => {
    const { arrived, tracer } = started();
    const span = tracer.startSpan('s');
    const error = Object.assign(new Error('reset'), { code: 'ECONNRESET', cause: failure('why') });
    span.recordException(error, [100, 5]);
    span.end();
    expect((await arrived())[0]?.events).toMatchObject([
      {
        name: 'exception',
        timeUnixNano: 100_000_000_005n,
        attributes: {
          'exception.type': 'ECONNRESET',
          'exception.message': 'reset',
          'exception.stacktrace': `${error.stack}\nCaused by: Error: why`,
        },
      },
    ]);
  });

  it('RecordException with extra parameters: at the time that is given, in every form', async () => {
    const { arrived, tracer } = started();
    const span = tracer.startSpan('s');
    for (const time of [[100, 5] as [number, number], new Date(1e12), 1e12 + 0.5]) {
      span.recordException(failure('e'), time);
    }
    span.end();
    expect((await arrived())[0]?.events.map(({ timeUnixNano }) => timeUnixNano)).toEqual([
      100_000_000_005n,
      10n ** 18n,
      10n ** 18n + 500_000n,
    ]);
  });

  it('is cut as any attribute of an event', async () => {
    const { arrived, tracer } = started({ limits: { attributeValueLength: 9 } });
    const span = tracer.startSpan('s');
    span.recordException(failure('a long message', { cause: failure('why') }));
    span.end();
    expect((await arrived())[0]?.events[0]?.attributes).toEqual({
      'exception.type': 'Error',
      'exception.message': 'a long me',
      'exception.stacktrace': 'Error: a ',
    });
  });

  it('is as of the OpenTelemetry SDK for what has no cause', () => {
    const exceptions: unknown[] = [
      new Error('plain'),
      new TypeError('typed'),
      new DOMException('aborted', 'AbortError'),
      Object.assign(new Error('coded'), { code: 'E_CODE' }),
      Object.assign(new Error('numbered'), { code: 404 }),
      Object.assign(new Error('zero is no code'), { code: 0 }),
      Object.assign(new Error('no stack'), { stack: undefined }),
      Object.assign(new Error(''), { name: 'Nameless' }),
      'text',
      { message: 'only a message' },
      { name: 'OnlyName' },
      { code: 'E' },
      { name: 'N', message: 'm', stack: 'N: m\n  at x' },
      new (class extends Error {
        override name = 'Custom';
      })('own class'),
      Object.assign(new Error('bare'), { errors: [] }),
    ];
    const events: (readonly Attributes[])[] = [];
    const keep = {
      onStart() {},
      onEnd(span: sdk.ReadableSpan) {
        events.push(span.events.map(({ attributes }) => attributes ?? {}));
      },
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    };
    const provider = new sdk.TracerProvider({ spanProcessors: [keep] });
    for (const tracer of [provider.getTracer('t'), started({ spanProcessors: [keep] }).tracer]) {
      const span = tracer.startSpan('s');
      for (const exception of exceptions) span.recordException(exception as Exception);
      span.end();
    }
    expect(events[1]).toHaveLength(exceptions.length);
    expect(events[1]).toEqual(events[0]);
  });
});
