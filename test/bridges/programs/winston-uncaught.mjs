// Throws what nobody catches: node winston-uncaught.mjs <way> <url>

import { start } from 'otlp-wasm';
import { WinstonTransport } from 'otlp-wasm/bridges/winston';
import winston from 'winston';

const [way, endpoint] = process.argv.slice(2);
const telemetry = start({ endpoint, serviceName: 'bridged' });
const transport = (options) => new WinstonTransport(telemetry.loggerProvider, options);
const ways = {
  exception: { transports: [transport({ handleExceptions: true })] },
  rejection: { transports: [transport({ handleRejections: true })] },
  handler: { exceptionHandlers: [transport()] },
};
winston.createLogger({ exitOnError: false, ...ways[way] });
if (way === 'rejection') Promise.reject(new RangeError('no one caught it'));
else setImmediate(() => Promise.resolve().then(() => queueMicrotask(fail)));

function fail() {
  throw new RangeError('no one caught it');
}
