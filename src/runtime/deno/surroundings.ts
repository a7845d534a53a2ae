import type { System } from '../../api/resource/detector.ts';

type Asked =
  | { readonly name: 'env'; readonly variable: string }
  | { readonly name: 'read'; readonly path: string }
  | { readonly name: 'sys'; readonly kind: 'hostname' | 'osRelease' }
  | { readonly name: 'net'; readonly host: string };

interface Deno {
  readonly args: readonly string[];
  readonly build: { readonly os: string; readonly arch: string };
  readonly env: { get(name: string): string | undefined };
  readonly permissions: { querySync(asked: Asked): { readonly state: string } };
  readonly pid: number;
  readonly version: { readonly deno: string };
  hostname(): string;
  osRelease(): string;
  readTextFile(path: string): Promise<string>;
}

const deno = () => (globalThis as unknown as { Deno: Deno }).Deno;

/** What is not granted already is not asked for: nobody is prompted because of telemetry. */
export function granted(asked: Asked): boolean {
  return deno().permissions.querySync(asked).state === 'granted';
}

/** Variables that may be read; the others are none. */
export const env: Readonly<Record<string, string | undefined>> = new Proxy(
  {},
  {
    get: (_, name) =>
      typeof name === 'string' && granted({ name: 'env', variable: name })
        ? deno().env.get(name)
        : undefined,
  },
);

/** Where `Deno.build.arch` and the semantic conventions (`host.arch`) differ. */
const ARCH: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64' };

/** Where `Deno.build.os` and the semantic conventions (`os.type`) differ. */
const OS_TYPE: Readonly<Record<string, string>> = { android: 'linux', illumos: 'solaris' };

export function system(): System {
  const { args, build, pid, version } = deno();
  return {
    pid,
    startedMs: performance.timeOrigin,
    argv: ['deno', ...args],
    executablePath: 'deno',
    runtimeName: 'deno',
    runtimeVersion: version.deno,
    runtimeDescription: 'Deno',
    arch: ARCH[build.arch] ?? build.arch,
    osType: OS_TYPE[build.os] ?? build.os,
    osRelease: granted({ name: 'sys', kind: 'osRelease' }) ? deno().osRelease() : undefined,
    hostName: granted({ name: 'sys', kind: 'hostname' }) ? deno().hostname() : undefined,
    owner: async () => undefined,
  };
}

export async function readText(path: string): Promise<string | undefined> {
  if (!granted({ name: 'read', path })) return undefined;
  try {
    return await deno().readTextFile(path);
  } catch {
    return undefined;
  }
}

export async function getJson(url: string): Promise<unknown> {
  const { host } = new URL(url);
  if (!granted({ name: 'net', host })) throw new Error(`no permission to reach ${host}`);
  const response = await fetch(url, { redirect: 'error' });
  if (response.status !== 200) throw new Error(`status ${response.status}`);
  return JSON.parse(new TextDecoder().decode(await response.arrayBuffer()));
}
