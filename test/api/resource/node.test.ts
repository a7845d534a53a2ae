import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { awsDetector } from '../../../src/api/resource/detectors/aws.ts';
import { processArgumentsDetector } from '../../../src/api/resource/detectors/system.ts';
import { host as node } from '../../../src/runtime/node/host.ts';
import { start, type Telemetry } from '../../../src/runtime/node/index.ts';
import { type Collector, startCollector } from '../../../src/workbench/collector/index.ts';
import { bundle, ROOT, runNode, temporaryFolder } from '../../support/bundle.ts';
import { answerOf } from '../../support/surroundings.ts';

let collector: Collector;
let telemetry: Telemetry | undefined;

beforeAll(async () => {
  collector = await startCollector({ port: 0 });
});
afterAll(() => collector.close());
afterEach(async () => {
  await telemetry?.shutdown();
  telemetry = undefined;
  collector.clear();
});

/** The resource of one span, recorded before anything but the start was over. */
async function resourceOf(options: Parameters<typeof start>[0]) {
  telemetry = start({ endpoint: collector.url, batch: { delayMs: 60_000 }, ...options });
  telemetry.tracer('t').startSpan('s').end();
  const runs = () =>
    telemetry!
      .health()
      .detectors.some(({ name, state }) => name !== 'hangs' && state === 'running');
  // However long this machine takes for it: flush() waits for half a second at most.
  while (runs()) await new Promise((resolve) => setImmediate(resolve));
  await telemetry.flush();
  return collector.traces()[0]!.resource;
}

describe('on Node, to a real collector', () => {
  it('a span recorded right after the start has what files say', async () => {
    const { attributes, schemaUrl } = await resourceOf({ serviceName: 'shop' });
    const files = Object.assign(
      {},
      ...(await Promise.all(
        ['os', 'host', 'container'].map((name) =>
          answerOf(node.detectors.find((one) => one.name === name)!, node),
        ),
      )),
    );
    for (const [key, value] of Object.entries(files)) {
      if (value !== undefined) expect(attributes[key]).toEqual(value);
    }
    expect(attributes).toMatchObject({
      'service.name': 'shop',
      'process.pid': process.pid,
      'host.name': hostname(),
    });
    expect(schemaUrl).toMatch(/^https:\/\/opentelemetry\.io\/schemas\/\d/);
    const states = telemetry!.health().detectors;
    expect(states.filter(({ state }) => state !== 'ok')).toEqual([]);
    expect(states).toHaveLength(1 + node.detectors.length);
  });

  it('those that hang or throw delay and lose nothing', async () => {
    const { attributes } = await resourceOf({
      detectors: [
        'process',
        { name: 'hangs', detect: () => new Promise<never>(() => {}) },
        {
          name: 'throws',
          detect() {
            throw new Error('no luck');
          },
        },
        { name: 'works', detect: async () => ({ works: true }) },
      ],
    });
    expect(attributes).toMatchObject({ works: true, 'process.pid': process.pid });
    expect(telemetry!.health()).toMatchObject({
      signals: { traces: { recorded: 1, sent: 1 } },
      detectors: [
        { name: 'process', state: 'ok' },
        { name: 'hangs', state: 'running' },
        { name: 'throws', state: 'failed' },
        { name: 'works', state: 'ok' },
      ],
    });
  });

  it('no command line argument is sent unless that is asked for', async () => {
    const byDefault = await resourceOf({});
    expect(Object.keys(byDefault.attributes).filter((key) => key.includes('arg'))).toEqual([]);
    await telemetry!.shutdown();
    collector.clear();
    const asked = await resourceOf({ detectors: ['process', processArgumentsDetector] });
    expect(asked.attributes['process.command_args']).toEqual([
      process.argv0,
      ...process.argv.slice(1),
    ]);
  });
});

describe('documents of metadata endpoints', () => {
  const DOCUMENT = { DockerId: 'abc', DockerName: 'cart' };
  const server = createServer(({ url }, response) => {
    if (url === '/v4/one') response.end(JSON.stringify(DOCUMENT));
    else if (url === '/v4/one/task') response.writeHead(404).end('{}');
    else if (url === '/text') response.end('no JSON');
    else if (url === '/long') response.end(`"${'x'.repeat(2 << 20)}"`);
    else response.destroy();
  });
  let base = '';
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.close();
    server.closeAllConnections();
  });

  it('are read', async () => {
    expect(await node.getJson!(`${base}/v4/one`)).toEqual(DOCUMENT);
    const env = { ECS_CONTAINER_METADATA_URI_V4: `${base}/v4/one` };
    expect(await answerOf(awsDetector, { ...node, env })).toMatchObject({
      'cloud.platform': 'aws_ecs',
      'container.id': 'abc',
      'container.name': 'cart',
    });
  });

  it.each(['/v4/one/task', '/text', '/long', '/cut'])('%s is refused', async (path) => {
    await expect(node.getJson!(base + path)).rejects.toThrow();
  });

  it('are not to be had from what is no URL', async () => {
    await expect(node.getJson!('nonsense')).rejects.toThrow();
  });
});

describe('a process', () => {
  const folder = temporaryFolder();
  afterAll(folder.remove);

  it('that ends by itself right after its span does not lose it, nor wait for a hanging detector', async () => {
    const entry = await bundle('src/runtime/node/index.ts', folder.path);
    const { code, stderr, stdout } = await runNode([
      join(ROOT, 'test/fixtures/detectors.mjs'),
      entry,
      collector.url,
    ]);
    expect({ code, stderr, stdout }).toEqual({ code: 0, stderr: '', stdout: 'started\n' });
    expect(collector.traces()).toMatchObject([
      { name: 'only', resource: { attributes: { works: true, 'os.type': expect.any(String) } } },
    ]);
  });
});
