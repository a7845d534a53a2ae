// The applications of examples/apps, started with `otlp-wasm/register` and with upstream's NodeSDK:
// both get the same requests, and what arrived at the embedded collector has to be the same, field
// by field (../instrumentation/compare.mjs says which fields, resources.mjs which attributes of the
// resource). What was recorded has to arrive, too, when the application is stopped. And the drop-in
// exporters in upstream's SDKs, on Node and in a browser: exporters/checks.mjs.
//
//   npm run test:adoption                                 everything
//   npm run test:adoption -- --node 20,24 --only express
//   npm run test:adoption -- --only exporters
//   npm run test:adoption -- --show                       prints what was compared
//   node test/adoption/run.mjs --package some.tgz         a package that is packed already
//
// Node 20 runs upstream's SDK 2.x, Node 22 and 24 run 3.x. Packages are installed under this folder
// from the lockfiles; a Node.js that cannot be had is skipped and said to be, with CI=true it fails.

import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { describeSpans, difference } from '../instrumentation/compare.mjs';
import {
  browserChecks,
  createExporterProject,
  exporterChecks,
  typeCheck,
} from './exporters/checks.mjs';
import { createProject, install, NODES, nodeBinary, pack, Unavailable } from './projects.mjs';
import { resourceComplaints } from './resources.mjs';
import { observe, ofOrder } from './shop.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const preload = (name) => join(here, 'preload', name);

const { values } = parseArgs({
  options: {
    node: { type: 'string' },
    only: { type: 'string' },
    package: { type: 'string' },
    show: { type: 'boolean', default: false },
  },
});

/** How Node.js is told to load what comes first, and with which applications it works. */
const WAYS = [
  { flag: '--import', upstream: preload('upstream.mjs'), apps: /\.(mjs|cjs)$/ },
  { flag: '--require', upstream: preload('upstream.cjs'), apps: /\.cjs$/ },
];

/** What is installed next to an application, besides its own packages. */
const AUTO = ['@opentelemetry/auto-instrumentations-node'];
const SINGLES = {
  express: ['http', 'undici', 'express'].map((name) => `@opentelemetry/instrumentation-${name}`),
  // Fastify's makers have their own, which is for SDK 2.x.
  fastify: [
    '@opentelemetry/instrumentation-http',
    '@opentelemetry/instrumentation-undici',
    '@fastify/otel',
  ],
};
/** By Node.js: half of the combinations say as much as all. */
const WITH_SINGLES = { 20: ['express', 'fastify'], 24: ['express'] };

const APPS = ['http', 'express', 'fastify'].flatMap((name) => [`${name}.mjs`, `${name}.cjs`]);

const OURS = 'otlp-wasm/register';

const strict = process.env.CI === 'true';
const totals = { passed: 0, failed: 0, skipped: 0 };
const skippedBecause = [];

function note(verdict, name, detail = '') {
  totals[verdict]++;
  console.log(`  ${verdict.padEnd(7)} ${name}`);
  if (detail !== '') console.log(detail.replace(/^/gm, '          '));
}

function unavailable(name, reason) {
  note(strict ? 'failed' : 'skipped', name, `not available here: ${reason}`);
  skippedBecause.push(`NOT TESTED ${name}: ${reason}`);
}

/**
 * What OTEL_EXPORTER_OTLP_PROTOCOL may say besides http/protobuf, which is what both SDKs send by
 * themselves, and the content type of what it means.
 */
const PROTOCOLS = { grpc: 'application/grpc', 'http/json': 'application/json' };

/** By Node.js, the applications that are run with each. */
const WITH_PROTOCOLS = { 20: ['http.mjs'], 24: ['http.mjs'] };

/** The application once with each SDK, and what is wrong with what ours sent. */
async function check({ name, node, way, app, cwd, protocol }) {
  const seen = {};
  try {
    for (const [subject, what] of [
      ['upstream', way.upstream],
      ['ours', OURS],
    ]) {
      const grpcPort = protocol === 'grpc' ? 0 : false;
      const collector = await startCollector({ port: 0, grpcPort, keepBodies: true });
      const env = protocol && {
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.grpcUrl ?? collector.url,
      };
      try {
        seen[subject] = await observe({ node, flags: [way.flag, what], app, cwd, env }, collector);
      } finally {
        await collector.close();
      }
    }
    const wrong = complaints(seen, PROTOCOLS[protocol] ?? 'application/x-protobuf');
    const { spans, stopping } = seen.ours;
    const scopes = new Set(spans.map(({ scope }) => scope.name.replace(/^@opentelemetry\//, '')));
    const about = `${name}: ${spans.length + stopping.length} spans, ${[...scopes].sort().join(', ')}`;
    const shown = values.show ? describeSpans(spans) : [];
    note(wrong.length === 0 ? 'passed' : 'failed', about, [...shown, ...wrong].join('\n'));
  } catch (error) {
    note('failed', name, error.stack);
  }
}

/** What is wrong with ours, upstream being what it is compared with; empty when nothing. */
function complaints({ upstream, ours }, contentType) {
  const wrong = [
    ...upstream.wrong.map((line) => `upstream: ${line}`),
    ...ours.wrong.map((line) => `otlp-wasm: ${line}`),
  ];
  for (const [subject, { contentTypes }] of Object.entries({ upstream, 'otlp-wasm': ours })) {
    const others = contentTypes.filter((type) => type !== contentType);
    if (others.length > 0) wrong.push(`${subject}: sent ${others}, not ${contentType}`);
  }
  if (ours.spans.length === 0) wrong.push('otlp-wasm: no spans');
  else {
    const lines = difference(describeSpans(upstream.spans), describeSpans(ours.spans));
    if (lines.length > 0) wrong.push('- upstream, + otlp-wasm:', ...aroundChanges(lines));
  }
  wrong.push(...resourceComplaints(upstream.resources, ours.resources));

  // Upstream loses it. Ours has it, whole: as the one that came when nothing was being stopped.
  const [order, stopping] = [ofOrder(ours.spans), ours.stopping].map(describeSpans);
  const lost = difference(order, stopping);
  if (lost.length > 0) wrong.push('- order, + order under way when stopped:', ...lost);

  const said = ours.said.replace(/^(listening on http:.*|stopping)\n/gm, '');
  if (said !== '') wrong.push('otlp-wasm: said', said);
  if (wrong.length > 0 && upstream.said !== '') wrong.push('upstream: said', upstream.said);
  return wrong;
}

/** Lines that are the same are shown next to those that are not. */
function aroundChanges(lines) {
  const changed = (line) => line !== undefined && !line.startsWith('  ');
  return lines.filter((_line, i) => lines.slice(Math.max(0, i - 4), i + 5).some(changed));
}

/** As many at a time as there are processors. */
async function all(checks) {
  const left = [...checks];
  const worker = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await next();
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}

const temporary = mkdtempSync(join(tmpdir(), 'otlp-wasm-adoption-'));
process.on('exit', () => rmSync(temporary, { recursive: true, force: true, maxRetries: 3 }));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));

const tarball = values.package === undefined ? pack(temporary) : resolve(values.package);
const projects = new Map();

/** A project with these instrumentations, made when it is first asked for. */
function project(upstream, instrumentations) {
  const folder = join(temporary, upstream, String(instrumentations.map((name) => basename(name))));
  if (!projects.has(folder)) {
    install(`sdk-${upstream}`);
    projects.set(folder, createProject({ folder, upstream, tarball, instrumentations }));
  }
  return projects.get(folder);
}

/** As a check: a browser that cannot be had is no reason to stop. */
const inBrowser = (of) => async () => {
  try {
    install('.');
    await browserChecks(of, note);
  } catch (error) {
    const name = `the exporters in a browser with upstream's ${of.upstream}`;
    if (error.name === 'Unavailable') unavailable(name, error.message);
    else note('failed', name, error.stack);
  }
};

const chosenNodes = values.node?.split(',') ?? NODES.map(({ name }) => name);
const checks = [];
const exporterProjects = new Map();
for (const { name, upstream } of NODES.filter((node) => chosenNodes.includes(node.name))) {
  try {
    if (process.versions.node.split('.')[0] !== name) install('.');
    const node = nodeBinary(name);
    if ('exporters'.includes(values.only ?? '')) {
      if (!exporterProjects.has(upstream)) {
        install(`sdk-${upstream}`);
        const folder = join(temporary, `exporters-${upstream}`);
        exporterProjects.set(upstream, createExporterProject({ folder, upstream, tarball }));
        const line = { cwd: folder, upstream };
        checks.push(inBrowser(line), () => typeCheck(line, note));
      }
      const cwd = exporterProjects.get(upstream);
      const title = `Node ${name}, SDK ${upstream}`;
      checks.push(...exporterChecks({ cwd, upstream, node, title }, note));
    }
    for (const app of APPS.filter((app) => app.includes(values.only ?? ''))) {
      const singles = WITH_SINGLES[name]?.includes(app.split('.')[0]);
      for (const instrumentations of [AUTO, ...(singles ? [SINGLES[app.split('.')[0]]] : [])]) {
        const cwd = project(upstream, instrumentations);
        for (const way of WAYS.filter(({ apps }) => apps.test(app))) {
          const with_ = instrumentations === AUTO ? '' : ', single instrumentations';
          const title = `Node ${name}, SDK ${upstream}, ${way.flag} ${app}${with_}`;
          checks.push(() => check({ name: title, node, way, app, cwd }));
        }
      }
      if (!WITH_PROTOCOLS[name]?.includes(app)) continue;
      const cwd = project(upstream, AUTO);
      const [way] = WAYS;
      for (const protocol of Object.keys(PROTOCOLS)) {
        const title = `Node ${name}, SDK ${upstream}, ${way.flag} ${app}, ${protocol}`;
        checks.push(() => check({ name: title, node, way, app, cwd, protocol }));
      }
    }
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    unavailable(`Node ${name} with upstream's ${upstream}`, error.message);
  }
}

// Only what is in the tarball. Nothing to run: nothing was installed, and it has been said.
const [anyProject] = projects.values();
const { startCollector } =
  anyProject === undefined
    ? {}
    : await import(
        pathToFileURL(join(anyProject, 'node_modules/otlp-wasm/dist/collector.js')).href
      );
await all(checks);

if (skippedBecause.length > 0) console.log(`\n${skippedBecause.join('\n')}`);
const { passed, failed, skipped } = totals;
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
