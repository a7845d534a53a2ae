// Logs through a bridge, upstream's or ours, to a provider that keeps the records, which are printed:
// node upstream.cjs <library> <subject>

const { logs } = require('@opentelemetry/api-logs');
const { registerInstrumentations } = require('@opentelemetry/instrumentation');

const [library, subject] = process.argv.slice(2);

const records = [];
const logger = { emit: (record) => records.push(record), enabled: () => true };
const provider = { getLogger: () => logger };

/** What may differ is what calls cannot decide: the moment, and who sets when it was observed. */
function plain(record) {
  const {
    observedTimestamp: _,
    timestamp,
    exception,
    severityNumber,
    severityText,
    ...rest
  } = record;
  const { name, message, stack } = exception ?? {};
  return {
    ...rest,
    severityNumber,
    severityText,
    time: timeOf(timestamp),
    exception: exception && { name, message, stack: stack?.split('\n', 2) },
  };
}

function timeOf(timestamp) {
  if (timestamp === undefined) return 'none';
  const ms = Array.isArray(timestamp) ? timestamp[0] * 1000 + timestamp[1] / 1e6 : timestamp;
  return Math.abs(Date.now() - ms) < 60_000 ? 'now' : ms;
}

const nowhere = { write() {} };

const error = () => new TypeError('no');

const libraries = {
  async pino() {
    let made;
    if (subject === 'upstream') {
      const { PinoInstrumentation } = require('@opentelemetry/instrumentation-pino');
      logs.setGlobalLoggerProvider(provider);
      registerInstrumentations({ instrumentations: [new PinoInstrumentation()] });
      const pino = require('pino');
      made = (options) => pino(options, nowhere);
    } else {
      const { pinoHook, pinoStream } = await import('otlp-wasm/bridges/pino');
      const pino = require('pino');
      const way = {
        hook: (options) => pino(pinoHook(provider, options), nowhere),
        stream: (options) => pino(options, pinoStream(provider)),
      };
      made = way[subject];
    }
    const { stdTimeFunctions } = require('pino');
    const customLevels = { low: 5, odd: 27, high: 55, max: 99 };
    const log = made({ name: 'app', level: 'low', customLevels });
    for (const level of Object.keys(log.levels.values)) log[level]('at %s', level);
    log.info({ a: { b: [1, null] }, c: 1.5 }, 'fields');
    log.error(error());
    log.error({ err: error() }, 'failed');
    log.error({ err: 'a text' }, 'failed');
    log.info({ 'otel.event.name': 'e', d: 1 }, 'event');
    log.child({ hostname: 'h', pid: 5, e: 1 }).info('in a child');
    for (const time of ['isoTime', 'unixTime', 'epochTime']) {
      made({ base: null, timestamp: stdTimeFunctions[time] }).info(time);
    }
    made({ messageKey: 'm', errorKey: 'e' }).error(error(), 'keys');
    made({ formatters: { level: (label) => ({ severity: label }) } }).warn('formatter');
  },

  async winston() {
    const winston = require('winston');
    let transport;
    if (subject === 'upstream') {
      const { OpenTelemetryTransportV3 } = require('@opentelemetry/winston-transport');
      logs.setGlobalLoggerProvider(provider);
      transport = (options) => new OpenTelemetryTransportV3(options);
    } else {
      const { WinstonTransport } = await import('otlp-wasm/bridges/winston');
      transport = (options) => new WinstonTransport(provider, options);
    }
    const made = (options) => winston.createLogger({ transports: [transport()], ...options });
    for (const table of ['npm', 'syslog', 'cli']) {
      const { levels } = winston.config[table];
      const log = made({ levels, level: Object.keys(levels).at(-1) });
      for (const level of Object.keys(levels)) log.log(level, `at ${level}`);
    }
    const log = made({ defaultMeta: { app: 'a' } });
    log.info('fields', { a: { b: [1, null] }, c: 1.5 });
    log.info({ message: 'an object', 'otel.event.name': 'e' });
    log.error('failed', { err: error() });
    log.error('failed', { error: error() });
    log.error('failed', { error: 'a text' });
    log.child({ request: 7 }).warn('in a child');
    const { combine, errors, json, colorize } = winston.format;
    const format = combine(errors({ stack: true }), colorize(), json());
    made({ format }).error(error());
    made({ format }).error('failed', { status: 5 });
    made({ transports: [transport({ level: 'warn', severityMapping: { warn: 14 } })] }).warn('w');
  },

  async bunyan() {
    const bunyan = require('bunyan');
    let stream;
    if (subject === 'upstream') {
      const { OpenTelemetryBunyanStream } = require('@opentelemetry/instrumentation-bunyan');
      logs.setGlobalLoggerProvider(provider);
      stream = new OpenTelemetryBunyanStream();
    } else {
      stream = (await import('otlp-wasm/bridges/bunyan')).bunyanStream(provider);
    }
    const streams = [{ type: 'raw', level: 1, stream }];
    const log = bunyan.createLogger({ name: 'app', streams, serializers: bunyan.stdSerializers });
    for (const level of Object.keys(bunyan.levelFromName)) log[level]('at %s', level);
    log.info({ a: { b: [1, null] }, c: 1.5 }, 'fields');
    log.error(error());
    log.error({ err: error() }, 'failed');
    log.error({ err: 'a text' }, 'failed');
    log.info({ 'otel.event.name': 'e', d: 1 }, 'event');
    log.info({ time: new Date(1_700_000_000_000) }, 'earlier');
    for (const level of [5, 27, 55, 99])
      log._emit({ ...log.fields, level, msg: 'odd', time: new Date(), v: 0 });
    log.child({ hostname: 'h', pid: 5, e: 1 }).info('in a child');
  },
};

libraries[library]().then(() => {
  // Through JSON: undefined is what is not there.
  process.stdout.write(JSON.stringify(records.map(plain)));
});
