/** A whole telemetry against a server that says all it was told: nothing of that is repeated. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { StartOptions } from '../../src/options/options.ts';
import { host as nodeHost } from '../../src/runtime/node/host.ts';
import { startOn } from '../../src/telemetry.ts';
import { bareGrpcServer, type ReceivedCall, trailersOnly } from '../support/grpc-server.ts';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanups.splice(0).reverse()) await cleanUp();
  vi.restoreAllMocks();
});

type Answer = (headers: IncomingHttpHeaders) => { status: number; type: string; body: string };

async function listen(answer: Answer) {
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      seen.push(request.headers);
      const { status, type, body } = answer(request.headers);
      response.writeHead(status, { 'content-type': type }).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, seen };
}

/** Waits until this holds, as long as it takes. */
function until(holds: () => void): Promise<void> {
  return vi.waitFor(holds, { timeout: 60_000, interval: 5 });
}

/** Everything that is said, by whatever way. */
function overheard(): string[] {
  const said: string[] = [];
  const hear = (...words: unknown[]) => {
    said.push(words.map(String).join(' '));
    return true;
  };
  for (const way of ['debug', 'error', 'info', 'log', 'warn'] as const) {
    vi.spyOn(console, way).mockImplementation(hear);
  }
  vi.spyOn(process.stderr, 'write').mockImplementation(hear as typeof process.stderr.write);
  return said;
}

function started(options: StartOptions, env: Readonly<Record<string, string>> = {}) {
  const said = overheard();
  const host = { ...nodeHost, env, detectors: [] };
  const telemetry = startOn(host, {
    flushOnExit: false,
    batch: { delayMs: 0 },
    queue: { retry: { initialMs: 1, maxMs: 1 } },
    ...options,
  });
  cleanups.push(() => telemetry.shutdown());
  return { said, telemetry };
}

function tokenPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'otlp-wasm-auth-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'token');
}

const SECRET = 'S3cr3tS3cr3tS3cr3t';

interface Kind {
  readonly options?: (port: number) => StartOptions;
  readonly env?: (port: number) => Record<string, string>;
  /** What the server is told. */
  readonly told: readonly [header: string, value: string];
}

const bearer = ['authorization', `Bearer ${SECRET}`] as const;
const basic = ['authorization', `Basic ${btoa(`user:${SECRET}`)}`] as const;
const withUser = (port: number) => `http://user:${SECRET}@127.0.0.1:${port}`;

const KINDS: Record<string, Kind> = {
  'a token': { options: () => ({ auth: { bearer: SECRET } }), told: bearer },
  'a token asked for': { options: () => ({ auth: { bearer: () => SECRET } }), told: bearer },
  'a token file': {
    options: () => {
      const path = tokenPath();
      writeFileSync(path, `${SECRET}\n`);
      return { auth: { bearerFile: path } };
    },
    told: bearer,
  },
  'an API key': { options: () => ({ auth: { apiKey: SECRET } }), told: ['x-api-key', SECRET] },
  'an API key asked for': {
    options: () => ({ auth: { apiKey: async () => SECRET, header: 'X-Own' } }),
    told: ['x-own', SECRET],
  },
  headers: { options: () => ({ headers: { 'X-Own': SECRET } }), told: ['x-own', SECRET] },
  'headers asked for': {
    options: () => ({ headers: async () => ({ 'X-Own': SECRET }) }),
    told: ['x-own', SECRET],
  },
  'a user in the URL': { options: (port) => ({ endpoint: withUser(port) }), told: basic },
  'headers of the environment': {
    env: () => ({ OTEL_EXPORTER_OTLP_HEADERS: `x-own=${SECRET}` }),
    told: ['x-own', SECRET],
  },
  'a user in the URL of the environment': {
    env: (port) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: withUser(port) }),
    told: basic,
  },
  'auth over the environment': {
    options: () => ({ auth: { bearer: SECRET } }),
    env: (port) => ({
      OTEL_EXPORTER_OTLP_ENDPOINT: withUser(port),
      OTEL_EXPORTER_OTLP_HEADERS: `Authorization=${SECRET}`,
    }),
    told: bearer,
  },
};

const ANSWERS: Record<string, Answer> = {
  refuses: (headers) => ({
    status: 401,
    type: 'text/plain',
    body: JSON.stringify(headers),
  }),
  'asks to come again': (headers) => ({
    status: 503,
    type: 'application/json',
    body: JSON.stringify({ message: Object.values(headers).join(', ') }),
  }),
  'accepts with a warning': (headers) => ({
    status: 200,
    type: 'application/json',
    body: JSON.stringify({ partialSuccess: { errorMessage: Object.values(headers).join(', ') } }),
  }),
};

/** Sends one span, and waits until what the server said of it is shown. */
async function journey(kind: Kind, port: number, more: StartOptions = {}): Promise<string> {
  const env = kind.env?.(port) ?? {};
  const usual =
    env.OTEL_EXPORTER_OTLP_ENDPOINT === undefined ? { endpoint: `http://127.0.0.1:${port}` } : {};
  const options = { ...usual, flushTimeoutMs: 0, ...more, ...kind.options?.(port) };
  const { said, telemetry } = started(options, env);
  telemetry.tracer('test').startSpan('one').end();
  void telemetry.flush();
  await until(() => {
    const [endpoint] = telemetry.health().endpoints;
    expect(endpoint?.lastError ?? endpoint?.lastWarning).toContain('***');
  });
  const health = telemetry.health();
  const report = await telemetry.shutdown();
  return JSON.stringify([health, telemetry.health(), report, said]);
}

function expectNothingOf(value: string, shown: string): void {
  for (const secret of [value, ...value.split(' ').slice(1)]) expect(shown).not.toContain(secret);
  expect(shown).not.toContain('S3cr3t');
}

describe.each(Object.entries(ANSWERS))('a server that says all it was told and %s', (_, answer) => {
  it.each(Object.entries(KINDS))('%s', async (_, kind) => {
    const [header, value] = kind.told;
    // What else it was told would fill the message.
    const { port, seen } = await listen((headers) => answer({ [header]: headers[header] }));
    const shown = await journey(kind, port);
    expect(seen[0]?.[header]).toBe(value);
    expectNothingOf(value, shown);
  });
});

describe('a gRPC server that says all it was told', () => {
  it.each(Object.entries(KINDS))('%s', async (_, kind) => {
    const [header, value] = kind.told;
    const server = await bareGrpcServer([
      (stream, { headers }) =>
        trailersOnly({
          'grpc-status': 16,
          'grpc-message': encodeURIComponent(`${header}: ${headers[header]}`),
        })(stream, { headers } as ReceivedCall),
    ]);
    cleanups.push(() => server.close());
    const shown = await journey(kind, Number(new URL(server.url).port), { protocol: 'grpc' });
    expect(server.received[0]?.headers[header]).toBe(value);
    expectNothingOf(value, shown);
  });
});

describe('a token that cannot be had', () => {
  it('spans wait for the file, of which the path is shown', async () => {
    const { port, seen } = await listen(() => ({ status: 200, type: 'text/plain', body: '' }));
    const path = tokenPath();
    const { telemetry } = started({
      endpoint: `http://127.0.0.1:${port}`,
      auth: { bearerFile: path },
    });
    telemetry.tracer('test').startSpan('one').end();
    const flushed = telemetry.flush();
    await until(() => {
      expect(telemetry.health().endpoints[0]?.lastError).toBe(
        `headers cannot be had: the token file '${path}' cannot be read`,
      );
    });
    expect(seen).toHaveLength(0);
    writeFileSync(path, SECRET);
    expect(await flushed).toMatchObject({ complete: true, sent: 1 });
    expect(seen).toMatchObject([{ authorization: `Bearer ${SECRET}` }]);
  });

  it('spans wait for the function', async () => {
    const { port, seen } = await listen(() => ({ status: 200, type: 'text/plain', body: '' }));
    const answers = [() => Promise.reject(new Error('away')), () => '', () => SECRET];
    const { telemetry } = started({
      endpoint: `http://127.0.0.1:${port}`,
      auth: { bearer: () => answers.shift()!() },
    });
    telemetry.tracer('test').startSpan('one').end();
    expect(await telemetry.flush()).toMatchObject({
      complete: true,
      sent: 1,
      lastError:
        "headers cannot be had: what was returned for option 'auth.bearer' is empty; give the token and nothing else.",
    });
    expect(seen).toMatchObject([{ authorization: `Bearer ${SECRET}` }]);
  });
});

describe('options that cannot be used', () => {
  it.each<[string, unknown]>([
    ['a line break', { auth: { bearer: `${SECRET}\n` } }],
    ['a whole header', { auth: { bearer: `Bearer ${SECRET}` } }],
    ['not an object', { auth: SECRET }],
    ['both', { auth: { bearer: SECRET }, headers: { Authorization: SECRET } }],
    ['a user in the URL beside it', { auth: { bearer: SECRET }, endpoint: withUser(1) }],
    ['a header in two lines', { headers: { 'x-own': `${SECRET}\n` } }],
    ['headers in one text', { headers: `authorization=${SECRET}` }],
    ['a URL', { endpoint: `ftp://user:${SECRET}@c` }],
  ])('%s', (_, options) => {
    const said = overheard();
    let thrown: unknown;
    try {
      startOn({ ...nodeHost, env: {}, detectors: [] }, options as StartOptions);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'invalid_option' });
    expect(`${(thrown as Error).stack}${said}`).not.toContain('S3cr3t');
  });

  it('variables', () => {
    const said = overheard();
    const env = {
      OTEL_EXPORTER_OTLP_HEADERS: `x-own=${SECRET},${SECRET}`,
      OTEL_EXPORTER_OTLP_ENDPOINT: `ftp://user:${SECRET}@c`,
    };
    cleanups.push(() => telemetry.shutdown());
    const telemetry = startOn({ ...nodeHost, env, detectors: [] }, { flushOnExit: false });
    expect(said.join('\n')).toContain('OTEL_EXPORTER_OTLP_HEADERS');
    expect(said.join('\n')).toContain('OTEL_EXPORTER_OTLP_ENDPOINT');
    expect(said.join('\n')).not.toContain('S3cr3t');
  });
});
