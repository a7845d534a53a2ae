import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Collector, startCollector } from '../../src/workbench/collector/collector.ts';
import { ROOT } from '../support/bundle.ts';
import { API_1_9, API_1_10, type Application, application, TRACES } from './program.ts';

let collector: Collector;
let app: Application;

beforeAll(async () => {
  collector = await startCollector({ port: 0 });
});
afterAll(() => collector.close());
beforeEach(() => {
  collector.clear();
  app = application();
});
afterEach(() => app.remove());

const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  app.node(args, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...env });

const count = () => collector.traces().length;

describe('a second registration', () => {
  it('of the same copy is the first one', async () => {
    app.install('@opentelemetry/api', API_1_9);
    app.write({ 'app.cjs': TRACES });
    const preloads = ['--import', 'otlp-wasm/register', '--require', 'otlp-wasm/register'];
    const { code, stderr } = await run([...preloads, 'app.cjs'], {
      NODE_OPTIONS: '--import otlp-wasm/register',
      OTEL_LOG_LEVEL: 'info',
    });
    expect(code).toBe(0);
    expect(stderr).toMatch(/^otlp-wasm \S+: tracing to .*\n$/);
    expect(count()).toBe(2);
  });

  it('of another copy is reported and does nothing', async () => {
    app.install('@opentelemetry/api', API_1_9);
    app.write({ 'app.cjs': TRACES });
    cpSync(join(ROOT, 'dist/register.cjs'), join(app.path, 'copy.cjs'));
    const { code, stderr } = await run([
      ...['--require', 'otlp-wasm/register', '--require', './copy.cjs'],
      'app.cjs',
    ]);
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^otlp-wasm: otlp-wasm \S+ \(.*copy\.cjs\) does nothing: otlp-wasm \S+ \(.*register\.cjs\) was registered first and stays\. Name one of them only in --import, --require and NODE_OPTIONS\.\n$/,
    );
    expect(count()).toBe(2);
  });

  it.each([
    ['1.9', API_1_9],
    ['1.10', API_1_10],
  ])('by start() in the application is reported (API %s)', async (_version, folder) => {
    app.install('@opentelemetry/api', folder);
    // A copy: a link would find the API of the repository.
    cpSync(join(ROOT, 'dist/node.js'), join(app.path, 'otlp-wasm.mjs'));
    app.write({
      'app.mjs': `
        import { start } from './otlp-wasm.mjs';
        start().register();
        await import('./traces.cjs');
      `,
      'traces.cjs': TRACES,
    });
    const { code, stdout, stderr } = await run(['--import', 'otlp-wasm/register', 'app.mjs']);
    expect([code, stdout]).toEqual([0, 'true true\n']);
    expect(stderr).toContain(
      'otlp-wasm: otlp-wasm/register has registered its tracer provider, meter provider, logger provider, propagator, context manager before; it stays.',
    );
    expect(count()).toBe(2);
  });

  const OTHER_SDK = `
    const { trace, context } = require('@opentelemetry/api');
    class OtherTracerProvider { getTracer() { throw new Error('not to be asked'); } }
    console.log(trace.setGlobalTracerProvider(new OtherTracerProvider()));
    context.setGlobalContextManager({ active() {}, with() {}, bind() {}, enable() {}, disable() {} });
  `;

  it.each([
    ['1.9', API_1_9],
    ['1.10', API_1_10],
  ])('by another SDK is reported once, with its place (API %s)', async (_version, folder) => {
    app.install('@opentelemetry/api', folder);
    app.write({ 'other.cjs': OTHER_SDK, 'app.cjs': `require('./other.cjs'); ${TRACES}` });
    const { code, stdout, stderr } = await run(['--require', 'otlp-wasm/register', 'app.cjs']);
    expect([code, stdout]).toEqual([0, 'false\ntrue true\n']);
    expect(stderr).toMatch(
      /^otlp-wasm: a second OpenTelemetry SDK wants to register its tracer provider \(at .*other\.cjs:4:\d+\), but otlp-wasm\/register came first and stays\. Remove .*NODE_OPTIONS\.\n$/,
    );
    expect(count()).toBe(2);
  });

  it('by another SDK that sets a logger of its own is reported all the same', async () => {
    app.install('@opentelemetry/api', API_1_9);
    app.write({
      'app.cjs': `
        const { diag, DiagConsoleLogger, DiagLogLevel } = require('@opentelemetry/api');
        diag.setLogger(new DiagConsoleLogger(), {
          logLevel: DiagLogLevel.ERROR,
          suppressOverrideMessage: true,
        });
        diag.error('its own');
        ${OTHER_SDK.replace('const', 'var')}`,
    });
    const { code, stderr } = await run(['--require', 'otlp-wasm/register', 'app.cjs'], {
      OTEL_LOG_LEVEL: 'error',
    });
    expect(code).toBe(0);
    expect(stderr.trim().split('\n')).toEqual([
      'its own',
      expect.stringContaining('otlp-wasm: a second OpenTelemetry SDK'),
    ]);
  });

  it('is ours when another SDK was preloaded before: that one stays', async () => {
    app.install('@opentelemetry/api', API_1_9);
    app.write({
      'other.cjs': OTHER_SDK,
      'app.cjs': 'console.log(process.listenerCount("exit")); process.exitCode = 3;',
    });
    const { code, stdout, stderr } = await run([
      ...['--require', './other.cjs', '--require', 'otlp-wasm/register'],
      'app.cjs',
    ]);
    expect([code, stdout]).toEqual([3, 'true\n0\n']);
    expect(stderr).toMatch(
      /^otlp-wasm: telemetry is off: another OpenTelemetry SDK \(OtherTracerProvider\) was registered first and stays\. Remove its set-up or otlp-wasm\/register; .*\n$/,
    );
  });

  it('is no matter for a logger that was there before', async () => {
    app.install('@opentelemetry/api', API_1_10);
    app.write({
      'logger.cjs': `
        const { diag, DiagLogLevel } = require('@opentelemetry/api');
        const say = (line) => console.log('logger:', line);
        const logger = { error: say, warn: say, info: say, debug: say, verbose: say };
        diag.setLogger(logger, DiagLogLevel.INFO);
      `,
      'app.cjs': `
        require('@opentelemetry/api').diag.info('hello');
        ${TRACES}
        ${OTHER_SDK.replace('const { trace, context }', 'const api')
          .replaceAll('trace.set', 'api.trace.set')
          .replaceAll('context.set', 'api.context.set')}
      `,
    });
    const { code, stdout, stderr } = await run([
      ...['--require', './logger.cjs', '--require', 'otlp-wasm/register'],
      'app.cjs',
    ]);
    expect([code, stdout]).toEqual([0, 'logger: hello\nfalse\ntrue true\n']);
    expect(stderr).toMatch(/^otlp-wasm: a second OpenTelemetry SDK .*\n$/);
    expect(count()).toBe(2);
  });
});
