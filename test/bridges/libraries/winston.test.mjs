import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { context, trace } from '@opentelemetry/api';
import { WinstonTransport } from 'otlp-wasm/bridges/winston';
import { startCollector } from 'otlp-wasm/collector';
import winston from 'winston';
import { described, journey, traceOf } from './journey.mjs';

const { format } = winston;

const record = (severity, body, attributes = {}, more = {}) => ({
  scope: 'otlp-wasm/bridges/winston',
  time: 'now',
  severity,
  body,
  attributes,
  ...more,
});

const thrown = (type, message) => ({
  'exception.type': type,
  'exception.message': message,
  'exception.stacktrace': `${type}: ${message}`,
});

describe(`winston ${winston.version}`, () => {
  it('records arrive, whatever they are made of', async (t) => {
    const { provider, arrived } = await journey(t);
    const log = winston.createLogger({
      level: 'silly',
      defaultMeta: { app: 'a' },
      transports: [new WinstonTransport(provider)],
    });
    log.silly('silly');
    log.debug('debug');
    log.verbose('verbose');
    log.http('http');
    log.info('hello', { a: { b: [1, null, new Date(0)] }, f() {} });
    log.warn({ message: 'an object', n: 1.5 });
    log.log('error', 'error');
    log.child({ request: 7 }).info('in a child');
    log.info({ 'otel.event.name': 'user.login', message: 'event' });
    const app = { app: 'a' };
    assert.deepEqual(await arrived(), [
      record('1 silly', 'silly', app),
      record('5 debug', 'debug', app),
      record('6 verbose', 'verbose', app),
      record('7 http', 'http', app),
      record('9 info', 'hello', { app: 'a', a: { b: [1, null, '1970-01-01T00:00:00.000Z'] } }),
      record('13 warn', 'an object', { app: 'a', n: 1.5 }),
      record('17 error', 'error', app),
      record('9 info', 'in a child', { app: 'a', request: 7 }),
      record('9 info', 'event', app, { eventName: 'user.login' }),
    ]);
  });

  it('errors arrive as exceptions, wherever they are', async (t) => {
    const { provider, arrived } = await journey(t);
    const transports = () => [new WinstonTransport(provider)];
    const plain = winston.createLogger({ transports: transports() });
    const spread = winston.createLogger({
      format: format.combine(format.errors({ stack: true }), format.splat(), format.json()),
      transports: transports(),
    });
    const error = () => Object.assign(new TypeError('no'), { status: 500 });
    for (const log of [plain, spread]) {
      log.error(error());
      log.error('failed:', error());
      log.error('failed', { err: error() });
      log.error('failed', { error: error() });
      log.error('failed', { error: 'a text' });
    }
    const found = thrown('TypeError', 'no');
    const each = [
      record('17 error', 'no', { status: 500, ...found }),
      record('17 error', 'failed: no', { status: 500, ...found }),
      record('17 error', 'failed', { err: { status: 500 }, ...found }),
      record('17 error', 'failed', { error: { status: 500 }, ...found }),
      record('17 error', 'failed', { 'exception.message': 'a text' }),
    ];
    assert.deepEqual(await arrived(), [...each, ...each]);
  });

  it('formats are kept: of the logger, and of the transport', async (t) => {
    const { provider, arrived } = await journey(t);
    const seen = [];
    const log = winston.createLogger({
      format: format.combine(format.colorize(), format.timestamp(), format.splat()),
      transports: [
        new WinstonTransport(provider, {
          format: format((info) => (info.drop ? false : { ...info, added: 1 }))(),
        }),
        new winston.transports.Stream({
          stream: new Writable({
            write: (line, _encoding, done) => done(seen.push(String(line)) && null),
          }),
          format: format.printf(({ message, added }) => `${message} ${added}`),
        }),
      ],
    });
    log.info('%s of %d', 'one', 2);
    log.info('dropped', { drop: true });
    log.add(new WinstonTransport(provider, { format: format.label({ label: 'l' }) }));
    log.warn('to both');
    assert.deepEqual(await arrived(), [
      record('9 info', 'one of 2', { added: 1 }),
      record('13 warn', 'to both', { added: 1 }),
      record('13 warn', 'to both', { label: 'l' }),
    ]);
    assert.deepEqual(
      seen.map((line) => line.trim()),
      ['one of 2 undefined', 'dropped undefined', 'to both undefined'],
    );
  });

  it('levels: of the transport, of the logger, changed, silent, of one’s own', async (t) => {
    const { provider, arrived } = await journey(t);
    const levels = { panic: 0, error: 1, warn: 2, info: 3, audit: 4, debug: 5 };
    const own = new WinstonTransport(provider, { level: 'warn', severityMapping: { panic: 24 } });
    const shared = new WinstonTransport(provider);
    const log = winston.createLogger({ levels, level: 'audit', transports: [own, shared] });
    log.panic('both');
    log.audit('shared');
    log.debug('none');
    log.level = 'debug';
    log.debug('shared');
    shared.silent = true;
    log.info('none');
    log.warn('own');
    log.remove(own);
    log.panic('none');
    assert.deepEqual(await arrived(), [
      record('24 panic', 'both'),
      record('18 panic', 'both'),
      record('7 audit', 'shared'),
      record('5 debug', 'shared'),
      record('13 warn', 'own'),
    ]);
  });

  it('is correlated with the span of the call, also while another transport is busy', async (t) => {
    const { provider, telemetry, arrived } = await journey(t);
    const release = [];
    const slow = new Writable({
      objectMode: true,
      highWaterMark: 1,
      write: (_info, _encoding, done) => void release.push(done),
    });
    slow.log = () => {};
    const log = winston.createLogger({ transports: [slow, new WinstonTransport(provider)] });
    const tracer = telemetry.tracer('test');
    const spans = Array.from({ length: 40 }, (_, i) => tracer.startSpan(`work ${i}`));
    for (const [i, span] of spans.entries()) {
      context.with(trace.setSpan(context.active(), span), () => log.info(`within ${i}`));
    }
    log.info('outside');
    const other = tracer.startSpan('other');
    await context.with(trace.setSpan(context.active(), other), async () => {
      for (let turn = 0; turn < 200; turn++) {
        release.shift()?.();
        await new Promise((soon) => setImmediate(soon));
      }
    });
    assert.deepEqual(await arrived(), [
      ...spans.map((span, i) => record('9 info', `within ${i}`, {}, { trace: traceOf(span) })),
      record('9 info', 'outside'),
    ]);
  });

  it('leaves the logger as it was, once removed', async (t) => {
    const { provider } = await journey(t);
    const log = winston.createLogger({ transports: [new winston.transports.Console()] });
    const { write } = log;
    const transport = new WinstonTransport(provider);
    log.add(transport);
    assert.notEqual(log.write, write);
    log.remove(transport);
    assert.equal(log.write, write);
    assert.equal(Object.hasOwn(log, 'write'), false);
  });

  it('takes uncaught errors and unhandled rejections, where it is told to', async (t) => {
    const program = fileURLToPath(new URL('../programs/winston-uncaught.mjs', import.meta.url));
    for (const way of ['exception', 'rejection', 'handler']) {
      const collector = await startCollector({ port: 0 });
      t.after(() => collector.close());
      await promisify(execFile)(process.execPath, [program, way, collector.url]);
      const [first, ...more] = collector.logs().map(described);
      assert.deepEqual(more, [], way);
      const { body, severity, attributes } = first;
      assert.equal(severity, '17 error', way);
      assert.match(body, /^(uncaughtException|unhandledRejection): no one caught it\n/);
      assert.equal(attributes['exception.type'], 'RangeError');
      assert.equal(attributes['exception.message'], 'no one caught it');
      assert.equal(attributes.process.version, process.version);
      assert.equal('stack' in attributes || 'error' in attributes, false);
    }
  });

  it('ends with its logger', async (t) => {
    const { provider, arrived } = await journey(t);
    const log = winston.createLogger({ transports: [new WinstonTransport(provider)] });
    log.info('last');
    log.end();
    await new Promise((finished) => log.once('finish', finished));
    assert.deepEqual(await arrived(), [record('9 info', 'last')]);
  });
});
