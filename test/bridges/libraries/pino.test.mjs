import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { context, trace } from '@opentelemetry/api';
import { pinoHook, pinoStream } from 'otlp-wasm/bridges/pino';
import { startCollector } from 'otlp-wasm/collector';
import pino10 from 'pino';
import pino9 from 'pino-9';
import { options, say } from '../programs/pino-said.mjs';
import { described, journey, traceOf } from './journey.mjs';

const scope = 'otlp-wasm/bridges/pino';
const record = (severity, body, more = {}) => ({
  scope,
  time: 'now',
  severity,
  body,
  attributes: {},
  ...more,
});

/** A destination that keeps its lines. */
function kept() {
  const lines = [];
  const stream = new Writable({
    write(line, _encoding, done) {
      lines.push(JSON.parse(line));
      done();
    },
  });
  return { lines, stream };
}

/** A server that cuts every connection. */
async function refusing() {
  const server = createServer((socket) => socket.destroy());
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return { server, port: server.address().port };
}

/** What has to arrive of what `say` says. */
const SAID = [
  record('5 debug', 'debug', { attributes: { name: 'app' } }),
  record('9 info', 'hello world', {
    attributes: { name: 'app', a: { b: [1, null, 'x'] }, ok: true },
  }),
  record('13 warn', 'fields', { attributes: { name: 'app', trace_id: 'my own' } }),
  record('17 error', 'failed', {
    attributes: {
      name: 'app',
      err: { status: 500 },
      'exception.type': 'TypeError',
      'exception.message': 'no',
      'exception.stacktrace': 'TypeError: no',
    },
  }),
  record('21 fatal', 'why', {
    attributes: {
      name: 'app',
      'exception.type': 'Error',
      'exception.message': 'why: deep',
      'exception.stacktrace': 'Error: why',
    },
  }),
  record('9 info', null, { attributes: { name: 'app', user: 'u' }, eventName: 'user.login' }),
  record('9 info', 'in a child', { attributes: { name: 'app', request: 7 } }),
  record('11 audit', 'of a custom level', { attributes: { name: 'app' } }),
];

for (const pino of [pino10, pino9]) {
  describe(`pino ${pino.version}`, () => {
    it('with hooks: records arrive, lines are written as before', async (t) => {
      const { provider, arrived } = await journey(t);
      const [bridged, plain] = [kept(), kept()];
      say(pino(pinoHook(provider, options), bridged.stream));
      say(pino(options, plain.stream));
      assert.deepEqual(await arrived(), SAID);
      const without = ({ time, err, ...line }) => line;
      assert.deepEqual(bridged.lines.map(without), plain.lines.map(without));
    });

    it('as the destination: records arrive', async (t) => {
      const { provider, arrived } = await journey(t);
      say(pino(options, pinoStream(provider)));
      assert.deepEqual(await arrived(), SAID);
    });

    it('as one of several destinations: records of its level arrive', async (t) => {
      const { provider, arrived } = await journey(t);
      const { lines, stream } = kept();
      const streams = [
        { level: 'debug', stream },
        { level: 'warn', stream: pinoStream(provider) },
      ];
      say(pino(options, pino.multistream(streams)));
      assert.deepEqual(
        (await arrived()).map(({ severity }) => severity),
        ['13 warn', '17 error', '21 fatal'],
      );
      assert.equal(lines.length, SAID.length);
    });

    for (const [way, logger] of [
      ['hooks', (provider, given) => pino(pinoHook(provider, given), kept().stream)],
      ['a stream', (provider, given) => pino(given, pinoStream(provider))],
    ]) {
      it(`with ${way}: correlated with the active span, once`, async (t) => {
        const { provider, telemetry, arrived } = await journey(t);
        const span = telemetry.tracer('test').startSpan('work');
        const { traceId, spanId } = span.spanContext();
        const log = logger(provider, {
          // As upstream's instrumentation does.
          mixin: () => ({ trace_id: traceId, span_id: spanId, trace_flags: '01' }),
        });
        context.with(trace.setSpan(context.active(), span), () => log.info('within'));
        log.info('named');
        const [within, named] = await arrived();
        assert.deepEqual(within, record('9 info', 'within', { trace: traceOf(span) }));
        assert.deepEqual(named, record('9 info', 'named', { trace: `${traceId} ${spanId} 1` }));
      });

      it(`with ${way}: pino's keys, formatters, redaction and times are kept`, async (t) => {
        const { provider, arrived } = await journey(t);
        const log = logger(provider, {
          messageKey: 'message',
          errorKey: 'error',
          base: null,
          redact: ['password', 'error.token'],
          formatters: { level: (label) => ({ severity: label.toUpperCase() }) },
          timestamp: pino.stdTimeFunctions.isoTime,
        });
        log.warn({ password: 'p', msg: 1 }, 'hello');
        log.error(Object.assign(new Error('no'), { token: 't' }));
        const child = log.child({ a: 1 }, { customLevels: { loud: 45 } });
        child.loud('in a child with a level of its own');
        assert.deepEqual(await arrived(), [
          record('13 warn', 'hello', {
            attributes: { severity: 'WARN', password: '[Redacted]', msg: 1 },
          }),
          record('17 error', 'no', {
            attributes: {
              severity: 'ERROR',
              error: { token: '[Redacted]' },
              'exception.type': 'Error',
              'exception.message': 'no',
              'exception.stacktrace': 'Error: no',
            },
          }),
          record('15 loud', 'in a child with a level of its own', {
            attributes: { severity: 'LOUD', a: 1 },
          }),
        ]);
      });

      for (const name of ['epochTime', 'unixTime', 'isoTime', 'isoTimeNano', 'nullTime']) {
        if (pino.stdTimeFunctions[name] === undefined) continue;
        it(`with ${way}: ${name}`, async (t) => {
          const { provider, arrived } = await journey(t);
          const timestamp = pino.stdTimeFunctions[name];
          logger(provider, { base: null, timestamp }).info('now');
          assert.deepEqual(await arrived(), [record('9 info', 'now')]);
        });
      }
    }

    describe('in a worker thread', () => {
      const module = pino === pino9 ? 'pino-9' : 'pino';
      const program = fileURLToPath(new URL('../programs/pino-worker.mjs', import.meta.url));

      /** Runs the program, and gives what arrived by its end. */
      async function ended(t, way) {
        const collector = await startCollector({ port: 0 });
        t.after(() => collector.close());
        const { stdout, stderr } = await promisify(execFile)(
          process.execPath,
          [program, module, way, collector.url],
          { timeout: 60_000 },
        );
        assert.equal(stderr, '');
        const [origin] = collector.logs();
        assert.equal(origin?.resource.attributes['service.name'], 'of the worker');
        return { records: collector.logs().map(described), stdout };
      }

      it('alone: all records have arrived when the program has ended', async (t) => {
        const { records, stdout } = await ended(t, 'alone');
        const { trace: within, ...first } = records.shift();
        assert.deepEqual(first, record('9 info', 'within', { attributes: { name: 'app' } }));
        assert.equal(within, stdout.trim());
        assert.deepEqual(records, SAID);
      });

      it('beside others: all records of its level', async (t) => {
        const { records, stdout } = await ended(t, 'targets');
        const levels = records.map(({ severity }) => severity);
        assert.deepEqual(levels, ['13 warn', '17 error', '21 fatal']);
        const printed = stdout.split('\n').filter((line) => line.startsWith('{'));
        assert.equal(printed.length, SAID.length + 1);
      });

      it('with keys of its own', async (t) => {
        const { records } = await ended(t, 'keys');
        assert.deepEqual(records, [
          record('9 info', 'hello', { attributes: { msg: 1 } }),
          record('17 error', 'no', {
            attributes: {
              'exception.type': 'Error',
              'exception.message': 'no',
              'exception.stacktrace': 'Error: no',
            },
          }),
        ]);
      });

      it('after logger.flush(), before the end', async (t) => {
        const { records, stdout } = await ended(t, 'flush');
        assert.match(stdout, /flushed with 1 arrived/);
        assert.equal(records.length, 1);
      });

      it('says at the end what could not be delivered', async (t) => {
        const { server, port } = await refusing();
        t.after(() => server.close());
        const args = [program, module, 'away', `http://127.0.0.1:${port}`];
        const { stderr } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 });
        assert.match(stderr, /^otlp-wasm: 2 log records lost/);
      });

      it('ten thousand at once, and process.exit()', async (t) => {
        const { records } = await ended(t, 'burst');
        assert.deepEqual(
          // Requests overtake each other.
          records.map(({ attributes }) => attributes.i).sort((a, b) => a - b),
          Array.from({ length: 10_000 }, (_, i) => i),
        );
      });
    });
  });
}
