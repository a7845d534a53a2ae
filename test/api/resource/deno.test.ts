import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  hostDetector,
  osDetector,
  processDetector,
} from '../../../src/api/resource/detectors/system.ts';
import { host } from '../../../src/runtime/deno/host.ts';
import { answerOf } from '../../support/surroundings.ts';

afterEach(() => void vi.unstubAllGlobals());

/** A Deno that grants what is in the list, and throws at whoever takes more. */
function deno(...granted: string[]) {
  const asked: string[] = [];
  const nameOf = (one: Record<string, string>) =>
    [one['name'], one['variable'] ?? one['path'] ?? one['kind'] ?? one['host']].join(' ');
  const take = <T>(what: string, value: T): T => {
    if (!granted.includes(what)) throw new Error(`not granted: ${what}`);
    return value;
  };
  vi.stubGlobal('Deno', {
    args: ['--token=secret'],
    build: { os: 'linux', arch: 'x86_64' },
    env: { get: (name: string) => take(`env ${name}`, `value of ${name}`) },
    permissions: {
      querySync(one: Record<string, string>) {
        asked.push(nameOf(one));
        return { state: granted.includes(nameOf(one)) ? 'granted' : 'prompt' };
      },
    },
    pid: 42,
    version: { deno: '2.9.5' },
    hostname: () => take('sys hostname', 'box'),
    osRelease: () => take('sys osRelease', '6.1.0'),
    readTextFile: async (path: string) => take(`read ${path}`, 'NAME="Debian GNU/Linux"\n'),
  });
  return asked;
}

describe('on Deno', () => {
  it('detectors find what needs no permission', async () => {
    deno();
    expect(await answerOf(processDetector, host)).toMatchObject({
      'process.pid': 42,
      'process.executable.name': 'deno',
      'process.runtime.name': 'deno',
      'process.runtime.version': '2.9.5',
    });
    expect(await answerOf(hostDetector, host)).toEqual({
      'host.name': undefined,
      'host.arch': 'amd64',
      'host.id': undefined,
    });
    expect(await answerOf(osDetector, host)).toMatchObject({ 'os.type': 'linux' });
    expect(host.env['HOME']).toBeUndefined();
    await expect(host.getJson!('http://127.0.0.1:1/')).rejects.toThrow('no permission');
  });

  it('they find what is granted as well', async () => {
    deno('sys hostname', 'sys osRelease', 'read /etc/os-release', 'env FLY_APP_NAME');
    expect(await answerOf(hostDetector, host)).toMatchObject({ 'host.name': 'box' });
    expect(await answerOf(osDetector, host)).toMatchObject({
      'os.name': 'Debian GNU/Linux',
      'os.version': '6.1.0',
    });
    expect(host.env['FLY_APP_NAME']).toBe('value of FLY_APP_NAME');
  });

  it('a file that is granted and cannot be read is none', async () => {
    deno('read /nowhere');
    vi.stubGlobal('Deno', {
      ...(globalThis as unknown as { Deno: object }).Deno,
      readTextFile: () => Promise.reject(new Error('no such file')),
    });
    expect(await host.readText!('/nowhere')).toBeUndefined();
  });
});
