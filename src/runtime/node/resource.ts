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

/**
 * What Node knows about the process, the host and the operating system without asking for long:
 * no file is read and no process started. Command line arguments are left out: they may hold
 * secrets.
 */
export function processResource(): Readonly<Record<string, string | number>> {
  const { arch, argv0, execPath, pid, platform, versions } = process;
  return {
    'process.pid': pid,
    'process.command': argv0,
    'process.executable.name': execPath.slice(execPath.search(/[^/\\]*$/)),
    'process.runtime.name': 'nodejs',
    'process.runtime.version': versions.node,
    'process.runtime.description': 'Node.js',
    'host.name': builtin('node:os').hostname(),
    'host.arch': ARCH[arch] ?? arch,
    'os.type': OS_TYPE[platform] ?? platform,
  };
}
