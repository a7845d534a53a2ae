import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { context, trace } from '@opentelemetry/api';
import bunyan from 'bunyan';
import { bunyanStream } from 'otlp-wasm/bridges/bunyan';
import { journey, traceOf } from './journey.mjs';

const { version } = createRequire(import.meta.url)('bunyan/package.json');

const record = (severity, body, attributes = {}, more = {}) => ({
  scope: 'otlp-wasm/bridges/bunyan',
  time: 'now',
  severity,
  body,
  attributes: { name: 'app', ...attributes },
  ...more,
});

const thrown = (type, message) => ({
  'exception.type': type,
  'exception.message': message,
  'exception.stacktrace': `${type}: ${message}`,
});

describe(`bunyan ${version}`, () => {
  for (const type of ['raw', 'stream']) {
    it(`records arrive, with a stream of type ${type}`, async (t) => {
      const { provider, arrived } = await journey(t);
      const log = bunyan.createLogger({
        name: 'app',
        serializers: bunyan.stdSerializers,
        streams: [{ type, level: 'trace', stream: bunyanStream(provider) }],
      });
      log.trace('trace');
      log.debug('debug');
      log.info({ a: { b: [1, null, new Date(0)] } }, 'hello %s', 'world');
      log.warn({ time: new Date(1_700_000_000_000), v: 1 }, 'earlier');
      log.error(Object.assign(new TypeError('no'), { code: 'E1', signal: 'S' }), 'failed');
      log.error({ err: new RangeError('alone') });
      log.fatal('fatal');
      log.child({ request: 7, component: 'c' }).info('in a child');
      log.info({ 'otel.event.name': 'user.login' }, 'event');
      assert.deepEqual(await arrived(), [
        record('1 trace', 'trace'),
        record('5 debug', 'debug'),
        record('9 info', 'hello world', { a: { b: [1, null, '1970-01-01T00:00:00.000Z'] } }),
        { ...record('13 warn', 'earlier'), time: '2023-11-14T22:13:20.000Z' },
        record('17 error', 'failed', {
          err: { signal: 'S' },
          ...thrown('TypeError', 'no'),
          'exception.type': 'E1',
        }),
        record('17 error', 'alone', thrown('RangeError', 'alone')),
        record('21 fatal', 'fatal'),
        record('9 info', 'in a child', { request: 7, component: 'c' }),
        record('9 info', 'event', {}, { eventName: 'user.login' }),
      ]);
    });
  }

  it('an error that nothing has serialized arrives, and what cannot be written does no harm', async (t) => {
    const { provider, arrived } = await journey(t);
    const streams = [{ type: 'raw', stream: bunyanStream(provider) }];
    const log = bunyan.createLogger({ name: 'app', streams });
    const ring = { a: 1 };
    ring.self = ring;
    log.info({ err: new TypeError('raw') }, 'failed');
    log.info({ ring, big: 10n, bytes: Buffer.from('b'), f() {}, req: { socket: {} } }, 'odd');
    assert.deepEqual(await arrived(), [
      record('9 info', 'failed', thrown('TypeError', 'raw')),
      record('9 info', 'odd', {
        ring: { a: 1, self: '[Circular]' },
        big: 10,
        bytes: new Uint8Array(Buffer.from('b')),
        req: { socket: {} },
      }),
    ]);
  });

  it('beside others: records of its level arrive, the others get theirs', async (t) => {
    const { provider, arrived } = await journey(t);
    const lines = new PassThrough();
    const log = bunyan.createLogger({
      name: 'app',
      streams: [
        { level: 'info', stream: lines },
        { level: 35, type: 'raw', stream: bunyanStream(provider) },
      ],
    });
    log.info('lines');
    log.warn('both');
    assert.deepEqual(await arrived(), [record('13 warn', 'both')]);
    const written = String(lines.read())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      written.map(({ msg, level, v }) => [msg, level, v]),
      [
        ['lines', 30, 0],
        ['both', 40, 0],
      ],
    );
  });

  it('is correlated with the active span, once', async (t) => {
    const { provider, telemetry, arrived } = await journey(t);
    const streams = [{ type: 'raw', stream: bunyanStream(provider) }];
    const log = bunyan.createLogger({ name: 'app', streams });
    const span = telemetry.tracer('test').startSpan('work');
    const { traceId, spanId } = span.spanContext();
    const fields = { trace_id: traceId, span_id: spanId, trace_flags: '01' };
    context.with(trace.setSpan(context.active(), span), () => log.info(fields, 'within'));
    log.info('outside');
    assert.deepEqual(await arrived(), [
      record('9 info', 'within', {}, { trace: traceOf(span) }),
      record('9 info', 'outside'),
    ]);
  });
});
