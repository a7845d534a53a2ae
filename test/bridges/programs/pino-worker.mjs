// Logs through otlp-wasm/bridges/pino-transport: node pino-worker.mjs <module> <way> <url>

import { context, trace } from '@opentelemetry/api';
import { start } from 'otlp-wasm';
import { traceFields } from 'otlp-wasm/bridges/pino';
import { options, say } from './pino-said.mjs';

const [module, way, endpoint] = process.argv.slice(2);
const { default: pino } = await import(module);
const target = {
  target: 'otlp-wasm/bridges/pino-transport',
  options: { serviceName: 'of the worker', endpoint },
};
/** Spans of the program: they are exported nowhere, the worker's telemetry is another. */
function within(work) {
  const quiet = start({ transport: { send: async () => ({ kind: 'delivered' }), close() {} } });
  const span = quiet.register().tracer('program').startSpan('work');
  context.with(trace.setSpan(context.active(), span), work);
  const { traceId, spanId, traceFlags } = span.spanContext();
  console.log(`${traceId} ${spanId} ${traceFlags & 0xff}`);
  quiet.shutdown();
}

const ways = {
  alone() {
    const log = pino({ ...options, mixin: traceFields, transport: target });
    within(() => log.info('within'));
    say(log);
  },
  targets() {
    const stdout = { target: 'pino/file', level: 'debug', options: { destination: 1 } };
    const log = pino({
      ...options,
      transport: { targets: [{ ...target, level: 'warn' }, stdout] },
    });
    log.info('first');
    say(log);
  },
  keys() {
    const log = pino({ base: null, messageKey: 'message', errorKey: 'error', transport: target });
    log.info({ msg: 1 }, 'hello');
    log.error(new Error('no'));
  },
  away() {
    const { options } = target;
    const transport = { ...target, options: { ...options, flushTimeoutMs: 500 } };
    const log = pino({ transport });
    log.info('hello');
    log.info('world');
  },
  async flush() {
    const log = pino({ base: null, transport: target });
    log.info('hello');
    await new Promise((flushed) => log.flush(flushed));
    console.log('flushed with 1 arrived');
  },
  burst() {
    const log = pino({ base: null, transport: target });
    for (let i = 0; i < 10_000; i++) log.info({ i }, 'one of many');
    // Once the thread runs, as in any program but one that ends at once.
    setTimeout(() => process.exit(0), 500);
  },
};
await ways[way]();
