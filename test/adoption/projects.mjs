// What the suite runs in: the locked packages of upstream's two lines, the Node.js versions, and
// per line a project as a user has it: the applications of examples/apps, the line's packages,
// and ours from its tarball.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { arch } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const INSTALL_MS = 240_000;

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const apps = join(root, 'examples/apps');

const INSTRUMENTATION = /\/(auto-instrumentations|instrumentation)-|fastify\/otel$/;

/** npm could not install something here; the message says what npm said. */
export class Unavailable extends Error {
  name = 'Unavailable';
}

/** `upstream`: the line of upstream's SDK that supports this Node.js. */
export const NODES = [
  { name: '20', upstream: '2.x' },
  { name: '22', upstream: '3.x' },
  { name: '24', upstream: '3.x' },
];

/** @returns the path of a Node.js of this major version: the running one, if it is one. */
export function nodeBinary(name) {
  if (process.versions.node.split('.')[0] === name) return process.execPath;
  const folder = `node-${name}${arch() === 'x64' ? '' : `-${arch()}`}`;
  const path = join(here, 'node_modules', folder, 'bin/node');
  if (!existsSync(path))
    throw new Unavailable(
      `no Node.js ${name} for ${process.platform} ${arch()} among the packages`,
    );
  const { status, stdout, error } = spawnSync(path, ['--version'], { encoding: 'utf8' });
  if (status !== 0) throw new Unavailable(`${path} does not run: ${error ?? `status ${status}`}`);
  if (!stdout.startsWith(`v${name}.`)) throw new Error(`${path} is ${stdout}, not Node.js ${name}`);
  return path;
}

function npm(args, cwd) {
  const { status, stdout, stderr, error } = spawnSync('npm', args, {
    cwd,
    encoding: 'utf8',
    timeout: INSTALL_MS,
  });
  if (status === 0) return stdout;
  const lines = stderr.split('\n').filter((line) => /^npm error \S/.test(line));
  throw new Unavailable(
    `npm ${args[0]} failed in ${cwd}: ${error ?? lines.slice(0, 8).join('\n')}`,
  );
}

/**
 * Installs what package-lock.json says, unless it is there already.
 *
 * @param folder `.`, `sdk-2.x` or `sdk-3.x`
 */
export function install(folder) {
  const cwd = join(here, folder);
  const lock = readFileSync(join(cwd, 'package-lock.json'));
  const digest = createHash('sha256').update(lock).digest('hex');
  const stamp = join(cwd, 'node_modules/.installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  // SDK 3.x wants a newer Node.js than the one npm runs on: `engines` is no reason to stop.
  npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'], cwd);
  writeFileSync(stamp, digest);
}

/** The build is current already: `npm run test:adoption` made it so. */
export function pack(destination) {
  const packing = ['pack', '--ignore-scripts', '--json', '--pack-destination', destination];
  const [{ filename }] = JSON.parse(npm(packing, root));
  return join(destination, filename);
}

/**
 * The applications in a folder of their own. The packages of the line are linked one by one: ours
 * lies beside them without anything being written where they are installed.
 *
 * @param {{ folder: string, upstream: string, tarball: string, instrumentations: string[] }} of
 *   `instrumentations`: packages; the line's others are not there
 */
export function createProject({ folder, upstream, tarball, instrumentations }) {
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(apps).filter((name) => /\.[mc]js$/.test(name)))
    copyFileSync(join(apps, file), join(folder, file));
  const dependencies = Object.fromEntries(instrumentations.map((name) => [name, '*']));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'shop', dependencies }));

  const packages = join(here, `sdk-${upstream}`, 'node_modules');
  for (const name of namesIn(packages)) {
    if (INSTRUMENTATION.test(name) && !instrumentations.includes(name)) continue;
    const link = join(folder, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(packages, name), link, 'dir');
  }
  const ours = join(folder, 'node_modules/otlp-wasm');
  mkdirSync(ours);
  const unpacking = ['-xzf', tarball, '-C', ours, '--strip-components=1'];
  const { status, stderr, error } = spawnSync('tar', unpacking, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`could not unpack ${tarball}: ${error ?? stderr}`);
  return folder;
}

function namesIn(packages) {
  return readdirSync(packages)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) =>
      name.startsWith('@')
        ? readdirSync(join(packages, name)).map((rest) => `${name}/${rest}`)
        : name,
    );
}
