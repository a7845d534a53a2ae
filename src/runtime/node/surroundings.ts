import type { System } from '../../api/resource/detector.ts';
import { builtin } from './builtin.ts';

/** Where `process.arch` and the semantic conventions (`host.arch`) differ. */
const ARCH: Readonly<Record<string, string>> = {
  x64: 'amd64',
  arm: 'arm32',
  ia32: 'x86',
  ppc: 'ppc32',
};

/** Where `process.platform` and the semantic conventions (`os.type`) differ. */
const OS_TYPE: Readonly<Record<string, string>> = {
  win32: 'windows',
  sunos: 'solaris',
  android: 'linux',
  os390: 'zos',
};

/** A metadata document takes a few kilobytes. */
const MAX_JSON_UNITS = 1024 * 1024;
const REQUEST_TIMEOUT_MS = 1500;

/** What Node knows without asking for long: no file is read and no process started. */
export function system(): System {
  const { arch, argv, argv0, execPath, pid, platform, versions } = process;
  return {
    pid,
    startedMs: performance.timeOrigin,
    argv: [argv0, ...argv.slice(1)],
    executablePath: execPath,
    runtimeName: 'nodejs',
    runtimeVersion: versions.node,
    runtimeDescription: 'Node.js',
    arch: ARCH[arch] ?? arch,
    osType: OS_TYPE[platform] ?? platform,
    get osRelease() {
      return builtin('node:os').release();
    },
    get hostName() {
      return builtin('node:os').hostname();
    },
    owner,
  };
}

async function owner(): Promise<string | undefined> {
  try {
    return builtin('node:os').userInfo().username;
  } catch {
    // A container's user may have no name.
    return undefined;
  }
}

export async function readText(path: string): Promise<string | undefined> {
  try {
    return await builtin('node:fs').promises.readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** The connection does not keep the process alive. */
export function getJson(url: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const { get } = builtin(url.startsWith('https:') ? 'node:https' : 'node:http');
    const request = get(url, { agent: false, timeout: REQUEST_TIMEOUT_MS }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
        if (text.length > MAX_JSON_UNITS) request.destroy(new Error('the answer is too long'));
      });
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
        else resolve(text);
      });
    });
    request.on('socket', (socket) => socket.unref());
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', reject);
  }).then((text) => JSON.parse(text as string));
}
