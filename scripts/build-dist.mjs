// src/ → dist/: one bundled file per entry and host, and the declarations.

import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { build, transform } from 'esbuild';

/** Users bring these; everything else is bundled. */
const PEERS = ['@opentelemetry/api'];

/** All that Jaeger's propagator takes from there is `isTracingSuppressed`, which is ours too. */
const ALIASES = { '@opentelemetry/core': './src/api/context/suppress-tracing.ts' };

/** Leaves the edge build's static `.wasm` imports as they are, beside the bundle. */
const staticWasm = {
  name: 'static-wasm',
  setup(setup) {
    setup.onResolve({ filter: /-simd\.wasm$/ }, ({ path }) => ({
      path: `./${path.slice(path.lastIndexOf('/') + 1).replace('-simd', '')}`,
      external: true,
    }));
  },
};

/**
 * On Node the portable engine goes in as packed text that is compiled when the engine is chosen. V8
 * reads through every function it is shown, which would be a sixth of the time it takes to compile
 * this entry, for an engine that few programs need. It cannot be a file of its own: it is needed at once, and the
 * program may be bundled again. (`node:vm`, because `--disallow-code-generation-from-strings`
 * forbids `Function`.)
 */
const portableAsText = {
  name: 'portable-as-text',
  setup(setup) {
    setup.onLoad({ filter: /(core|codecs|hashes|metrics)-portable\.js$/ }, async ({ path }) => {
      const { code } = await transform(readFileSync(path, 'utf8'), {
        ...{ minifyWhitespace: true, minifySyntax: true, target: 'es2022' },
      });
      const end = /export\s*\{\s*([\w$]+) as instantiate\s*\};?\s*$/;
      if (!end.test(code)) throw new Error(`${path}: unexpected end`);
      const packed = brotliCompressSync(`'use strict';${code.replace(end, 'return $1')}`);
      return {
        resolveDir: setup.initialOptions.absWorkingDir,
        contents: `
          import { builtin } from './src/runtime/node/builtin.ts';
          export const instantiate = (imports) => {
            const packed = Buffer.from('${packed.toString('base64')}', 'base64');
            const text = String(builtin('node:zlib').brotliDecompressSync(packed));
            return builtin('node:vm').compileFunction(text)()(imports);
          };`,
      };
    });
  },
};

/** Node's and Deno's entries find the entry `otlp-wasm/resources` beside them when they ask for it. */
const resourcesApart = {
  name: 'resources-apart',
  setup(setup) {
    setup.onResolve({ filter: /\/resources\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './resources.js', external: true } : undefined,
    );
  },
};

/** pino's transport finds the entry `otlp-wasm` beside it: two copies of all that would be loaded. */
const startApart = {
  name: 'start-apart',
  setup(setup) {
    setup.onResolve({ filter: /^\.\/index\.ts$/ }, ({ importer }) =>
      importer.endsWith('pino-transport.ts') ? { path: './node.js', external: true } : undefined,
    );
  },
};

/** What hosts load only when it is asked for: bundles of their own, by source file. */
const LOADED_LATE = {
  'console.ts': 'exporter-console',
  'fan-out.ts': 'exporter-fan-out',
  'file-transport.ts': 'exporter-file',
  'grpc-calls.ts': 'collector-grpc',
  'proxy.ts': 'node-proxy',
  'stdout-transport.ts': 'deno-stdout',
  'prometheus.ts': 'prometheus-node',
  'grpc-transport.ts': 'node-grpc',
  'json-format.ts': 'json-format',
  'node-grpc.js': 'node-grpc',
  'inflaters.ts': 'inflaters',
  'node-compressor.ts': 'node-compressor',
  'node-slow-path.ts': 'node-slow-path',
  'web-compressor.ts': 'web-compressor',
  'edge-compressor.ts': 'edge-compressor',
  'web-slow-path.ts': 'web-slow-path',
};

/**
 * Leaves those imports to be done at run time. As chunks they would share code with the host's
 * entry, which would then be two files to load for every program.
 */
const loadedLate = {
  name: 'loaded-late',
  setup(setup) {
    setup.onResolve({ filter: /\.[tj]s$/ }, ({ path, kind }) => {
      const out = LOADED_LATE[path.slice(path.lastIndexOf('/') + 1)];
      if (kind !== 'dynamic-import' || out === undefined) return undefined;
      return { path: `./${out}.js`, external: true };
    });
  },
};

/** The exporter for gRPC on Deno is Node's, but for what it may read. */
const hostOfDeno = {
  name: 'host-of-deno',
  setup(setup) {
    setup.onResolve({ filter: /^\.\/exporter-host\.ts$/ }, ({ importer }) => {
      if (!importer.endsWith('exporter-grpc.ts')) return undefined;
      const { absWorkingDir } = setup.initialOptions;
      return { path: join(absWorkingDir, 'src/runtime/deno/exporter-grpc-host.js') };
    });
  },
};

/**
 * On the edge a module of the host is imported by a name that bundlers must not look for. The
 * comments that tell webpack and Vite so do not survive esbuild.
 */
const importByName = {
  name: 'import-by-name',
  setup(setup) {
    setup.onEnd(() => {
      const path = join(setup.initialOptions.outdir, 'workerd.js');
      const text = readFileSync(path, 'utf8');
      const marked = text.replace(
        'import(name)',
        'import(/*webpackIgnore:true*//*@vite-ignore*/name)',
      );
      if (marked === text) throw new Error('import(name) is not in workerd.js any more');
      writeFileSync(path, marked);
    });
  },
};

/**
 * Its copy of the API has the globals of `api-globals.ts`: in the API's own, a copy refuses whatever
 * a copy of another version has registered (docs/decisions/register.md).
 */
const ownApiGlobals = {
  name: 'own-api-globals',
  setup(setup) {
    let replaced = false;
    setup.onResolve({ filter: /\/global-utils(\.[cm]?js)?$/ }, ({ importer }) => {
      if (!/@opentelemetry[/\\]api[/\\]/.test(importer)) return undefined;
      replaced = true;
      const { absWorkingDir } = setup.initialOptions;
      return { path: join(absWorkingDir, 'src/runtime/node/register/api-globals.ts') };
    });
    setup.onEnd(() => {
      if (!replaced) throw new Error('@opentelemetry/api has no global-utils any more');
    });
  },
};

/**
 * grpc-js loads .proto files for what the collector's server does not have (channelz, ORCA, xDS), with
 * a second protobufjs and a third of the bundle. They would not be found beside it either.
 */
const withoutProtoFiles = {
  name: 'without-proto-files',
  setup(setup) {
    setup.onLoad({ filter: /@grpc[/\\]proto-loader[/\\]build[/\\]src[/\\]index\.js$/ }, () => ({
      contents: `exports.loadSync = () => { throw new Error('.proto files are not bundled'); };`,
    }));
  },
};

const LIBRARY = [
  {
    out: 'node',
    entry: 'src/runtime/node/index.ts',
    platform: 'node',
    plugins: [portableAsText, resourcesApart],
  },
  { out: 'browser', entry: 'src/runtime/browser/index.ts', platform: 'browser' },
  {
    out: 'deno',
    entry: 'src/runtime/deno/index.ts',
    platform: 'neutral',
    plugins: [resourcesApart],
  },
  {
    out: 'workerd',
    entry: 'src/runtime/edge/index.ts',
    platform: 'neutral',
    plugins: [importByName],
  },
  ...['codec', 'compress', 'hash', 'exporter-proto', 'exporter-http'].flatMap((name) => [
    {
      out: `${name}-node`,
      entry: `src/runtime/node/${name}.ts`,
      platform: 'node',
      plugins: [portableAsText],
    },
    { out: `${name}-browser`, entry: `src/runtime/browser/${name}.ts`, platform: 'browser' },
    { out: `${name}-deno`, entry: `src/runtime/deno/${name}.ts`, platform: 'neutral' },
    { out: `${name}-workerd`, entry: `src/runtime/edge/${name}.ts`, platform: 'neutral' },
  ]),
  {
    out: 'exporter-grpc-node',
    entry: 'src/runtime/node/exporter-grpc.ts',
    platform: 'node',
    plugins: [portableAsText],
  },
  {
    // Deno has node:http2.
    out: 'exporter-grpc-deno',
    entry: 'src/runtime/node/exporter-grpc.ts',
    platform: 'node',
    plugins: [portableAsText, hostOfDeno],
  },
  { out: 'bridge-bunyan', entry: 'src/bridges/bunyan.ts', platform: 'neutral' },
  { out: 'bridge-console-node', entry: 'src/runtime/node/bridge-console.ts', platform: 'node' },
  { out: 'bridge-console-web', entry: 'src/runtime/web/bridge-console.ts', platform: 'neutral' },
  { out: 'bridge-pino', entry: 'src/bridges/pino.ts', platform: 'neutral' },
  {
    out: 'bridge-pino-transport',
    entry: 'src/runtime/node/pino-transport.ts',
    platform: 'node',
    plugins: [startApart],
  },
  { out: 'bridge-winston', entry: 'src/runtime/node/bridge-winston.ts', platform: 'node' },
  { out: 'exporter-grpc-none', entry: 'src/exporters/grpc.ts', platform: 'neutral' },
  { out: 'exporter-console', entry: 'src/exporters/console.ts', platform: 'neutral' },
  { out: 'exporter-fan-out', entry: 'src/exporters/fan-out.ts', platform: 'neutral' },
  { out: 'exporter-file', entry: 'src/exporters/file.ts', platform: 'node' },
  { out: 'deno-stdout', entry: 'src/runtime/deno/stdout-transport.ts', platform: 'neutral' },
  { out: 'json-format', entry: 'src/exporters/json-format.ts', platform: 'neutral' },
  // On Deno, too.
  { out: 'node-grpc', entry: 'src/runtime/node/grpc-transport.ts', platform: 'node' },
  { out: 'node-slow-path', entry: 'src/runtime/node/node-slow-path.ts', platform: 'node' },
  { out: 'inflaters', entry: 'src/compress/inflate/inflaters.ts', platform: 'neutral' },
  {
    out: 'node-compressor',
    entry: 'src/runtime/node/node-compressor.ts',
    platform: 'node',
    plugins: [portableAsText],
  },
  { out: 'web-compressor', entry: 'src/runtime/web/web-compressor.ts', platform: 'neutral' },
  { out: 'edge-compressor', entry: 'src/runtime/edge/edge-compressor.ts', platform: 'neutral' },
  { out: 'web-slow-path', entry: 'src/runtime/web/web-slow-path.ts', platform: 'neutral' },
  { out: 'node-proxy', entry: 'src/runtime/node/proxy.ts', platform: 'node' },
  { out: 'prometheus-node', entry: 'src/runtime/node/prometheus.ts', platform: 'node' },
  { out: 'prometheus-web', entry: 'src/runtime/web/prometheus.ts', platform: 'neutral' },
  { out: 'propagators', entry: 'src/propagators.ts', platform: 'neutral' },
  {
    out: 'rare-propagators',
    entry: 'src/runtime/node/rare-propagators.ts',
    platform: 'node',
    // Node's entry requires it, synchronously, when a variable names one of them. With its own copy
    // of the API, whose functions on contexts need no globals, it can stand anywhere.
    ...{ format: 'cjs', splitting: false, outExtension: { '.js': '.cjs' }, external: [] },
  },
  { out: 'redaction', entry: 'src/redaction.ts', platform: 'neutral' },
  {
    out: 'register',
    entry: 'src/runtime/node/register/index.ts',
    platform: 'node',
    plugins: [portableAsText, resourcesApart, ownApiGlobals],
    // For --require as for --import, and one file: the API's many take longer to load than
    // everything else here.
    ...{ format: 'cjs', splitting: false, outExtension: { '.js': '.cjs' }, external: [] },
    define: { 'import.meta.url': 'registerUrl' },
    banner: { js: "const registerUrl = require('node:url').pathToFileURL(__filename).href;" },
  },
  { out: 'resources', entry: 'src/resources.ts', platform: 'neutral' },
  { out: 'runtime-metrics-node', entry: 'src/runtime/node/runtime-metrics.ts', platform: 'node' },
  // Deno has Node's modules.
  { out: 'runtime-metrics-deno', entry: 'src/runtime/deno/runtime-metrics.js', platform: 'node' },
  { out: 'runtime-metrics-none', entry: 'src/runtime-metrics.ts', platform: 'neutral' },
  { out: 'metrics', entry: 'src/metrics.ts', platform: 'neutral' },
  { out: 'samplers', entry: 'src/samplers.ts', platform: 'neutral' },
];

const TOOLS = [
  { out: 'collector', entry: 'src/workbench/collector/index.ts' },
  {
    out: 'collector-grpc',
    entry: 'src/workbench/collector/grpc-calls.ts',
    plugins: [withoutProtoFiles],
    ...{ minifyWhitespace: true, lineLimit: 160 },
  },
  { out: 'cli', entry: 'src/workbench/cli/bin.ts' },
  // For examples/demo: no entry of the package, and not shipped.
  { out: 'draw', entry: 'src/workbench/cli/draw.ts' },
  { out: 'testing', entry: 'src/testing/index.ts' },
];

/** Name, version and licence text of every package that went into a bundle. */
function noticesOf(root, inputs) {
  const folders = [...inputs].flatMap(
    (input) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1] ?? [],
  );
  const notices = [...new Set(folders)].sort().map((folder) => {
    const { name, version, license } = JSON.parse(
      readFileSync(join(root, folder, 'package.json'), 'utf8'),
    );
    const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) throw new Error(`${name}, which is bundled, has no licence file`);
    const text = readFileSync(join(root, folder, file), 'utf8').trim();
    return `${name} ${version} (${license})\n\n${text}\n`;
  });
  const line = `\n${'-'.repeat(80)}\n\n`;
  return `Parts of these packages are bundled into files of this folder.\n${line}${notices.join(line)}`;
}

export async function buildDist(root) {
  const dist = join(root, 'dist');
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist, { recursive: true });
  const common = {
    absWorkingDir: root,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    legalComments: 'none',
    logLevel: 'warning',
    external: PEERS,
    alias: ALIASES,
    metafile: true,
  };
  const inputs = new Set();
  const bundle = async (options) => {
    const { metafile } = await build({ ...common, ...options });
    for (const input of Object.keys(metafile.inputs)) inputs.add(input);
  };
  for (const { out, entry, plugins = [], ...options } of LIBRARY) {
    await bundle({
      entryPoints: { [out]: entry },
      outdir: dist,
      // Whitespace and syntax only: names stay readable in users' stack traces.
      minifyWhitespace: true,
      minifySyntax: true,
      // Node shows the line an uncaught error comes from.
      lineLimit: 160,
      splitting: true,
      chunkNames: `${out}-[name]`,
      mainFields: ['module', 'main'],
      conditions: ['module', 'import'],
      plugins: [staticWasm, loadedLate, ...plugins],
      ...options,
    });
  }
  for (const { out, entry, plugins = [], ...options } of TOOLS) {
    if (!existsSync(join(root, entry))) continue;
    await bundle({
      entryPoints: { [out]: entry },
      outdir: dist,
      platform: 'node',
      plugins: [loadedLate, ...plugins],
      ...options,
      banner: {
        // Bundled CommonJS asks for `require`.
        js: "import { createRequire as otlpWasmRequire } from 'node:module';const require = otlpWasmRequire(import.meta.url);",
      },
    });
  }
  for (const binary of ['core', 'codecs', 'hashes', 'metrics']) {
    cpSync(join(root, `src/engine/generated/${binary}-simd.wasm`), join(dist, `${binary}.wasm`));
  }
  writeFileSync(join(dist, 'register.d.cts'), '// Loaded for what it does.\nexport {};\n');
  writeFileSync(join(dist, 'THIRD-PARTY-NOTICES.txt'), noticesOf(root, inputs));
  const require = createRequire(join(root, 'package.json'));
  const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.dist.json'], {
    cwd: root,
    stdio: 'inherit',
  });
}
