import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Collector, startCollector } from '../../src/workbench/collector/collector.ts';
import { answered, bareGrpcServer } from '../support/grpc-server.ts';
import { decodeOfficially, spansOf } from '../support/trace-model.ts';
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

const FLAGS = [
  ['--import', 'otlp-wasm/register'],
  ['--require', 'otlp-wasm/register'],
] as const;
const PRELOAD = FLAGS[1];

const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  app.node(args, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...env });

const names = () =>
  collector
    .traces()
    .map(({ name }) => name)
    .sort();

const lines = (stderr: string) => stderr.split('\n').filter((line) => line !== '');

const QUIET = { code: 0, stderr: '' };

describe('a program that traces by its own copy of the API', () => {
  it.each([
    ['1.9', API_1_9],
    ['1.10', API_1_10],
  ])('of %s has its spans delivered, with their parents', async (_version, folder) => {
    app.install('@opentelemetry/api', folder);
    app.write({ 'app.cjs': TRACES });
    const ended = await run([...PRELOAD, 'app.cjs'], { OTEL_SERVICE_NAME: 'checkout' });
    expect(ended).toMatchObject({ ...QUIET, stdout: 'true true\n' });
    const spans = collector.traces();
    expect(names()).toEqual(['part', 'work']);
    const [work, part] = ['work', 'part'].map((name) => spans.find((span) => span.name === name)!);
    expect(part!.parentSpanId).toBe(work!.spanId);
    expect(work!.resource.attributes).toMatchObject({ 'service.name': 'checkout' });
  });

  it.each([
    ['1.9', API_1_9],
    ['1.10', API_1_10],
  ])(
    'of %s may register what it has of its own: a logger, and metrics where ours are none',
    async (_version, folder) => {
      app.install('@opentelemetry/api', folder);
      app.write({
        'app.cjs': `
        const { diag, metrics, DiagLogLevel } = require('@opentelemetry/api');
        const said = [];
        const say = (line) => said.push(line);
        const logger = { error: say, warn: say, info: say, debug: say, verbose: say };
        console.log(diag.setLogger(logger, DiagLogLevel.ALL));
        diag.info('hello');
        const meters = { getMeter: () => ({}) };
        console.log(metrics.setGlobalMeterProvider(meters), metrics.getMeterProvider() === meters);
        console.log(said.includes('hello'));
      `,
      });
      // Where metrics are exported, ours are the ones.
      const first = await run([...PRELOAD, 'app.cjs']);
      expect(first).toMatchObject({ ...QUIET, stdout: 'true\nfalse false\ntrue\n' });
      const ended = await run([...PRELOAD, 'app.cjs'], { OTEL_METRICS_EXPORTER: 'none' });
      expect(ended).toMatchObject({ ...QUIET, stdout: 'true\ntrue true\ntrue\n' });
    },
  );

  it('sees the globals when its copy is later than ours', async () => {
    // A copy that says so: its code is that of 1.10, which compares the same way.
    app.write({
      'node_modules/@opentelemetry/api/package.json': {
        name: '@opentelemetry/api',
        version: '1.42.3',
        main: 'index.cjs',
      },
      'node_modules/@opentelemetry/api/index.cjs': '',
      'app.cjs': `
        require('@opentelemetry/api');
        console.log(globalThis[Symbol.for('opentelemetry.js.api.1')].version);
      `,
    });
    expect(await run([...PRELOAD, 'app.cjs'])).toMatchObject({ ...QUIET, stdout: '1.42.3\n' });
  });
});

describe.each(FLAGS)('%s', (...flag) => {
  it('runs a program without OpenTelemetry, and says nothing', async () => {
    app.write({ 'app.mjs': `console.log('esm')`, 'app.cjs': `console.log('cjs')` });
    expect(await run([...flag, 'app.mjs'])).toMatchObject({ ...QUIET, stdout: 'esm\n' });
    expect(await run([...flag, 'app.cjs'])).toMatchObject({ ...QUIET, stdout: 'cjs\n' });
    expect(collector.stats().requests).toBe(0);
  });

  it('runs code from the command line', async () => {
    app.install('@opentelemetry/api', API_1_9);
    const ended = await run([...flag, '-e', TRACES]);
    expect(ended).toMatchObject({ ...QUIET, stdout: 'true true\n' });
    expect(names()).toEqual(['part', 'work']);
    expect(await run([...flag, '-p', '1 + 1', 'argument'])).toMatchObject({ stdout: '2\n' });
    expect(await run([...flag, '-i'])).toMatchObject({ code: 0 });
  });

  it('keeps the exit code of the program', async () => {
    app.write({ 'app.cjs': 'process.exitCode = 7' });
    expect(await run([...flag, 'app.cjs'])).toMatchObject({ code: 7, stderr: '' });
  });

  it('serves worker threads with a telemetry each', async () => {
    app.install('@opentelemetry/api');
    app.write({
      'app.mjs': `
        import { isMainThread, Worker } from 'node:worker_threads';
        import { trace } from '@opentelemetry/api';
        trace.getTracer('app').startSpan(isMainThread ? 'main' : 'worker').end();
        if (isMainThread) {
          const worker = new Worker(new URL(import.meta.url));
          worker.on('exit', (code) => console.log('worker', code));
        }
      `,
    });
    const ended = await run(['app.mjs'], { NODE_OPTIONS: flag.join(' ') });
    expect(ended).toMatchObject({ ...QUIET, stdout: 'worker 0\n' });
    expect(names()).toEqual(['main', 'worker']);
  });
});

describe('instrumentations', () => {
  /** A class as duck-typing sees it, with a line for what happens to it. */
  const instrumentation = (name: string, inside = '') => `
    exports.${name.replace(/\W/g, '')}Instrumentation = class {
      instrumentationName = '${name}';
      constructor(config) { ${inside} console.log('${name}', JSON.stringify(config)); }
      init() {} enable() {} disable() {}
      setTracerProvider(provider) { provider.getTracer('${name}').startSpan('${name}').end(); }
    };
    exports.helper = () => {};
    exports.Base = class { enable() {} disable() {} setTracerProvider() {} };
  `;
  const fake = (name: string, source: string, more: object = {}) => ({
    [`node_modules/${name}/package.json`]: { name, version: '1.0.0', main: 'index.js', ...more },
    [`node_modules/${name}/index.js`]: source,
  });
  const HTTP = '@opentelemetry/instrumentation-http';

  const HTTP_APP = `
    const server = http.createServer((_request, response) => response.end('ok'));
    server.listen(0, '127.0.0.1', () => {
      http.get({ port: server.address().port }, (response) => {
        response.resume().on('end', () => server.close());
      });
    });
  `;

  it.each([
    ['app.cjs', `const http = require('node:http');${HTTP_APP}`],
    ['app.mjs', `import http from 'node:http';${HTTP_APP}`],
    [
      'app.mjs',
      `import { createServer, get } from 'node:http';
                 const http = { createServer, get };${HTTP_APP}`,
    ],
  ])('that package.json lists instrument %s, ES modules by the hook', async (file, source) => {
    for (const name of ['api', 'instrumentation', 'instrumentation-http']) {
      app.install(`@opentelemetry/${name}`);
    }
    app.write({
      'package.json': { name: 'app', devDependencies: { [HTTP]: '*' } },
      [file]: source,
    });
    for (const flag of FLAGS) {
      collector.clear();
      const ended = await run([...flag, file], { OTEL_LOG_LEVEL: 'info' });
      expect(ended.code).toBe(0);
      expect(lines(ended.stderr)).toEqual([
        expect.stringMatching(/^otlp-wasm .*, instrumentations: http$/),
      ]);
      const spans = collector.traces();
      expect(spans.map(({ scope }) => scope.name)).toEqual([HTTP, HTTP]);
      expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
    }
  });

  it('are all of auto-instrumentations-node, and those listed that it does not bring', async () => {
    const listed = {
      'opentelemetry-instrumentation-a': '1',
      'opentelemetry-instrumentation-b': '1',
    };
    app.write({
      'package.json': { name: 'app', dependencies: listed },
      ...fake('opentelemetry-instrumentation-a', instrumentation('a')),
      ...fake('opentelemetry-instrumentation-b', instrumentation('b')),
      ...fake(
        '@opentelemetry/auto-instrumentations-node',
        `${instrumentation('many')}
        exports.getNodeAutoInstrumentations = () => [new exports.manyInstrumentation()];`,
        { dependencies: { 'opentelemetry-instrumentation-a': '1' } },
      ),
      'app.cjs': '',
    });
    const ended = await run([...PRELOAD, 'app.cjs']);
    expect(ended).toMatchObject({ ...QUIET, stdout: 'many undefined\nb undefined\n' });
    expect(names()).toEqual(['b', 'many']);
  });

  it('are found from the current directory when a tool runs the application', async () => {
    app.write({
      'package.json': { name: 'app', dependencies: { 'opentelemetry-instrumentation-a': '1' } },
      ...fake('opentelemetry-instrumentation-a', instrumentation('a')),
      'node_modules/tool/package.json': { name: 'tool' },
      'node_modules/tool/bin.js': '',
      'dist/package.json': { type: 'commonjs' },
      'dist/app.js': '',
    });
    const ran = { ...QUIET, stdout: 'a undefined\n' };
    expect(await run([...PRELOAD, 'node_modules/tool/bin.js'])).toMatchObject(ran);
    expect(await run([...PRELOAD, 'dist/app.js'])).toMatchObject(ran);
  });

  it('are found beside a package that is run as a folder', async () => {
    app.write({
      'service/package.json': {
        name: 'service',
        main: 'main.js',
        dependencies: { 'opentelemetry-instrumentation-a': '1' },
      },
      'service/main.js': '',
      ...fake('opentelemetry-instrumentation-a', instrumentation('a')),
    });
    expect(await run([...PRELOAD, 'service'])).toMatchObject({ ...QUIET, stdout: 'a undefined\n' });
  });

  it('that are not hoisted bring the hook and the copy of the API they load themselves', async () => {
    const AUTO = '@opentelemetry/auto-instrumentations-node';
    const inside = `node_modules/${AUTO}/node_modules/@opentelemetry`;
    app.install('@opentelemetry/api', API_1_9);
    app.install(`${AUTO}/node_modules/@opentelemetry/api`, API_1_10);
    app.write({
      ...fake(
        AUTO,
        `const { trace } = require('@opentelemetry/api');
        exports.getNodeAutoInstrumentations = () => {
          trace.getTracer('auto').startSpan('by 1.10').end();
          return [];
        };`,
      ),
      [`${inside}/instrumentation/package.json`]: { name: '@opentelemetry/instrumentation' },
      [`${inside}/instrumentation/hook.mjs`]: `
        import { writeSync } from 'node:fs';
        export const initialize = () => void writeSync(1, 'hooked\\n');
      `,
      'app.cjs': `
        require('@opentelemetry/api').trace.getTracer('app').startSpan('by 1.9').end();
      `,
    });
    const ended = await run([...PRELOAD, 'app.cjs'], { OTEL_LOG_LEVEL: 'none' });
    expect(ended).toMatchObject({ ...QUIET, stdout: 'hooked\n' });
    expect(names()).toEqual(['by 1.10', 'by 1.9']);
  });

  it('are chosen by the variables of upstream', async () => {
    const packages = ['a', 'b', 'c'].map((name) => `@opentelemetry/instrumentation-${name}`);
    app.write({
      'package.json': {
        name: 'app',
        dependencies: Object.fromEntries(packages.map((name) => [name, '1'])),
      },
      'app.cjs': '',
    });
    for (const name of packages) app.write(fake(name, instrumentation(name)));
    const loaded = async (env: NodeJS.ProcessEnv) => {
      const { stdout, stderr } = await run([...PRELOAD, 'app.cjs'], env);
      expect(stderr).toBe('');
      return [...stdout.matchAll(/instrumentation-(\w+)/g)].map(([, name]) => name);
    };
    expect(await loaded({})).toEqual(['a', 'b', 'c']);
    expect(await loaded({ OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'a, c' })).toEqual(['a', 'c']);
    expect(await loaded({ OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'a,c' })).toEqual(['b']);
    expect(
      await loaded({
        OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'a,b',
        OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'b',
      }),
    ).toEqual(['a']);
  });

  it("of Fastify's makers watch for instances by themselves", async () => {
    app.write({
      'package.json': { name: 'app', dependencies: { '@fastify/otel': '1' } },
      ...fake('@fastify/otel', instrumentation('@fastify/otel')),
      'app.cjs': '',
    });
    expect(await run([...PRELOAD, 'app.cjs'])).toMatchObject({
      ...QUIET,
      stdout: '@fastify/otel {"registerOnInitialization":true}\n',
    });
  });

  it('that fail are reported and left out, the others go on', async () => {
    app.write({
      'package.json': {
        name: 'app',
        dependencies: {
          '@opentelemetry/instrumentation-throws': '1',
          '@opentelemetry/instrumentation-broken': '1',
          '@opentelemetry/instrumentation-awaits': '1',
          '@opentelemetry/instrumentation-empty': '1',
        },
        optionalDependencies: { 'opentelemetry-instrumentation-works': '1' },
      },
      ...fake(
        '@opentelemetry/instrumentation-throws',
        instrumentation('throws', `throw new Error('no window\\nhere');`),
      ),
      ...fake('@opentelemetry/instrumentation-broken', 'this is not JavaScript'),
      ...fake('@opentelemetry/instrumentation-awaits', 'await 1; export const a = 1;', {
        type: 'module',
      }),
      ...fake('@opentelemetry/instrumentation-empty', 'exports.types = {};'),
      ...fake('opentelemetry-instrumentation-works', instrumentation('works')),
      'app.cjs': `console.log('runs')`,
    });
    const { code, stdout, stderr } = await run([...PRELOAD, 'app.cjs'], {
      NODE_NO_WARNINGS: '1',
      OTEL_LOG_LEVEL: 'info',
    });
    expect([code, stdout]).toEqual([0, 'works undefined\nruns\n']);
    const [throws, broken, awaits, empty, ready, ...rest] = lines(stderr);
    expect(throws).toBe(
      'otlp-wasm: the instrumentation @opentelemetry/instrumentation-throws is left out: no window.',
    );
    expect(broken).toContain('instrumentation-broken is left out: ');
    expect(awaits).toContain('instrumentation-awaits is left out: ');
    expect(empty).toContain('@opentelemetry/instrumentation-empty exports no instrumentation');
    expect(ready).toMatch(/, instrumentations: works$/);
    expect(rest).toEqual([]);
  });

  it('go on for CommonJS when the hook for ES modules is broken', async () => {
    app.write({
      'package.json': { name: 'app', dependencies: { 'opentelemetry-instrumentation-a': '1' } },
      ...fake('opentelemetry-instrumentation-a', instrumentation('a')),
      'node_modules/@opentelemetry/instrumentation/package.json': {},
      'node_modules/@opentelemetry/instrumentation/hook.mjs': 'throw new Error("no thread");',
      'app.mjs': `console.log('runs');`,
    });
    const { code, stdout, stderr } = await run([...PRELOAD, 'app.mjs']);
    expect([code, stdout]).toEqual([0, 'a undefined\nruns\n']);
    expect(stderr).toBe('otlp-wasm: ES modules are not instrumented: no thread.\n');
  });

  it('that are ES modules are loaded where Node can, or reported', async () => {
    app.write({
      'package.json': { name: 'app', dependencies: { 'opentelemetry-instrumentation-esm': '1' } },
      ...fake(
        'opentelemetry-instrumentation-esm',
        instrumentation('esm').replaceAll(/exports\.(\w+) =/g, 'export const $1 ='),
        { type: 'module' },
      ),
      'app.cjs': `console.log('runs')`,
    });
    const env = { NODE_NO_WARNINGS: '1' };
    const flag = '--no-experimental-require-module';
    const without = await run([flag, ...PRELOAD, 'app.cjs'], env);
    expect(without).toMatchObject({ code: 0, stdout: 'runs\n' });
    expect(without.stderr).toMatch(
      /^otlp-wasm: the instrumentation opentelemetry-instrumentation-esm is left out: .*ES module.*\n$/,
    );
    if ((process.features as { require_module?: boolean }).require_module !== true) return;
    const withIt = await run([...PRELOAD, 'app.cjs'], env);
    expect(withIt).toMatchObject({ ...QUIET, stdout: 'esm undefined\nruns\n' });
  });

  it('are none when package.json cannot be read; the spans of the program go on', async () => {
    app.install('@opentelemetry/api');
    // Above a scope of its own: in the same, Node itself could not go on.
    app.write({
      'package.json': '{ "name": ',
      'build/package.json': { type: 'commonjs' },
      'build/app.js': TRACES,
    });
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    const { code, stderr } = await app.node([...PRELOAD, 'app.js'], env, join(app.path, 'build'));
    expect(code).toBe(0);
    expect(stderr).toMatch(/^otlp-wasm: .*package\.json cannot be read \(.*\); no instr.*\n$/);
    expect(names()).toEqual(['part', 'work']);
  });
});

describe('OTEL_EXPORTER_OTLP_PROTOCOL', () => {
  it('grpc: spans go over gRPC', async () => {
    const server = await bareGrpcServer([answered({ 'grpc-status': '0' })]);
    try {
      app.install('@opentelemetry/api');
      app.write({ 'app.cjs': TRACES });
      const ended = await run([...PRELOAD, 'app.cjs'], {
        OTEL_EXPORTER_OTLP_PROTOCOL: ' gRPC ',
        OTEL_EXPORTER_OTLP_ENDPOINT: server.url,
        OTEL_EXPORTER_OTLP_COMPRESSION: 'none',
      });
      expect(ended).toMatchObject(QUIET);
      const [call] = server.received;
      expect(call!.headers[':path']).toBe(
        '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
      );
      expect(spansOf(decodeOfficially(call!.bytes.subarray(5)))).not.toHaveLength(0);
      expect(collector.requests()).toEqual([]);
    } finally {
      await server.close();
    }
  });

  it('grpc, of traces alone: metadata, bearer and time limit of the variables go with the call', async () => {
    const server = await bareGrpcServer([answered({ 'grpc-status': '0' })]);
    try {
      app.install('@opentelemetry/api');
      app.write({ 'app.cjs': TRACES });
      const ended = await run([...PRELOAD, 'app.cjs'], {
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc',
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: new URL(server.url).host,
        OTEL_EXPORTER_OTLP_TRACES_INSECURE: 'true',
        OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20abc,x-tenant=blue',
        OTEL_EXPORTER_OTLP_TIMEOUT: '7000',
      });
      expect(ended).toMatchObject(QUIET);
      const [call] = server.received;
      expect(call!.headers).toMatchObject({
        authorization: 'Bearer abc',
        'x-tenant': 'blue',
        'grpc-timeout': expect.stringMatching(/^[67]\d{3}m$/),
      });
      expect(collector.requests()).toEqual([]);
    } finally {
      await server.close();
    }
  });

  it('grpc, with the console besides: spans go to both', async () => {
    const server = await bareGrpcServer([answered({ 'grpc-status': '0' })]);
    try {
      app.install('@opentelemetry/api');
      app.write({ 'app.cjs': TRACES });
      const { code, stdout, stderr } = await run([...PRELOAD, 'app.cjs'], {
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc',
        OTEL_EXPORTER_OTLP_ENDPOINT: server.url,
        OTEL_TRACES_EXPORTER: 'otlp,console',
      });
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(/^true true\n.*work/s);
      expect(spansOf(decodeOfficially(server.received[0]!.bytes.subarray(5)))).toHaveLength(2);
    } finally {
      await server.close();
    }
  });

  it('http/json: requests are JSON', async () => {
    app.install('@opentelemetry/api');
    app.write({ 'app.cjs': TRACES });
    const ended = await run([...PRELOAD, 'app.cjs'], { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' });
    expect(ended).toMatchObject(QUIET);
    expect(names()).toEqual(['part', 'work']);
    expect(collector.requests().map(({ path, contentType }) => [path, contentType])).toEqual([
      ['/v1/traces', 'application/json'],
    ]);
  });

  it('http/json, with the console besides: says that all get protobuf', async () => {
    app.install('@opentelemetry/api');
    app.write({ 'app.cjs': TRACES });
    const { code, stderr } = await run([...PRELOAD, 'app.cjs'], {
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_TRACES_EXPORTER: 'otlp,console',
    });
    expect(code).toBe(0);
    expect(stderr).toMatch(/^otlp-wasm: the protocol is http\/json, but .* protobuf\.$/m);
    expect(collector.requests().map(({ contentType }) => contentType)).toEqual([
      'application/x-protobuf',
    ]);
  });
});

describe('what it says', () => {
  const info = { OTEL_LOG_LEVEL: 'info' };

  it('is one line, without what is secret in the URL', async () => {
    const { stderr } = await run([...PRELOAD, '-e', '1'], {
      OTEL_LOG_LEVEL: 'INFO',
      OTEL_SERVICE_NAME: 'checkout',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://user:secret@127.0.0.1:4318/base?key=secret',
    });
    expect(stderr).toMatch(
      /^otlp-wasm \S+: tracing to http:\/\/127\.0\.0\.1:4318\/base\/v1\/traces \(engine simd\), service checkout, no instrumentations\n$/,
    );
    expect(stderr).not.toContain('secret');
  });

  it.each(['info', 'debug', 'verbose', 'all', ' Debug '])('is said at %j', async (level) => {
    const { stderr } = await run([...PRELOAD, '-e', '1'], { OTEL_LOG_LEVEL: level });
    expect(lines(stderr)).toEqual([expect.stringMatching(/^otlp-wasm \S+: tracing to /)]);
  });

  it.each(['none', 'error', 'warn', ''])('is not said at %j', async (level) => {
    expect(await run([...PRELOAD, '-e', '1'], { OTEL_LOG_LEVEL: level })).toMatchObject(QUIET);
  });

  it('names a protocol that it has not, and takes http/protobuf', async () => {
    const { stderr } = await run([...PRELOAD, '-e', '1'], {
      ...info,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/xml',
    });
    expect(lines(stderr)).toEqual([
      "otlp-wasm: OTEL_EXPORTER_OTLP_PROTOCOL is 'http/xml', not http/protobuf, http/json or grpc; http/protobuf is used.",
      expect.stringMatching(/: tracing to http:\/\/127\.0\.0\.1:\d+\/v1\/traces /),
    ]);
  });

  it('names a level that is not known, and takes info', async () => {
    const { stderr } = await run([...PRELOAD, '-e', '1'], { OTEL_LOG_LEVEL: 'loud' });
    expect(lines(stderr)).toEqual([
      'otlp-wasm: OTEL_LOG_LEVEL is "loud", not none, error, warn, info, debug, verbose, all; info is used.',
      expect.stringMatching(/^otlp-wasm \S+: tracing to /),
    ]);
  });

  it('says when nothing is exported, or nothing traced', async () => {
    const none = await run([...PRELOAD, '-e', '1'], { ...info, OTEL_TRACES_EXPORTER: 'none' });
    expect(none.stderr).toMatch(/: exporting nothing, OTEL_TRACES_EXPORTER is none/);
    app.install('@opentelemetry/api');
    const code = `
      console.log(globalThis[Symbol.for('opentelemetry.js.api.1')], process.listenerCount('exit'));
      console.log(require('@opentelemetry/api').trace.getTracer('app').startSpan('a').isRecording());
    `;
    const env = { OTEL_SDK_DISABLED: 'True' };
    const stdout = 'undefined 0\nfalse\n';
    expect(await run([...PRELOAD, '-e', code], env)).toMatchObject({ ...QUIET, stdout });
    const said = await run([...PRELOAD, '-e', code], { ...env, ...info });
    expect(said.stdout).toBe(stdout);
    expect(said.stderr).toMatch(/^otlp-wasm \S+: nothing is traced, OTEL_SDK_DISABLED is true\n$/);
  });

  it('includes what others log by the API, in a line each, from the level on', async () => {
    app.install('@opentelemetry/api', API_1_9);
    const code = `
      const { diag } = require('@opentelemetry/api');
      for (const level of ['error', 'warn', 'info', 'debug', 'verbose']) diag[level](level, { a: 1 });
      diag.error(new Error('long').stack);
    `;
    const at = async (level: string) =>
      lines((await run([...PRELOAD, '-e', code], { OTEL_LOG_LEVEL: level })).stderr).filter(
        (line) => line.startsWith('opentelemetry '),
      );
    expect(await at('none')).toEqual([]);
    expect(await at('warn')).toEqual([
      'opentelemetry error: error { a: 1 }',
      'opentelemetry warn: warn { a: 1 }',
      expect.stringMatching(/^opentelemetry error: Error: long at /),
    ]);
    expect(await at('all')).toHaveLength(6);
    expect(await run([...PRELOAD, '-e', code])).toMatchObject(QUIET);
  });
});

describe('what goes wrong', () => {
  const off = (reason: string) =>
    new RegExp(
      `^otlp-wasm: telemetry is off: .*${reason}.*\\. The application goes on without it\\.\\n$`,
    );

  it('variables that cannot be used are said, and their defaults taken', async () => {
    app.install('@opentelemetry/api');
    const { code, stderr } = await run([...PRELOAD, '-e', TRACES], {
      OTEL_EXPORTER_OTLP_TIMEOUT: 'soon',
      OTEL_TRACES_SAMPLER: 'sometimes',
    });
    expect(code).toBe(0);
    expect(lines(stderr)).toEqual([
      expect.stringContaining("OTEL_EXPORTER_OTLP_TIMEOUT is 'soon'"),
      expect.stringContaining('OTEL_TRACES_SAMPLER'),
    ]);
    expect(names()).toEqual(['part', 'work']);
  });

  it.each(['2.0.0', '0.9.1'])('an API of %s turns telemetry off', async (version) => {
    app.write({
      'node_modules/@opentelemetry/api/package.json': { name: '@opentelemetry/api', version },
      'node_modules/@opentelemetry/api/index.js': '',
      'app.cjs': `require('@opentelemetry/api'); console.log('runs'); process.exitCode = 3;`,
    });
    const { code, stdout, stderr } = await run([...PRELOAD, 'app.cjs']);
    expect([code, stdout]).toEqual([3, 'runs\n']);
    expect(stderr).toMatch(off(`@opentelemetry/api ${version}, .*; install @opentelemetry/api@1`));
  });

  it.each(['{', '{}', '[]'])('an API whose package.json is %s is said', async (manifest) => {
    app.write({
      'node_modules/@opentelemetry/api/package.json': manifest,
      'app.cjs': `console.log('runs');`,
    });
    const { code, stdout, stderr } = await run([...PRELOAD, 'app.cjs']);
    expect([code, stdout]).toEqual([0, 'runs\n']);
    expect(stderr).toMatch(/^otlp-wasm: .*package\.json cannot be used \(.*\); install .*\n$/);
  });

  it('an engine that cannot be had turns telemetry off', async () => {
    app.write({
      'no-engine.cjs': `
        WebAssembly.Module = WebAssembly.Instance = function () { throw new Error('forbidden'); };
        require('node:vm').compileFunction = () => { throw new Error('forbidden'); };
      `,
      'app.cjs': `console.log('runs'); process.exitCode = 3;`,
    });
    const { code, stdout, stderr } = await run([
      '--require',
      './no-engine.cjs',
      ...PRELOAD,
      'app.cjs',
    ]);
    expect([code, stdout]).toEqual([3, 'runs\n']);
    expect(stderr).toMatch(off('engine'));
  });

  it('a host without WebAssembly has the portable engine', async () => {
    app.install('@opentelemetry/api');
    const env = { OTEL_LOG_LEVEL: 'info' };
    const { code, stderr } = await run(['--jitless', ...PRELOAD, '-e', TRACES], env);
    expect(code).toBe(0);
    expect(stderr).toContain('(engine portable)');
    expect(names()).toEqual(['part', 'work']);
  });
});
