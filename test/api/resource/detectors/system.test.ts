import { hostname, userInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import type { ResourceDetector } from '../../../../src/api/resource/detector.ts';
import { serviceDetector } from '../../../../src/api/resource/detectors/service.ts';
import {
  hostDetector,
  osDetector,
  processArgumentsDetector,
  processDetector,
} from '../../../../src/api/resource/detectors/system.ts';
import { SCHEMA_URL } from '../../../../src/api/resource/schema-url.ts';
import { host as node } from '../../../../src/runtime/node/host.ts';
import { answerOf, found, surroundingsOf } from '../../../support/surroundings.ts';

/** A host that knows nothing about a process. */
const WEB = { env: {}, fillRandom: () => {} };

const onThisMachine = (detector: ResourceDetector) => answerOf(detector, node);

describe('process', () => {
  it('describes the process and its runtime', async () => {
    expect(await found(processDetector)).toEqual({
      'process.pid': 42,
      'process.command': 'node',
      'process.executable.name': 'node',
      'process.owner': 'alice',
      'process.creation.time': '2026-01-02T03:04:05.006Z',
      'process.runtime.name': 'nodejs',
      'process.runtime.version': '20.0.0',
      'process.runtime.description': 'Node.js',
    });
  });

  it('knows this process', async () => {
    const attributes = await onThisMachine(processDetector);
    expect(attributes).toMatchObject({
      'process.pid': process.pid,
      'process.command': process.argv0,
      'process.executable.name': expect.stringMatching(/^node(\.exe)?$/),
      'process.owner': userInfo().username,
      'process.runtime.version': process.versions.node,
    });
    expect(Date.parse(attributes['process.creation.time'] as string)).toBe(
      Math.trunc(performance.timeOrigin),
    );
  });

  it('leaves the arguments to a detector that is asked for', async () => {
    expect(JSON.stringify(await found(processDetector))).not.toContain('secret');
    expect(node.detectors).not.toContain(processArgumentsDetector);
    expect(await found(processArgumentsDetector)).toEqual({
      'process.command_args': ['node', 'app.mjs', '--token=secret'],
      'process.args_count': 3,
    });
  });

  it('takes the executable out of a path of either kind', async () => {
    const name = async (executablePath: string) =>
      (await found(processDetector, { system: { executablePath } }))['process.executable.name'];
    expect(await name('C:\\Program Files\\nodejs\\node.exe')).toBe('node.exe');
    expect(await name('node')).toBe('node');
  });
});

describe('os', () => {
  it('has the words of os-release(5) on Linux', async () => {
    const text = [
      'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"',
      'NAME="Debian GNU/Linux"',
      "VERSION_ID='12'",
      'BUILD_ID=20260101',
      '# NAME="comment"',
      'HOME_URL="https://www.debian.org/"',
    ];
    const expected = {
      'os.type': 'linux',
      'os.name': 'Debian GNU/Linux',
      'os.version': '12',
      'os.description': 'Debian GNU/Linux 12 (bookworm)',
      'os.build_id': '20260101',
    };
    for (const path of ['/etc/os-release', '/usr/lib/os-release']) {
      expect(await found(osDetector, { files: { [path]: text.join('\n') } })).toEqual(expected);
    }
  });

  it('unquotes', async () => {
    const files = { '/etc/os-release': 'NAME="A \\"B\\" \\$C"\nVERSION_ID=""\n' };
    expect(await found(osDetector, { files })).toEqual({
      'os.type': 'linux',
      'os.name': 'A "B" $C',
      'os.version': '6.1.0',
    });
  });

  it('has the release of the kernel elsewhere', async () => {
    expect(await found(osDetector, { system: { osType: 'darwin', osRelease: '23.1.0' } })).toEqual({
      'os.type': 'darwin',
      'os.version': '23.1.0',
    });
  });

  it('knows this machine at once, as far as no file is needed', () => {
    const { osType } = node.system!();
    expect(osDetector.detect(node)).toHaveProperty(['os.type'], osType);
  });
});

describe('host', () => {
  const ID = 'fdbf79e8af94cb7f9e8df36789187052';

  it('has name, architecture and machine id', async () => {
    for (const path of ['/etc/machine-id', '/var/lib/dbus/machine-id']) {
      expect(await found(hostDetector, { files: { [path]: `${ID}\n` } })).toEqual({
        'host.name': 'box',
        'host.arch': 'amd64',
        'host.id': ID,
      });
    }
  });

  it.each(['uninitialized\n', '', `${ID}0`])('takes %j for no machine id', async (text) => {
    const attributes = await found(hostDetector, { files: { '/etc/machine-id': text } });
    expect(attributes).toEqual({ 'host.name': 'box', 'host.arch': 'amd64' });
  });

  it('knows this machine', async () => {
    expect(await onThisMachine(hostDetector)).toMatchObject({ 'host.name': hostname() });
    if (process.arch === 'x64') expect(node.system!().arch).toBe('amd64');
  });
});

describe('service', () => {
  it('gives each instance an id of its own: a UUID of version 4', async () => {
    const surroundings = surroundingsOf();
    const ids = [0, 1].map(() => {
      const attributes = serviceDetector.detect(surroundings) as Record<string, string>;
      return attributes['service.instance.id'];
    });
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(ids[0]).not.toBe(ids[1]);
  });

  it('marks version and variant of its UUIDs whatever the random words are', () => {
    const id = (word: number) =>
      serviceDetector.detect({ env: {}, fillRandom: (words) => void words.fill(word) });
    const key = 'service.instance.id';
    expect(id(0)).toEqual({ [key]: '00000000-0000-4000-8000-000000000000' });
    expect(id(0xffffffff)).toEqual({ [key]: 'ffffffff-ffff-4fff-bfff-ffffffffffff' });
  });
});

it.each([processDetector, processArgumentsDetector, osDetector, hostDetector])(
  '$name finds nothing where nothing is known',
  (detector) => {
    expect(detector.detect(WEB)).toEqual({});
  },
);

it('Resource detectors populate Schema URL: that of the conventions whose names they use', async () => {
  const { default: manifest } = await import(
    '../../../../node_modules/@opentelemetry/semantic-conventions/package.json',
    { with: { type: 'json' } }
  );
  expect(SCHEMA_URL).toBe(`https://opentelemetry.io/schemas/${manifest.version}`);
  for (const detector of [serviceDetector, ...node.detectors]) {
    expect(detector.schemaUrl, detector.name).toBe(SCHEMA_URL);
  }
});
