import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { OTLPExporterConfig } from '../../src/exporters/exporter-options.ts';
import { OTLPTraceExporter } from '../../src/runtime/node/exporter-proto.ts';
import { start } from '../../src/runtime/node/index.ts';
import { startCollector } from '../../src/workbench/collector/index.ts';
import { endedSpans } from '../support/otlp-exporter.ts';

// Connections of the user's making, and TLS with certificates of one's own.

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanups.splice(0).reverse()) await cleanUp();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

/** Exports one span; what the callback was told, and the exporter. */
async function exported(url: string, options: OTLPExporterConfig = {}) {
  const exporter = new OTLPTraceExporter({
    url,
    queue: { retry: { initialMs: 5, maxMs: 10, maxAgeMs: 2000 } },
    ...options,
  });
  cleanups.push(() => exporter.shutdown().catch(() => {}));
  const result = await new Promise<{ code: number; error?: Error }>((resolve) => {
    exporter.export(endedSpans(1), resolve);
  });
  return { result, exporter };
}

describe('agents', () => {
  const collecting = async () => {
    const collector = await startCollector({ port: 0 });
    cleanups.push(() => collector.close());
    return `${collector.url}/v1/traces`;
  };

  it.each([
    ['a function', () => new http.Agent({ keepAlive: true })],
    ['an asynchronous one', async () => new http.Agent({ keepAlive: true })],
  ])('%s makes one, once; it is left to its maker', async (_, make) => {
    const made: http.Agent[] = [];
    const protocols: string[] = [];
    const { result, exporter } = await exported(await collecting(), {
      httpAgentOptions: async (protocol) => {
        protocols.push(protocol);
        const agent = await make();
        made.push(agent);
        return agent;
      },
    });
    expect(result).toEqual({ code: 0 });
    exporter.export(endedSpans(1), () => {});
    await exporter.forceFlush();
    expect(protocols).toEqual(['http:']);
    const destroy = vi.spyOn(made[0]!, 'destroy');
    await exporter.shutdown();
    expect(destroy).not.toHaveBeenCalled();
    made[0]!.destroy();
  });

  it('one that cannot be made loses nothing', async () => {
    let works = false;
    const { result, exporter } = await exported(await collecting(), {
      httpAgentOptions: () => {
        if (!works) throw new Error('no proxy');
        return new http.Agent();
      },
    });
    expect(result.error?.message).toMatch(/^1 span kept.*no agent: Error: no proxy$/);
    works = true;
    await exporter.forceFlush();
    expect(exporter.health().signals.traces.sent).toBe(1);
  });

  it.each([
    [{}, 1],
    [{ keepAlive: true }, 1],
    [{ keepAlive: false }, 3],
    [{ httpAgentOptions: { keepAlive: false } }, 3],
    [{ keepAlive: true, httpAgentOptions: { keepAlive: false } }, 3],
  ])('%j: three requests, one after the other, over %i connections', async (options, expected) => {
    let connections = 0;
    const server = http.createServer((request, response) => {
      request.resume().on('end', () => response.end());
    });
    server.on('connection', () => void connections++);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const { exporter } = await exported(`http://127.0.0.1:${port}/v1/traces`, options);
    for (let i = 0; i < 2; i++) {
      exporter.export(endedSpans(1), () => {});
      await exporter.forceFlush();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(exporter.health().signals.traces.sent).toBe(3);
    expect(connections).toBe(expected);
  });
});

describe('TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'otlp-wasm-ca-'));
  const at = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });

  beforeAll(() => {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    openssl(
      'req',
      '-x509',
      ...key,
      '-keyout',
      at('ca.key'),
      '-out',
      at('ca.pem'),
      '-subj',
      '/CN=test ca',
      '-days',
      '2',
    );
    for (const name of ['server', 'client']) {
      openssl(
        'req',
        ...key,
        '-keyout',
        at(`${name}.key`),
        '-out',
        at(`${name}.csr`),
        '-subj',
        `/CN=${name}`,
      );
      writeFileSync(at('ext'), 'subjectAltName=IP:127.0.0.1\n');
      openssl(
        'x509',
        '-req',
        '-in',
        at(`${name}.csr`),
        '-CA',
        at('ca.pem'),
        '-CAkey',
        at('ca.key'),
        '-CAcreateserial',
        '-days',
        '2',
        '-extfile',
        at('ext'),
        '-out',
        at(`${name}.pem`),
      );
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** A server that wants a certificate of its clients; the names on those it has seen. */
  async function secure() {
    const seen: string[] = [];
    const server = https.createServer(
      {
        key: readFileSync(at('server.key')),
        cert: readFileSync(at('server.pem')),
        ca: readFileSync(at('ca.pem')),
        requestCert: true,
        rejectUnauthorized: true,
      },
      (request, response) => {
        seen.push(String((request.socket as TLSSocket).getPeerCertificate().subject.CN));
        request.resume().on('end', () => response.end());
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return { seen, url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces` };
  }

  it('by variables: a CA of one’s own, a client certificate and its key', async () => {
    const { url, seen } = await secure();
    vi.stubEnv('OTEL_EXPORTER_OTLP_CERTIFICATE', at('ca.pem'));
    vi.stubEnv('OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE', at('client.pem'));
    vi.stubEnv('OTEL_EXPORTER_OTLP_CLIENT_KEY', at('client.key'));
    const { result } = await exported(url);
    expect(result).toEqual({ code: 0 });
    expect(seen).toEqual(['client']);
  });

  it('by the same variables for start()', async () => {
    const { url, seen } = await secure();
    vi.stubEnv('OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE', at('ca.pem'));
    vi.stubEnv('OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE', at('client.pem'));
    vi.stubEnv('OTEL_EXPORTER_OTLP_CLIENT_KEY', at('client.key'));
    const telemetry = start({ tracesEndpoint: url, flushOnExit: false, detectors: [] });
    cleanups.push(() => telemetry.shutdown());
    telemetry.tracer('t').startSpan('s').end();
    expect(await telemetry.flush()).toMatchObject({ complete: true, sent: 1 });
    expect(seen).toEqual(['client']);
  });

  it('by agent options', async () => {
    const { url, seen } = await secure();
    const [ca, cert, key] = ['ca.pem', 'client.pem', 'client.key'].map((name) =>
      readFileSync(at(name)),
    );
    const { result } = await exported(url, { httpAgentOptions: { ca, cert, key } });
    expect(result).toEqual({ code: 0 });
    expect(seen).toEqual(['client']);
  });

  it('without them the server is not trusted, and spans are kept', async () => {
    const { url, seen } = await secure();
    const { result, exporter } = await exported(url);
    expect(result.error?.message).toMatch(/^1 span kept.*certificate/);
    expect(seen).toEqual([]);
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    await exporter.shutdown().catch(() => {});
  });
});
