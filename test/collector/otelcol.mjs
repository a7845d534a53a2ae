// The official OpenTelemetry Collector as a process: configured, started, waited for, stopped.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const READY_MS = 60_000;
const STOP_MS = 15_000;
/** Somebody else may take a port between asking for it and using it. */
const TRIES = 3;

/** @returns what the program says of itself; throws when it does not run. */
export function about(program) {
  const { status, stdout, stderr, error } = spawnSync(program, ['--version'], {
    encoding: 'utf8',
    timeout: READY_MS,
  });
  if (error !== undefined) throw new Error(`${program} does not run: ${error.message}`);
  if (status !== 0) throw new Error(`${program} --version: status ${status}\n${stderr}`);
  return stdout.trim().split('\n')[0];
}

/** The OTLP/HTTP exporter, which every distribution has, under the name that this one has for it. */
function forwarderOf(program) {
  const { stdout } = spawnSync(program, ['components'], { encoding: 'utf8', timeout: READY_MS });
  return /\botlp_http\b/.test(stdout ?? '') ? 'otlp_http' : 'otlphttp';
}

function configOf(ports, forwarder, endpoint) {
  const listen = (port) => ({ endpoint: `127.0.0.1:${port}` });
  return {
    receivers: { otlp: { protocols: { http: listen(ports.http), grpc: listen(ports.grpc) } } },
    exporters: {
      // Without a queue and retries of its own: what it accepts has been handed on.
      [forwarder]: {
        endpoint,
        sending_queue: { enabled: false },
        retry_on_failure: { enabled: false },
      },
    },
    service: {
      // Otherwise it serves its own metrics on a fixed port.
      telemetry: { metrics: { level: 'none' } },
      pipelines: { traces: { receivers: ['otlp'], exporters: [forwarder] } },
    },
  };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function listens(port) {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/**
 * Starts it with receivers on free ports, handing on to `endpoint` (OTLP/HTTP). `folder` takes its
 * configuration. @returns its base URLs, what it wrote, and how to stop it.
 */
export async function startOtelcol({ program, folder, endpoint }) {
  const forwarder = forwarderOf(program);
  for (let attempt = 1; ; attempt++) {
    const ports = { http: await freePort(), grpc: await freePort() };
    const file = join(folder, 'otelcol.yaml');
    // JSON is YAML.
    writeFileSync(file, JSON.stringify(configOf(ports, forwarder, endpoint), null, 2));
    const running = run(program, file);
    const ready = await becomesReady(running, ports);
    if (ready === true) {
      return {
        url: { http: `http://127.0.0.1:${ports.http}`, grpc: `http://127.0.0.1:${ports.grpc}` },
        said: running.said,
        stop: running.stop,
      };
    }
    await running.stop();
    const taken = /address already in use/i.test(running.said());
    if (!taken || attempt === TRIES) {
      throw new Error(`${program}: ${ready}; it wrote\n${running.said()}`);
    }
  }
}

function run(program, file) {
  let said = '';
  const child = spawn(program, ['--config', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
  }
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(`ended with ${signal ?? `status ${code}`}`));
  });
  // Not left behind when the suite is ended.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  return {
    ended,
    said: () => said,
    async stop() {
      child.kill('SIGTERM');
      const patience = new AbortController();
      sleep(STOP_MS, undefined, { signal: patience.signal }).then(kill, () => {});
      await ended;
      patience.abort();
      process.removeListener('exit', kill);
    },
  };
}

/** True, or why not. */
async function becomesReady({ ended }, ports) {
  let why = '';
  ended.then((how) => {
    why = how;
  });
  for (const until = Date.now() + READY_MS; Date.now() < until; await sleep(100)) {
    if ((await listens(ports.http)) && (await listens(ports.grpc))) return true;
    if (why !== '') return why;
  }
  return `not ready within ${READY_MS / 1000} s`;
}
