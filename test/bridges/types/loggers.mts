// Compiled by run.mjs, never run: the bridges where the loggers' own declarations want something.

import { logs } from '@opentelemetry/api-logs';
import bunyan from 'bunyan';
import { start } from 'otlp-wasm';
import { bunyanStream } from 'otlp-wasm/bridges/bunyan';
import { bridgeConsole } from 'otlp-wasm/bridges/console';
import { pinoHook, pinoStream, traceFields } from 'otlp-wasm/bridges/pino';
import type { PinoTransportOptions } from 'otlp-wasm/bridges/pino-transport';
import { WinstonTransport } from 'otlp-wasm/bridges/winston';
import { pino } from 'pino';
import { pino as pino9 } from 'pino-9';
import winston from 'winston';

const { loggerProvider } = start();
const upstreams = logs.getLoggerProvider();
const logger = logs.getLogger('mine');

const restore: () => void = bridgeConsole(loggerProvider, { silent: true });
bridgeConsole(upstreams);
bridgeConsole(logger);
restore();

pino(pinoHook(loggerProvider)).info('a');
pino(pinoHook(upstreams, { level: 'debug', customLevels: { audit: 35 } })).audit('a');
pino(
  pinoHook(logger, {
    hooks: {
      logMethod(args, method) {
        method.apply(this, args);
      },
      streamWrite: (line: string) => line,
    },
  } satisfies pino.LoggerOptions),
);
pino({ level: 'debug' }, pinoStream(loggerProvider));
pino({}, pino.multistream([{ stream: process.stdout }, { stream: pinoStream(upstreams) }]));
pino9(pinoHook(loggerProvider, { level: 'debug' })).info('a');
pino9({}, pinoStream(loggerProvider));

const options: PinoTransportOptions = { endpoint: 'http://localhost:4318', errorKey: 'error' };
pino({ mixin: traceFields, transport: { target: 'otlp-wasm/bridges/pino-transport', options } });

winston.createLogger({
  transports: [
    new WinstonTransport(loggerProvider, { level: 'warn', format: winston.format.json() }),
    new WinstonTransport(upstreams, { severityMapping: { audit: 10 } }),
  ],
  exceptionHandlers: [new WinstonTransport(logger)],
});
winston.add(new WinstonTransport(loggerProvider));

bunyan.createLogger({
  name: 'a',
  streams: [
    { type: 'raw', stream: bunyanStream(loggerProvider) },
    { stream: bunyanStream(upstreams) },
  ],
});
