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

/** `settings`: of its receivers' protocols, and its processors in the order they work. */
function configOf({ ports, forwarder, endpoint }, { http, grpc, processors = {} }) {
  const listen = (port, more) => ({ endpoint: `127.0.0.1:${port}`, ...more });
  const protocols = { http: listen(ports.http, http), grpc: listen(ports.grpc, grpc) };
  return {
    receivers: { otlp: { protocols } },
    processors,
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
      pipelines: {
        traces: {
          receivers: ['otlp'],
          processors: Object.keys(processors),
          exporters: [forwarder],
        },
      },
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
 * configuration. @returns its base URLs, what it wrote, how to stop it (with SIGTERM, by which it
 * answers what it has, or another signal) and start it again at the same ports, and how to make it
 * stand still for a while.
 */
export async function startOtelcol({ program, folder, endpoint }, settings = {}) {
  const forwarder = forwarderOf(program);
  const file = join(folder, 'otelcol.yaml');
  let said = '';

  async function startAt(ports, changed) {
    // JSON is YAML.
    const config = configOf({ ports, forwarder, endpoint }, changed);
    writeFileSync(file, JSON.stringify(config, null, 2));
    const running = run(program, file, (text) => {
      said += text;
    });
    const ready = await becomesReady(running, ports);
    if (ready === true) return running;
    await running.stop();
    throw new Error(`${program}: ${ready}; it wrote\n${said}`);
  }

  for (let attempt = 1; ; attempt++) {
    const ports = { http: await freePort(), grpc: await freePort() };
    try {
      let running = await startAt(ports, settings);
      return {
        url: { http: `http://127.0.0.1:${ports.http}`, grpc: `http://127.0.0.1:${ports.grpc}` },
        said: () => said,
        stop: (signal) => running.stop(signal),
        pause: () => running.send('SIGSTOP'),
        resume: () => running.send('SIGCONT'),
        async startAgain(changed = settings) {
          running = await startAt(ports, changed);
        },
      };
    } catch (error) {
      if (!/address already in use/i.test(said) || attempt === TRIES) throw error;
    }
  }
}

function run(program, file, says) {
  const child = spawn(program, ['--config', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', says);
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
    send: (signal) => child.kill(signal),
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
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
