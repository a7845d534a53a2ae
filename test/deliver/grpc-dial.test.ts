import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http2 from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { grpcProxyOf } from '../../src/runtime/node/proxy.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import {
  cleanups,
  delivered,
  deliverTo,
  listen,
  payload,
  rejected,
  retryable,
  transportTo,
} from '../support/grpc-delivery.ts';
import { answered, grpcJsServer } from '../support/grpc-server.ts';
import { type ProxyOptions, startProxy } from '../support/http-proxy.ts';

const OK = answered({ 'grpc-status': '0' });

describe.skipIf(process.platform === 'win32')('Unix sockets', () => {
  function socketPath(name = 'otel.sock') {
    const folder = mkdtempSync(join(tmpdir(), 'grpc-'));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    return join(folder, name);
  }

  async function listenOn(path: string) {
    const authorities: unknown[] = [];
    const server = http2.createServer();
    server.on('session', (session) => session.on('error', () => {}));
    server.on('stream', (stream, headers) => {
      authorities.push([headers[':scheme'], headers[':authority']]);
      stream.resume().on('end', () => OK(stream, { headers, bytes: Buffer.of(), connection: 0 }));
    });
    server.listen(path);
    await once(server, 'listening');
    cleanups.push(() => server.close());
    return authorities;
  }

  it.each(['unix:', 'unix://', 'UNIX:'])('%s and an absolute path', async (scheme) => {
    const path = socketPath();
    const authorities = await listenOn(path);
    const transport = transportTo(scheme + path);
    expect(await transport.send(payload())).toEqual(delivered);
    expect(await transport.send(payload())).toEqual(delivered);
    expect(authorities).toEqual([
      ['http', 'localhost'],
      ['http', 'localhost'],
    ]);
    expect(transport.connections?.()).toMatchObject({ state: 'ready', open: 1 });
  });

  it('a path with characters that URLs escape', async () => {
    const path = socketPath('an ö%41.sock');
    await listenOn(path);
    const url = `unix://${path.split('/').map(encodeURIComponent).join('/')}`;
    expect(await transportTo(url).send(payload())).toEqual(delivered);
  });

  it('a server of grpc-js on it', async () => {
    const path = socketPath();
    const server = await grpcJsServer((_, reply) => reply(null, Buffer.of()), {
      address: `unix:${path}`,
    });
    cleanups.push(server.close);
    expect(await transportTo(`unix:${path}`).send(payload(100, 'identity'))).toEqual(delivered);
  });

  it('nobody there: sent again; found when somebody is', async () => {
    const path = socketPath();
    const { deliver, outcomes } = deliverTo(`unix:${path}`);
    deliver.push(payload());
    while (outcomes.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(outcomes[0]).toMatchObject(retryable('ENOENT'));
    await listenOn(path);
    expect(await deliver.drained(60_000)).toBe(true);
    expect(deliver.stats().sent).toBe(10);
    await deliver.close(0);
  });

  it('a path that no socket can have: a failure as others', async () => {
    const transport = transportTo(`unix:/${'long/'.repeat(100)}`);
    // called by a timer, an error may come before any promise goes on
    const sent = new Promise((resolve) => {
      setImmediate(() => resolve(transport.send(payload())));
    });
    expect(await sent).toMatchObject(retryable());
    expect(transport.connections?.()).toMatchObject({ state: 'failing' });
  });

  it('no proxy is asked for one', async () => {
    const path = socketPath();
    await listenOn(path);
    vi.stubEnv('grpc_proxy', 'http://127.0.0.1:9');
    expect(await transportTo(`unix:${path}`).send(payload())).toEqual(delivered);
  });
});

describe('the proxy of the environment', () => {
  let certificates: Certificates;
  beforeAll(() => {
    certificates = makeCertificates();
  });
  afterAll(() => certificates.remove());
  beforeEach(() => {
    for (const name of Object.keys(process.env)) {
      if (/^(grpc|https?|all|no|no_grpc)_proxy$/i.test(name)) vi.stubEnv(name, undefined);
    }
    cleanups.push(() => vi.unstubAllEnvs());
  });

  async function proxy(options: ProxyOptions = {}) {
    const started = await startProxy(options);
    cleanups.push(() => started.close());
    return started;
  }

  it.each(['grpc_proxy', 'https_proxy', 'HTTPS_PROXY', 'http_proxy', 'all_proxy'])(
    '%s: calls without TLS go through it, over one connection',
    async (name) => {
      const [server, through] = [await listen([OK]), await proxy()];
      vi.stubEnv(name, through.url);
      const transport = transportTo(server.url);
      for (let i = 0; i < 3; i++) expect(await transport.send(payload())).toEqual(delivered);
      const { host } = new URL(server.url);
      expect(through.received).toMatchObject([{ method: 'CONNECT', target: host }]);
      expect(server.received).toHaveLength(3);
      expect(server.received[0]?.headers[':authority']).toBe(host);
      expect(server.connections()).toBe(1);
    },
  );

  it('TLS goes through it, to a server that shows its certificate; user and password are told the proxy only', async () => {
    const { read } = certificates;
    const tls = { key: read('server.key'), cert: read('server.pem') };
    const server = await listen([OK], { ...tls, secure: true } as http2.SecureServerOptions);
    const through = await proxy();
    vi.stubEnv('https_proxy', through.url.replace('//', '//user:pa%20ss@'));
    const transport = transportTo(server.url, { agent: { ca: read('ca.pem') } });
    expect(await transport.send(payload())).toEqual(delivered);
    const authorization = `Basic ${Buffer.from('user:pa ss').toString('base64')}`;
    expect(through.received).toMatchObject([
      { target: new URL(server.url).host, headers: { 'proxy-authorization': authorization } },
    ]);
    expect(JSON.stringify(server.received[0]?.headers)).not.toMatch(/authorization"/);
    // and without the authority, nothing is sent
    expect(await transportTo(server.url).send(payload())).toMatchObject(retryable('certificate'));
    expect(server.received).toHaveLength(1);
  });

  it.each(['no_proxy', 'no_grpc_proxy', 'NO_PROXY'])('%s: around it', async (name) => {
    const [server, through] = [await listen([OK]), await proxy()];
    vi.stubEnv('grpc_proxy', through.url);
    vi.stubEnv(name, 'elsewhere.test,127.0.0.1');
    expect(await transportTo(server.url).send(payload())).toEqual(delivered);
    expect(through.received).toEqual([]);
  });

  it.each<[Record<string, string>, string | undefined]>([
    [{ grpc_proxy: 'http://g', https_proxy: 'http://s', http_proxy: 'http://p' }, 'http://g/'],
    [{ GRPC_PROXY: 'http://g', https_proxy: 'http://s' }, 'http://g/'],
    [{ https_proxy: 'http://s', http_proxy: 'http://p' }, 'http://s/'],
    [{ http_proxy: 'http://p' }, 'http://p/'],
    [{ HTTP_PROXY: 'http://p', REQUEST_METHOD: 'GET' }, undefined],
    [{ grpc_proxy: 'http://g', no_proxy: 'collector.test' }, undefined],
    [{ grpc_proxy: 'http://g', no_grpc_proxy: 'collector.test' }, undefined],
    [{ grpc_proxy: 'http://g', no_grpc_proxy: 'x.test', no_proxy: 'collector.test' }, 'http://g/'],
    [{ no_proxy: 'x.test' }, undefined],
  ])('%j: %s', (env, expected) => {
    for (const scheme of ['http', 'https']) {
      expect(grpcProxyOf(new URL(`${scheme}://collector.test:4317`), env)?.href).toBe(expected);
    }
  });

  it.each([
    [407, rejected('HTTP 407')],
    [403, rejected('HTTP 403')],
    [503, retryable('HTTP 503')],
  ])('one that refuses with %s', async (refuse, expected) => {
    const [server, through] = [await listen([OK]), await proxy({ refuse })];
    vi.stubEnv('grpc_proxy', through.url.replace('//', '//user:hunter22@'));
    const outcome = await transportTo(server.url).send(payload());
    expect(outcome).toMatchObject(expected);
    expect(JSON.stringify(outcome)).not.toContain('hunter22');
    expect(server.received).toEqual([]);
  });

  it('one that cannot be reached: sent again', async () => {
    const [server, through] = [await listen([OK]), await proxy()];
    await through.close();
    vi.stubEnv('grpc_proxy', through.url);
    const transport = transportTo(server.url);
    expect(await transport.send(payload())).toMatchObject(retryable('ECONNREFUSED'));
    expect(transport.connections?.()).toEqual({ state: 'failing', open: 0, busy: 0 });
  });

  it('one that never answers: the time limit holds', async () => {
    const [server, through] = [await listen([OK]), await proxy({ refuse: false })];
    vi.stubEnv('grpc_proxy', through.url);
    const transport = transportTo(server.url, { timeoutMs: 50 });
    expect(await transport.send(payload())).toMatchObject(retryable('within 50 ms'));
  });

  it('closed before there is a connection: it is closed as it comes', async () => {
    const server = await listen([OK]);
    const through = await proxy();
    vi.stubEnv('grpc_proxy', through.url);
    const transport = transportTo(server.url);
    const sent = transport.send(payload());
    transport.close();
    expect(await sent).toMatchObject(retryable('closed'));
    await through.requested(1);
    while (through.open() > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(transport.connections?.()).toEqual({ state: 'idle', open: 0, busy: 0 });
    expect(server.received).toEqual([]);
  });

  it('a variable that is no proxy: refused, and its value not shown', async () => {
    const server = await listen([OK]);
    vi.stubEnv('grpc_proxy', 'socks5://user:hunter22@localhost');
    const outcome = await transportTo(server.url).send(payload());
    expect(outcome).toMatchObject(rejected('grpc_proxy is not the http or https URL of a proxy'));
    expect(JSON.stringify(outcome)).not.toContain('hunter22');
    expect(server.received).toEqual([]);
  });

  it('closed while the proxy is asked: nothing is opened', async () => {
    const [server, through] = [await listen([OK]), await proxy({ refuse: false })];
    vi.stubEnv('grpc_proxy', through.url);
    const transport = transportTo(server.url);
    const sent = transport.send(payload());
    await through.requested(1);
    transport.close();
    expect(await sent).toMatchObject(retryable('closed'));
    expect(server.received).toEqual([]);
  });
});
