import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { start as startInBrowser } from '../../src/runtime/browser/index.ts';
import { start as startOnNode } from '../../src/runtime/node/index.ts';
import { startCollector } from '../../src/workbench/collector/collector.ts';
import { decodeOfficially, spansOf } from '../support/trace-model.ts';

// From recording to the server, which refuses what it gets as it gets it.

const SPANS = 300;
const NAMES = Array.from({ length: SPANS }, (_, i) => `span ${i}`).sort();

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanups.splice(0).reverse()) await cleanUp();
});

type Options = NonNullable<Parameters<typeof startOnNode>[0]>;

/** Records and flushes; what became of it. */
async function exported(start: typeof startOnNode, options: Options) {
  const telemetry = start({ serviceName: 'till', ...options });
  cleanups.push(() => telemetry.shutdown());
  const tracer = telemetry.tracer('till.checkout');
  for (let i = 0; i < SPANS; i++) tracer.startSpan(`span ${i}`).end();
  const { complete } = await telemetry.flush();
  const { recorded, sent, rejected, queued, requests } = telemetry.health().signals.traces;
  return { complete, recorded, sent, rejected, queued, requests };
}

const ALL = { complete: true, recorded: SPANS, sent: SPANS, rejected: 0, queued: 0 };

describe('a server that takes small requests only', () => {
  it.each([
    ['Node', 'http/protobuf', 'gzip', startOnNode],
    ['Node', 'http/protobuf', 'none', startOnNode],
    ['Node', 'http/json', 'gzip', startOnNode],
    ['Node', 'grpc', 'gzip', startOnNode],
    ['a browser', 'http/protobuf', 'gzip', startInBrowser],
    ['a browser', 'http/json', 'none', startInBrowser],
  ] as const)('gets every span from %s (%s, %s)', async (_, protocol, compression, start) => {
    const collector = await startCollector({ port: 0, grpcPort: 0, maxRequestBytes: 4000 });
    cleanups.push(() => collector.close());
    const endpoint = protocol === 'grpc' ? collector.grpcUrl! : collector.url;
    const { requests, ...result } = await exported(start, { endpoint, protocol, compression });
    expect(result).toEqual(ALL);
    expect(
      collector
        .traces()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(NAMES);
    expect(requests).toBeGreaterThan(10);
  });
});

describe('a server that takes uncompressed requests only', () => {
  it.each([
    ['Node', 415, startOnNode],
    ['Node', 400, startOnNode],
    ['a browser', 415, startInBrowser],
  ] as const)('gets every span from %s once it has answered %i', async (_, status, start) => {
    const names: string[] = [];
    let refused = 0;
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      if (request.headers['content-encoding'] !== undefined) {
        refused++;
        response.writeHead(status).end();
        return;
      }
      const spans = spansOf(decodeOfficially(Buffer.concat(chunks)));
      names.push(...spans.map(({ name }) => name));
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(() => server.close());
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { requests, ...result } = await exported(start, { endpoint, compression: 'gzip' });
    expect(result).toEqual(ALL);
    expect(names.sort()).toEqual(NAMES);
    expect(refused).toBeGreaterThan(0);
    expect(requests).toBeGreaterThan(refused);
  });
});
