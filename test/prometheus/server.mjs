// Prometheus as a process: configured, started, waited for, asked, stopped.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const READY_MS = 60_000;
const STOP_MS = 15_000;
/** Somebody else may take a port between asking for it and using it. */
const TRIES = 3;

/** @returns what a program says of itself; undefined when it is not there. */
export function about(program) {
  const { status, stdout, stderr } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  return status === 0 ? `${stdout}${stderr}`.trim().split('\n')[0] : undefined;
}

/** What `promtool check metrics` has to complain about; empty when nothing. */
export function promtoolComplaints(text) {
  const { status, stdout, stderr, error } = spawnSync('promtool', ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  });
  return status === 0 ? '' : `promtool: status ${status} ${error ?? ''}\n${stdout}${stderr}`;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * Starts Prometheus on loopback, with a database of its own that is gone when it stops.
 *
 * @param targets authorities by the name of their job.
 */
export async function startPrometheus(targets) {
  const folder = mkdtempSync(join(tmpdir(), 'otlp-wasm-prometheus-'));
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  process.once('exit', remove);
  const config = {
    global: { scrape_interval: '2s', scrape_timeout: '2s' },
    scrape_configs: Object.entries(targets).map(([job_name, authority]) => ({
      job_name,
      static_configs: [{ targets: [authority] }],
    })),
  };
  const file = join(folder, 'prometheus.yml');
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(config));
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const running = run(folder, file, port);
    const ready = await becomesReady(running, `http://127.0.0.1:${port}`);
    if (ready === true) {
      const stop = async () => {
        await running.stop();
        remove();
      };
      return { ...asks(`http://127.0.0.1:${port}`), said: running.said, stop };
    }
    await running.stop();
    if (!/address already in use/.test(running.said()) || attempt === TRIES) {
      throw new Error(`prometheus: ${ready}; it wrote\n${running.said()}`);
    }
  }
}

function run(folder, file, port) {
  const child = spawn(
    'prometheus',
    [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--enable-feature=exemplar-storage',
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
  }
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  let why = '';
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(`ended with ${signal ?? `status ${code}`}`));
  }).then((how) => {
    why = how;
    process.off('exit', kill);
  });
  return {
    said: () => said,
    why: () => why,
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(kill, STOP_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** True, or why not. */
async function becomesReady({ why }, url) {
  for (const until = Date.now() + READY_MS; Date.now() < until; await sleep(100)) {
    if (why() !== '') return why();
    const answer = await fetch(`${url}/-/ready`).catch(() => undefined);
    if (answer?.ok) return true;
  }
  return `not ready within ${READY_MS / 1000} s`;
}

/** Its HTTP API. */
function asks(url) {
  async function ask(path, parameters) {
    const answer = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const { status, data, error } = await answer.json();
    if (status !== 'success') throw new Error(`${path}: ${error}`);
    return data;
  }
  const query = async (expression) =>
    (await ask('query', { query: expression })).result.map(({ metric, value }) => ({
      metric,
      value: Number(value[1]),
      text: value[1],
    }));
  return {
    /** Series of a PromQL expression at this moment: [{ metric, value }]. */
    query,
    exemplars: (expression) =>
      ask('query_exemplars', {
        query: expression,
        start: String(Date.now() / 1000 - 3600),
        end: String(Date.now() / 1000 + 60),
      }),
    metadataOf: async (job, metric) =>
      (await ask('targets/metadata', { match_target: `{job="${job}"}`, metric })).map(
        ({ type, help, unit }) => ({ type, help, unit }),
      ),
    targets: async () => (await ask('targets')).activeTargets,
    /** Asks until an answer will do, and gives the last. */
    async until(expression, isEnough) {
      for (const end = Date.now() + READY_MS; ; await sleep(200)) {
        const series = await query(expression);
        if (isEnough(series) || Date.now() > end) return series;
      }
    },
  };
}
