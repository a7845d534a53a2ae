// npm run demo: two services, traced as applications are, under a few thousand real requests;
// then what arrived, what it weighed and what it cost. Ends with 1 when a span is missing.

import { parseArgs } from 'node:util';
import { startCollector } from 'otlp-wasm/collector';
import {
  counted,
  createLiveView,
  formatCount,
  painter,
  renderWaterfall,
  startProgress,
  wantsColor,
} from '../../dist/draw.js';
import { problemsOf, tracesOf } from './check.mjs';
import { addTelemetryCosts, costTable } from './costs.mjs';
import { killAll, startService } from './services.mjs';
import { sendRequests } from './traffic.mjs';

const HELP = `npm run demo -- [options]

Starts an OTLP collector and two HTTP services on free ports of this machine, sends requests,
and shows what was traced: one trace, and what all of them took. Ends with 0 when every span
has arrived, with 1 when one is missing.

Options
  --requests <n>    requests to send, 1 to 10000                (default 2000)
  --engine <name>   simd, scalar or portable                    (default the fastest that works)
  --reject <n>      let the collector reject n spans, to see that it shows
  --keep            leave the collector running, and show what else it receives
  --help            show this
`;

const ENGINES = ['simd', 'scalar', 'portable'];
const MAX_REQUESTS = 10_000;
/** What surely is in one export. */
const MAX_REJECTED = 3;
const MAX_SPANS_PER_REQUEST = 9;
/** What the instrumentation of HTTP measures is kept, too. */
const MAX_DATA_POINTS = 100_000;
const PROBLEMS_SHOWN = 5;
const TICK_MS = 250;

const { stdout, stderr } = process;
const say = (text = '') => stdout.write(`${text}\n`);
const color = wantsColor(stdout, process.env);
const paint = painter(color);
const width = () => Math.min(stdout.columns ?? 110, 140);

/** What is wrong with the command line. */
class UsageError extends Error {}

function optionsOf(args) {
  const options = {
    requests: { type: 'string', default: '2000' },
    engine: { type: 'string' },
    reject: { type: 'string', default: '0' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  };
  let values;
  try {
    ({ values } = parseArgs({ args, options, strict: true }));
  } catch (error) {
    // Only the first sentence of node's message is about what was typed.
    throw new UsageError(error.message.split('. ')[0]);
  }
  const { engine } = values;
  if (engine !== undefined && !ENGINES.includes(engine)) {
    throw new UsageError(`--engine must be one of ${ENGINES.join(', ')}; got "${engine}"`);
  }
  const requests = numberOf('--requests', values.requests, { min: 1, max: MAX_REQUESTS });
  const reject = numberOf('--reject', values.reject, { min: 0, max: MAX_REJECTED });
  return { ...values, requests, reject };
}

function numberOf(flag, text, { min, max }) {
  if (/^\d+$/.test(text) && Number(text) >= min && Number(text) <= max) return Number(text);
  throw new UsageError(`${flag} must be a number from ${min} to ${max}, got "${text}"`);
}

/** Resolves with the exit code. */
async function main({ requests, engine, reject, keep }) {
  let showKept;
  const collector = await startCollector({
    port: 0,
    maxSpans: requests * MAX_SPANS_PER_REQUEST + MAX_DATA_POINTS,
    maxBytes: Number.POSITIVE_INFINITY,
    onRequest: (request, received) => showKept?.(request, received),
  });
  if (reject > 0) await collector.fault({ kind: 'partial', rejected: reject, times: 1 });
  const target = { collector: collector.url, engine };
  const inventory = await startService('inventory', target);
  const env = { DEMO_INVENTORY: inventory.url };
  const gateway = await startService('gateway', { ...target, env });
  say(`collector  ${collector.url}`);
  for (const { name, url, pid } of [gateway, inventory]) {
    say(`${name.padEnd(9)}  ${url}  ${paint('dim', `process ${pid}`)}`);
  }
  say();

  const answers = await drive(gateway, requests);
  const services = [];
  // The caller first: as long as it lives, the inventory may be asked.
  for (const service of [gateway, inventory]) {
    services.push({ name: service.name, ...(await service.stop()) });
  }

  const spans = collector.traces();
  say(`\n${renderWaterfall(telling(spans), { width: width(), color })}\n`);
  await addTelemetryCosts(services, spans, engine);
  say(costTable(services, spans, { color, paint }));
  say();
  const complete = conclude(problemsOf(answers, services, spans), services, answers);
  if (keep) await keepCollector(collector, (show) => (showKept = show));
  await collector.close();
  return complete ? 0 : 1;
}

async function drive(gateway, requests) {
  const progress = startProgress(stdout, { label: 'requests', total: requests, color });
  const startedAt = performance.now();
  const rate = (done) =>
    `${formatCount((done / Math.max(1, performance.now() - startedAt)) * 1000)}/s`;
  const answers = await sendRequests(gateway.url, requests, (done) => {
    progress.update(done, rate(done));
  });
  progress.end(rate(requests));
  return answers;
}

/** The trace to show: with an error, if there is any; the quickest, which has waited least. */
function telling(spans) {
  const traces = [...tracesOf(spans).values()];
  const failed = traces.filter((trace) => trace.some(({ status }) => status.code === 2));
  const candidates = (failed.length > 0 ? failed : traces).map((trace) => ({
    trace,
    nanos: nanosOf(trace.find(({ parentSpanId }) => parentSpanId === '') ?? trace[0]),
  }));
  candidates.sort((a, b) => a.nanos - b.nanos);
  return candidates[0]?.trace ?? [];
}

function nanosOf({ startTimeUnixNano, endTimeUnixNano }) {
  return Number(endTimeUnixNano - startTimeUnixNano);
}

function conclude(problems, services, answers) {
  if (problems.length === 0) {
    const spans = services.reduce((sum, { health }) => sum + health.signals.traces.sent, 0);
    const failed = answers.filter(({ status }) => status !== 200).length;
    say(
      `${paint('green', 'complete')}: ${counted(spans, 'span')} of ${counted(answers.length, 'trace')} ` +
        `recorded, sent and received, every parent among them (${formatCount(failed)} with an error).`,
    );
    return true;
  }
  stderr.write(`${counted(problems.length, 'problem')}:\n`);
  for (const problem of problems.slice(0, PROBLEMS_SHOWN)) stderr.write(`  ${problem}\n`);
  if (problems.length > PROBLEMS_SHOWN) {
    stderr.write(`  … and ${problems.length - PROBLEMS_SHOWN} more\n`);
  }
  for (const { name, health } of services) {
    const [{ lastError }] = health.endpoints;
    if (lastError !== undefined) stderr.write(`  ${name}, last error: ${lastError}\n`);
  }
  return false;
}

/** Shows what the collector receives until Ctrl-C. */
async function keepCollector(collector, onRequest) {
  collector.clear();
  say(`\nlistening on ${collector.url}  (Ctrl-C ends)`);
  say(`send to it: OTEL_EXPORTER_OTLP_ENDPOINT=${collector.url} node your-service.js\n`);
  const view = createLiveView({
    ...{ width, color, now: () => performance.now() },
    write: (text) => stdout.write(text),
  });
  onRequest((request, received) => view.request(request, received));
  const ticking = setInterval(() => view.tick(), TICK_MS);
  await new Promise((resolve) => (interrupt = resolve));
  clearInterval(ticking);
  view.end();
}

/** What Ctrl-C does. */
let interrupt = () => {
  killAll();
  process.exit(130);
};
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => interrupt());

// Whoever reads may stop reading (`| head`): then there is nobody left to show it to.
stdout.on('error', () => {
  killAll();
  process.exit(1);
});

try {
  const options = optionsOf(process.argv.slice(2));
  if (options.help) stdout.write(HELP);
  else process.exitCode = await main(options);
} catch (error) {
  killAll();
  const usage = error instanceof UsageError;
  stderr.write(`demo: ${error.message}${usage ? '; see npm run demo -- --help' : ''}\n`);
  // What is left of a run that broke off would keep the process alive.
  process.exit(usage ? 2 : 1);
}
