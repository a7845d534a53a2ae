// The demo's end of the wire to its services: starts them as processes of their own, asks, stops.

import { fork } from 'node:child_process';

const here = (file) => new URL(file, import.meta.url);

/** Processes that are still running. */
const running = new Set();

/**
 * Starts a service of this folder under its telemetry. Resolves once it listens.
 *
 * @param options.env variables it gets besides the demo's own; `OTEL_*` come from here alone.
 */
export async function startService(name, { collector, engine, env = {} }) {
  const inherited = Object.entries(process.env).filter(([key]) => !key.startsWith('OTEL_'));
  const child = fork(here(`${name}.mjs`), {
    execArgv: ['--import', here('telemetry.mjs').href],
    env: {
      ...Object.fromEntries(inherited),
      OTEL_SERVICE_NAME: name,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector,
      ...(engine !== undefined && { DEMO_ENGINE: engine }),
      ...env,
    },
  });
  const ask = talkTo(child, name);
  const { url } = await ask(undefined);
  const { cpu: before } = await ask('cpu');
  return {
    name,
    url,
    pid: child.pid,
    /** Stops the service; answers its last report, health, and CPU time since it listens. */
    async stop() {
      const { report, health, cpu } = await ask('stop');
      return { report, health, cpuMicros: microsOf(cpu) - microsOf(before) };
    },
  };
}

/**
 * CPU time, in microseconds, that recording and delivering these spans once more takes: by a new
 * process, and by one that has done it a few times.
 */
export async function replay(spans, { sink, engine }) {
  const child = fork(here('replay.mjs'), { execArgv: [], serialization: 'advanced' });
  const { cold, warm, warmPasses } = await talkTo(child, 'replay')({ spans, sink, engine });
  return { coldMicros: microsOf(cold), warmMicros: microsOf(warm) / warmPasses };
}

/** Ends what is still running, without any ceremony. */
export function killAll() {
  for (const child of running) child.kill('SIGKILL');
}

function talkTo(child, name) {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return (order) =>
    new Promise((resolve, reject) => {
      const ended = (code, signal) => {
        reject(new Error(`${name} ended without an answer (${signal ?? `exit code ${code}`})`));
      };
      child.once('exit', ended);
      child.once('message', (answer) => {
        child.off('exit', ended);
        resolve(answer);
      });
      if (order !== undefined) child.send(order);
    });
}

function microsOf({ user, system }) {
  return user + system;
}
