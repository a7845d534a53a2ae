// Prints, with or without the bridge: node console.mjs <way> <url>

import { start } from 'otlp-wasm';
import { bridgeConsole } from 'otlp-wasm/bridges/console';
import { consoleTransport } from 'otlp-wasm/exporters/console';

const [way, endpoint] = process.argv.slice(2);

function say() {
  console.debug('debug');
  console.log('hello %s', 'world', { a: { b: [1, 'x'] } });
  console.info(new Map([[1, new Set([2])]]));
  console.warn('100%');
  console.error('failed:', Object.assign(new TypeError('no'), { status: 500 }));
  console.assert(1 > 2, '%d < %d', 1, 2);
  console.assert(true, 'fine');
  console.trace('at %s', 'x');
  console.count('times');
}

/** Prints one line, and gives an exporter that prints many turns to print what it has printed. */
async function round(transport, registered) {
  const telemetry = start({ transport, batch: { delayMs: 1 } });
  if (registered) telemetry.register();
  const restore = bridgeConsole(telemetry.loggerProvider);
  console.log('once');
  telemetry.tracer('program').startSpan('printed').end();
  for (let turn = 0; turn < 10; turn++) await telemetry.flush();
  restore();
  console.log(`recorded ${telemetry.health().signals.logs.recorded}`);
}

const ways = {
  plain: say,
  bridged() {
    bridgeConsole(start({ endpoint }).loggerProvider);
    say();
  },
  silent() {
    bridgeConsole(start({ endpoint }).loggerProvider, { silent: true });
    say();
  },
  exporter: () => round(consoleTransport(), false),
  printing: () =>
    round(
      {
        async send() {
          console.log('sending');
          return { kind: 'delivered' };
        },
        close() {},
      },
      true,
    ),
};
await ways[way]();
