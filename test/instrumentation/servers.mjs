// Servers from Debian's packages, each on a free port of 127.0.0.1 with a directory of its own
// that goes with it. Nothing of the system's own services is used, started or stopped.

import { spawn, spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Longest time a server may take to answer, and to stop before it is killed. */
const START_MS = 90_000;
const STOP_MS = 10_000;
const INSTALL_MS = 300_000;

/** Ports are chosen by closing one that was free; somebody else may be quicker. */
const ATTEMPTS = 3;

const isRoot = process.getuid?.() === 0;

/** This server cannot be had on this machine. */
export class Unavailable extends Error {
  name = 'Unavailable';
}

/** `greets`: the server speaks first or answers `hello`, which tells that it is up. */
const SERVERS = {
  postgresql: {
    programs: ['postgres', 'initdb'],
    package: 'postgresql',
    user: 'postgres',
    prepare: ({ dir, run }) =>
      run('initdb', ['-D', join(dir, 'data'), '-U', 'postgres', '-A', 'trust', '--no-sync'], {
        LC_ALL: 'C',
      }),
    command: ({ dir, port }) => [
      'postgres',
      ['-D', join(dir, 'data'), '-p', port, '-h', '127.0.0.1', '-k', '', '-F'],
    ],
    // A request for TLS; answered by one letter as soon as connections are accepted.
    hello: Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]),
    // Fast shutdown; SIGTERM would wait for clients.
    signal: 'SIGINT',
  },
  mariadb: {
    programs: ['mariadbd', 'mariadb-install-db'],
    package: 'mariadb-server',
    user: 'mysql',
    prepare: ({ dir, run }) =>
      run('mariadb-install-db', [
        '--no-defaults',
        `--datadir=${join(dir, 'data')}`,
        '--auth-root-authentication-method=normal',
        '--skip-test-db',
      ]),
    command: ({ dir, port }) => [
      'mariadbd',
      [
        '--no-defaults',
        `--datadir=${join(dir, 'data')}`,
        `--port=${port}`,
        '--bind-address=127.0.0.1',
        `--socket=${join(dir, 'socket')}`,
        `--pid-file=${join(dir, 'pid')}`,
        '--innodb-flush-log-at-trx-commit=0',
      ],
    ],
  },
  redis: {
    programs: ['redis-server'],
    package: 'redis-server',
    user: 'redis',
    command: ({ dir, port }) => [
      'redis-server',
      ['--port', port, '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--daemonize', 'no'],
    ],
    hello: Buffer.from('PING\r\n'),
  },
  rabbitmq: {
    programs: ['rabbitmq-server', 'epmd'],
    package: 'rabbitmq-server',
    user: 'rabbitmq',
    // The Erlang port mapper would start by itself and stay; one of our own is ours to stop.
    companion: ({ ports }) => ['epmd', ['-port', ports[1], '-address', '127.0.0.1']],
    command: () => ['rabbitmq-server', []],
    environment: ({ dir, port, ports }) => ({
      HOME: dir,
      ERL_EPMD_PORT: ports[1],
      ERL_EPMD_ADDRESS: '127.0.0.1',
      ERL_CRASH_DUMP: join(dir, 'crash'),
      RABBITMQ_NODENAME: `otlp-wasm-${port}@localhost`,
      RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
      RABBITMQ_NODE_PORT: port,
      RABBITMQ_DIST_PORT: ports[2],
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
      RABBITMQ_CONF_ENV_FILE: '/dev/null',
      RABBITMQ_CONFIG_FILE: join(dir, 'rabbitmq'),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, 'plugins'),
      RABBITMQ_MNESIA_BASE: join(dir, 'data'),
      RABBITMQ_LOG_BASE: join(dir, 'log'),
    }),
    hello: Buffer.from('AMQP\x00\x00\x09\x01', 'latin1'),
  },
  nats: {
    programs: ['nats-server'],
    package: 'nats-server',
    user: 'nats',
    command: ({ port }) => ['nats-server', ['-a', '127.0.0.1', '-p', port]],
  },
  mosquitto: {
    programs: ['mosquitto'],
    package: 'mosquitto',
    user: 'mosquitto',
    prepare: ({ dir, port }) =>
      writeFileSync(
        join(dir, 'conf'),
        `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\n`,
        { mode: 0o644 },
      ),
    command: ({ dir }) => ['mosquitto', ['-c', join(dir, 'conf')]],
    // CONNECT of MQTT 3.1.1 without a client id, clean session.
    hello: Buffer.from('\x10\x0c\x00\x04MQTT\x04\x02\x00\x00\x00\x00', 'latin1'),
  },
};

/** Where Debian keeps servers, beside PATH. */
function folders() {
  const versions = '/usr/lib/postgresql';
  const postgresql = existsSync(versions)
    ? readdirSync(versions).map((version) => join(versions, version, 'bin'))
    : [];
  // RabbitMQ's own script before the one in /usr/sbin, which only lets root change the user.
  return ['/usr/lib/rabbitmq/bin', ...process.env.PATH.split(':'), '/usr/sbin', ...postgresql];
}

function find(program) {
  return folders()
    .map((folder) => join(folder, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

const missing = (name) => SERVERS[name].programs.some((program) => find(program) === undefined);

/** Installs what is missing of the servers named; what could not be is found out by `startServer`. */
export function installServers(names) {
  const packages = names.filter(missing).map((name) => SERVERS[name].package);
  if (packages.length === 0) return;
  if (!isRoot || find('apt-get') === undefined) {
    console.log(`not installed, and only root can with apt-get: ${packages.join(', ')}`);
    return;
  }
  console.log(`installing ${packages.join(', ')}`);
  // Keeps packages from starting their services.
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    apt(['update']);
    apt(['install', '-y', '--no-install-recommends', ...packages]);
  } finally {
    if (ours) rmSync(policy);
  }
}

function apt(args) {
  const { status, stderr, error } = spawnSync('apt-get', ['-qq', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: INSTALL_MS,
    encoding: 'utf8',
  });
  if (status !== 0) console.log(`apt-get ${args[0]} failed: ${error ?? stderr}`.trim());
}

/** Process groups that are to end with this process, whatever ends it. */
const running = new Set();
const directories = new Set();
process.on('exit', () => {
  for (const child of running) kill(child, 'SIGKILL');
  for (const dir of directories) remove(dir);
});

/**
 * Starts a server and waits until it answers.
 *
 * @returns `port`, and `stop()`, which resolves when it is gone
 * @throws Unavailable when its programs are missing or it does not come up
 */
export async function startServer(name) {
  if (missing(name)) {
    const { package: debian, programs } = SERVERS[name];
    throw new Unavailable(`no ${programs.join(', ')} (Debian package ${debian})`);
  }
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(name, SERVERS[name]);
    } catch (error) {
      if (attempt === ATTEMPTS) throw new Unavailable(`${name} did not start: ${error.message}`);
    }
  }
}

async function startOnce(name, server) {
  const account = isRoot ? accountOf(server.user) : undefined;
  const dir = mkdtempSync(join(tmpdir(), `otlp-wasm-${name}-`));
  directories.add(dir);
  chmodSync(dir, 0o700);
  if (account !== undefined) chownSync(dir, account.uid, account.gid);

  const ports = await freePorts(3);
  const port = ports[0];
  const setting = { dir, port, ports: ports.map(String) };
  const environment = server.environment?.({ ...setting, port: String(port) }) ?? {};
  const started = [];
  const launch = ([program, args], env = {}) => {
    const child = spawn(find(program), args.map(String), {
      ...account,
      cwd: dir,
      env: { ...process.env, ...environment, ...env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk) => {
        child.said = (child.said + chunk).slice(-2000);
      });
    }
    child.gone = new Promise((resolve) => {
      child.once('error', (error) => {
        child.said += error.message;
      });
      child.once('close', (code) => {
        running.delete(child);
        resolve(code);
      });
    });
    running.add(child);
    return child;
  };
  const run = async (program, args, env) => {
    const child = launch([program, args], env);
    const code = await child.gone;
    if (code !== 0) throw new Error(`${program} ended with ${code}: ${child.said}`);
  };
  const stop = async () => {
    for (const child of started.reverse()) {
      kill(child, server.signal ?? 'SIGTERM');
      const stopped = await Promise.race([child.gone.then(() => true), sleep(STOP_MS, false)]);
      if (!stopped) kill(child, 'SIGKILL');
      await child.gone;
    }
    remove(dir);
    directories.delete(dir);
  };

  try {
    await server.prepare?.({ ...setting, run });
    if (server.companion !== undefined) started.push(launch(server.companion(setting)));
    const main = launch(server.command(setting));
    started.push(main);
    await answers(port, server.hello, main);
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, stop };
}

function accountOf(user) {
  const id = (flag, name) => {
    const { status, stdout } = spawnSync('id', [flag, name], { encoding: 'utf8' });
    return status === 0 ? Number(stdout) : undefined;
  };
  const name = id('-u', user) === undefined ? 'nobody' : user;
  return { uid: id('-u', name), gid: id('-g', name) };
}

/** The whole group: servers have children, and scripts the server. */
function kill(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Gone already.
  }
}

function remove(dir) {
  rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
}

async function freePorts(count) {
  const listeners = [];
  for (let i = 0; i < count; i++) {
    const listener = createServer();
    await new Promise((resolve, reject) => {
      listener.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    listeners.push(listener);
  }
  const ports = listeners.map((listener) => listener.address().port);
  await Promise.all(listeners.map((listener) => new Promise((done) => listener.close(done))));
  return ports;
}

async function answers(port, hello, child) {
  let ended;
  child.gone.then((code) => {
    ended = new Error(`ended with ${code}: ${child.said}`);
  });
  const deadline = Date.now() + START_MS;
  while (!(await speaks(port, hello))) {
    if (ended !== undefined) throw ended;
    if (Date.now() > deadline) throw new Error(`no answer in ${START_MS / 1000} s: ${child.said}`);
    await sleep(100);
  }
}

/** Whether what listens on the port sends anything, once greeted with `hello`. */
function speaks(port, hello) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      if (hello !== undefined) socket.write(hello);
    });
    const settle = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1000, () => settle(false));
    socket.once('data', () => settle(true));
    socket.once('error', () => settle(false));
    socket.once('close', () => settle(false));
  });
}
