/** Certificates that the environment names, in `start()` over both protocols. */

import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StartOptions } from '../src/options/options.ts';
import { host as nodeHost } from '../src/runtime/node/host.ts';
import { startOn } from '../src/telemetry.ts';
import { type Certificates, makeCertificates } from './support/certificates.ts';
import { answered, bareGrpcServer } from './support/grpc-server.ts';

let files: Certificates;

beforeAll(() => {
  files = makeCertificates();
});
afterAll(() => files.remove());

const server = () => ({
  cert: files.read('server.pem'),
  key: files.read('server.key'),
  ca: files.read('ca.pem'),
  requestCert: true,
  rejectUnauthorized: true,
});

const all = () => ({
  OTEL_EXPORTER_OTLP_CERTIFICATE: files.path('ca.pem'),
  OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE: files.path('client.pem'),
  OTEL_EXPORTER_OTLP_CLIENT_KEY: files.path('client.key'),
});

/** Sends one span, and says what became of it. */
async function sendOne(options: StartOptions, env: Record<string, string>) {
  const warnings: string[] = [];
  const host = { ...nodeHost, env, warn: (line: string) => void warnings.push(line) };
  const telemetry = startOn(host, {
    detectors: [],
    flushOnExit: false,
    flushTimeoutMs: 20_000,
    queue: { retry: { maxAgeMs: 0 } },
    ...options,
  });
  telemetry.tracer('test').startSpan('span').end();
  const { sent, lastError } = await telemetry.shutdown();
  return { sent, lastError, warnings };
}

describe('a collector that wants a client certificate', () => {
  it('over HTTP: gets it from the variables', async () => {
    const names: unknown[] = [];
    const listening = https.createServer(server(), (request, response) => {
      names.push((request.socket as TLSSocket).getPeerCertificate().subject.CN);
      request.resume().on('end', () => response.end());
    });
    listening.listen(0, '127.0.0.1');
    await once(listening, 'listening');
    try {
      const endpoint = `https://127.0.0.1:${(listening.address() as AddressInfo).port}`;
      expect(await sendOne({ endpoint }, all())).toMatchObject({ sent: 1, warnings: [] });
      expect(names).toEqual(['client']);

      expect(
        await sendOne({ endpoint }, { OTEL_EXPORTER_OTLP_CERTIFICATE: files.path('ca.pem') }),
      ).toMatchObject({ sent: 0 });
      expect(await sendOne({ endpoint }, {})).toMatchObject({ sent: 0 });
      expect(names).toEqual(['client']);
    } finally {
      listening.closeAllConnections();
      listening.close();
    }
  });

  it('over gRPC: gets it from the variables', async () => {
    const listening = await bareGrpcServer([answered({ 'grpc-status': '0' })], {
      secure: true,
      ...server(),
    });
    try {
      const options: StartOptions = { protocol: 'grpc', endpoint: listening.url };
      expect(await sendOne(options, all())).toMatchObject({ sent: 1, warnings: [] });
      expect(await sendOne(options, {})).toMatchObject({ sent: 0 });
      expect(listening.received).toHaveLength(1);
    } finally {
      await listening.close();
    }
  });
});

it('a file that cannot be read is said, and passed over', async () => {
  const env = { OTEL_EXPORTER_OTLP_CERTIFICATE: files.path('gone.pem') };
  const { warnings } = await sendOne({ endpoint: 'https://127.0.0.1:1' }, env);
  expect(warnings).toContainEqual(
    'otlp-wasm: OTEL_EXPORTER_OTLP_CERTIFICATE names a file that cannot be read (ENOENT); it is ignored.',
  );
});
