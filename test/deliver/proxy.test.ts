import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http, { type IncomingHttpHeaders } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import tls from 'node:tls';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Outcome, Payload, Transport } from '../../src/deliver/transport.ts';
import { nodeHttpTransport } from '../../src/runtime/node/http-transport.ts';
import { loadProxies } from '../../src/runtime/node/proxied.ts';
import { connectThrough, proxyOf } from '../../src/runtime/node/proxy.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { type HttpProxy, type ProxyOptions, startProxy } from '../support/http-proxy.ts';

const cleanups: (() => unknown)[] = [];
let certificates: Certificates;

beforeAll(() => {
  certificates = makeCertificates();
});
afterAll(() => certificates.remove());
afterEach(async () => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  for (const cleanUp of cleanups.splice(0).reverse()) await cleanUp();
});

const serverTls = () => ({
  key: certificates.read('server.key'),
  cert: certificates.read('server.pem'),
});

/** Trusts the test's authority wherever a connection says nothing of its own. */
function trustEverywhere() {
  const { connect } = tls;
  const trusting = (options: tls.ConnectionOptions) =>
    connect({ ca: certificates.read('ca.pem'), ...options });
  vi.spyOn(tls, 'connect').mockImplementation(trusting as typeof tls.connect);
}

describe('proxyOf', () => {
  const proxied = (url: string, env: Record<string, string>) => proxyOf(new URL(url), env)?.href;
  const P = 'http://proxy.test:3128/';

  it.each<[string, Record<string, string>, string | undefined]>([
    ['http://a.test/', {}, undefined],
    ['http://a.test/', { http_proxy: P }, P],
    ['http://a.test/', { HTTP_PROXY: P }, P],
    ['http://a.test/', { HTTP_PROXY: P, REQUEST_METHOD: 'GET' }, undefined],
    ['http://a.test/', { http_proxy: P, REQUEST_METHOD: 'GET' }, P],
    ['https://a.test/', { HTTPS_PROXY: P, REQUEST_METHOD: 'GET' }, P],
    ['http://a.test/', { https_proxy: P }, undefined],
    ['https://a.test/', { http_proxy: P }, undefined],
    ['https://a.test/', { https_proxy: P }, P],
    ['https://a.test/', { https_proxy: P, HTTPS_PROXY: 'http://other.test' }, P],
    ['https://a.test/', { https_proxy: '', HTTPS_PROXY: P }, P],
    ['https://a.test/', { https_proxy: '  ' }, undefined],
    ['https://a.test/', { all_proxy: P }, P],
    ['http://a.test/', { ALL_PROXY: P }, P],
    ['http://a.test/', { ALL_PROXY: 'http://other.test', http_proxy: P }, P],
    ['http://a.test/', { http_proxy: 'proxy.test:3128' }, P],
    ['http://a.test/', { http_proxy: 'jo:pw@proxy.test:3128' }, 'http://jo:pw@proxy.test:3128/'],
    ['http://a.test/', { http_proxy: 'https://proxy.test' }, 'https://proxy.test/'],
    ['unix:///run/otel.sock', { all_proxy: P, http_proxy: P }, undefined],
  ])('of %s with %j is %s', (url, env, expected) => {
    expect(proxied(url, env)).toBe(expected);
  });

  it.each<[string, string, boolean]>([
    ['*', 'http://a.test/', true],
    ['b.test, *', 'http://a.test/', true],
    ['a.test', 'http://a.test/', true],
    ['A.TEST', 'http://a.test/', true],
    ['a.test', 'http://x.a.test/', true],
    ['.a.test', 'http://x.a.test/', true],
    ['.a.test', 'http://a.test/', true],
    ['*.a.test', 'http://x.a.test/', true],
    ['a.test', 'http://xa.test/', false],
    ['.a.test', 'http://xa.test/', false],
    ['a.test.', 'http://a.test/', true],
    ['a.test', 'http://a.test./', true],
    ['x.a.test', 'http://a.test/', false],
    ['b.test,a.test', 'http://a.test/', true],
    ['b.test a.test', 'http://a.test/', true],
    [',, ,', 'http://a.test/', false],
    ['.', 'http://a.test/', false],
    ['a.test:4318', 'http://a.test:4318/', true],
    ['a.test:4318', 'http://a.test:4319/', false],
    ['a.test:80', 'http://a.test/', true],
    ['a.test:443', 'https://a.test/', true],
    ['a.test:80', 'https://a.test/', false],
    ['.a.test:4318', 'http://x.a.test:4318/', true],
    ['*:4318', 'http://a.test:4318/', true],
    ['*:4318', 'http://a.test/', false],
    ['localhost', 'http://localhost:4318/', true],
    ['localhost', 'http://127.0.0.1:4318/', false],
    ['127.0.0.1', 'http://127.0.0.1:4318/', true],
    ['127.0.0.1', 'http://127.0.0.11/', false],
    ['0.1', 'http://127.0.0.1/', false],
    ['127.0.0.1:4318', 'http://127.0.0.1:4318/', true],
    ['127.0.0.1:4318', 'http://127.0.0.1/', false],
    ['10.0.0.0/8', 'http://10.200.3.4/', true],
    ['10.0.0.0/8', 'http://11.0.0.1/', false],
    ['192.168.1.128/25', 'http://192.168.1.127/', false],
    ['0.0.0.0/0', 'http://8.8.8.8/', true],
    ['10.0.0.0/33', 'http://10.0.0.1/', false],
    ['10.0.0.0/x', 'http://10.0.0.1/', false],
    ['10.0.0.0/8', 'http://10.test/', false],
    ['::1', 'http://[::1]:4318/', true],
    ['[::1]', 'http://[::1]:4318/', true],
    ['[::1]:4318', 'http://[::1]:4318/', true],
    ['[::1]:4318', 'http://[::1]/', false],
    ['0:0:0:0:0:0:0:1', 'http://[::1]/', true],
    ['::1', 'http://[::2]/', false],
    ['fd00::/8', 'http://[fd12::3]/', true],
    ['fd00::/8', 'http://[fe12::3]/', false],
    ['::1', 'http://127.0.0.1/', false],
  ])('with no_proxy "%s" leaves out %s: %s', (no_proxy, url, exempt) => {
    expect(proxied(url, { all_proxy: P, no_proxy })).toBe(exempt ? undefined : P);
  });

  it('reads NO_PROXY where there is no no_proxy', () => {
    const all_proxy = P;
    expect(proxied('http://a.test/', { all_proxy, NO_PROXY: 'a.test' })).toBeUndefined();
    expect(proxied('http://a.test/', { all_proxy, NO_PROXY: 'a.test', no_proxy: 'b' })).toBe(P);
  });

  it.each(['socks5://jo:secret@proxy.test:1080', 'http://jo:secret@', 'http://a%zz:secret@b'])(
    'refuses %s, without showing what is secret',
    (https_proxy) => {
      const message = /^https_proxy is not the http or https URL of a proxy(?!.*secret)/;
      expect(() => proxied('https://a.test/', { https_proxy })).toThrow(message);
      expect(proxied('https://a.test/', { https_proxy, no_proxy: 'a.test' })).toBeUndefined();
    },
  );
});

it('what knows of proxies is loaded where a variable names one', async () => {
  for (const name of ['http_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY']) {
    expect(await loadProxies({ [name]: 'http://proxy.test' })).toHaveProperty('proxyOf');
    expect(loadProxies({ [name]: '' })).toBeUndefined();
  }
  expect(loadProxies({ NO_PROXY: '*', npm_config_https_proxy: 'http://p' })).toBeUndefined();
});

async function proxyWith(options: ProxyOptions = {}): Promise<HttpProxy> {
  const proxy = await startProxy(options);
  cleanups.push(() => proxy.close());
  return proxy;
}

describe('connectThrough', () => {
  /** Says who it is before it is asked, as HTTP/2 servers do, and repeats what it hears. */
  async function greeter(): Promise<number> {
    const sockets = new Set<net.Socket>();
    const server = net.createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.write('hello ');
      socket.pipe(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return (server.address() as AddressInfo).port;
  }

  async function heard(socket: net.Socket, bytes: number): Promise<string> {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    while (text.length < bytes) await once(socket, 'data');
    return text;
  }

  it.each(['http', 'https'])('speaks with the target through an %s proxy', async (scheme) => {
    trustEverywhere();
    const proxy = await proxyWith(scheme === 'https' ? { tls: serverTls() } : {});
    const port = await greeter();
    const socket = await connectThrough(new URL(proxy.url), { host: '127.0.0.1', port }, 30_000);
    cleanups.push(() => socket.destroy());
    socket.write('echo');
    expect(await heard(socket, 10)).toBe('hello echo');
    expect(proxy.received).toEqual([
      {
        method: 'CONNECT',
        target: `127.0.0.1:${port}`,
        headers: { host: `127.0.0.1:${port}`, connection: 'keep-alive' },
      },
    ]);
  });

  it('gives the target what came with the answer of the proxy', async () => {
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\nhello '));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    const proxy = new URL(`http://127.0.0.1:${port}`);
    const socket = await connectThrough(proxy, { host: 'a.test', port: 443 }, 30_000);
    cleanups.push(() => socket.destroy());
    expect(await heard(socket, 6)).toBe('hello ');
  });

  it('writes IPv6 addresses in brackets, with and without them', async () => {
    const proxy = await proxyWith({ refuse: 403 });
    for (const host of ['::1', '[::1]']) {
      const connecting = connectThrough(new URL(proxy.url), { host, port: 4317 }, 30_000);
      await expect(connecting).rejects.toThrow('403');
    }
    expect(proxy.received.map(({ target }) => target)).toEqual(['[::1]:4317', '[::1]:4317']);
  });

  it.each([
    [403, 'ERR_HTTP_PROXY_REFUSED', /HTTP 403$/],
    [407, 'ERR_HTTP_PROXY_REFUSED', /HTTP 407, for want of a user and password in its URL$/],
    [503, 'EPROXY', /HTTP 503$/],
  ])('says so when the proxy answers %d', async (refuse, code, message) => {
    const proxy = await proxyWith({ refuse });
    const named = new URL(proxy.url);
    named.username = 'jo';
    named.password = 'pass-word-1';
    const error = await connectThrough(named, { host: 'a.test', port: 443 }, 30_000).then(
      () => undefined,
      (failed: NodeJS.ErrnoException) => failed,
    );
    expect(error?.code).toBe(code);
    expect(error?.message).toMatch(message);
    expect(error?.message).toContain(`proxy ${proxy.url}: refused to connect to a.test:443`);
    expect(error?.message).not.toMatch(/pass-word-1|jo/);
    const basic = Buffer.from('jo:pass-word-1').toString('base64');
    expect(proxy.received[0]?.headers['proxy-authorization']).toBe(`Basic ${basic}`);
  });

  it('says so when nobody listens', async () => {
    const proxy = await proxyWith();
    await proxy.close();
    const connecting = connectThrough(new URL(proxy.url), { host: 'a.test', port: 443 }, 30_000);
    await expect(connecting).rejects.toMatchObject({
      code: 'ECONNREFUSED',
      message: expect.stringContaining(`proxy ${proxy.url}: `),
    });
  });

  it('says so when the proxy is none', async () => {
    const port = await greeter();
    const proxy = new URL(`http://127.0.0.1:${port}`);
    const connecting = connectThrough(proxy, { host: 'a.test', port: 443 }, 30_000);
    await expect(connecting).rejects.toThrow(`proxy http://127.0.0.1:${port}: `);
  });

  it('gives up a proxy that does not answer, and closes the connection', async () => {
    const proxy = await proxyWith({ refuse: false });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const connecting = connectThrough(new URL(proxy.url), { host: 'a.test', port: 443 }, 30_000);
    await proxy.requested(1);
    vi.advanceTimersByTime(30_000);
    await expect(connecting).rejects.toThrow('no connection within 30000 ms');
    while (proxy.open() > 0) await new Promise((wake) => setImmediate(wake));
  });

  it('ends with its signal, before and after it is there', async () => {
    const waiting = await proxyWith({ refuse: false });
    const target = { host: '127.0.0.1', port: await greeter() };
    const ended = new AbortController();
    const connecting = connectThrough(new URL(waiting.url), target, 30_000, ended.signal);
    const proxy = await proxyWith();
    const socket = await connectThrough(new URL(proxy.url), target, 30_000, ended.signal);
    socket.on('error', () => {});
    await waiting.requested(1);
    ended.abort();
    await expect(connecting).rejects.toThrow('abort');
    expect(socket.destroyed).toBe(true);
  });
});

const payload: Payload = {
  signal: 'traces',
  body: new Uint8Array(2000).fill(7),
  encoding: 'gzip',
  contentType: 'application/x-protobuf',
  records: 10,
  rawBytes: 9000,
};

interface Target {
  readonly url: string;
  readonly port: number;
  readonly received: { readonly path: string; readonly headers: IncomingHttpHeaders }[];
  connections: number;
}

/** A collector that accepts everything. */
async function target(secure: boolean): Promise<Target> {
  const server = secure ? https.createServer(serverTls()) : http.createServer();
  server.keepAliveTimeout = 0;
  const found: Target = { url: '', port: 0, received: [], connections: 0 };
  server.on(secure ? 'secureConnection' : 'connection', () => {
    found.connections++;
  });
  server.on('request', (request, response) => {
    found.received.push({ path: request.url ?? '', headers: request.headers });
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const scheme = secure ? 'https' : 'http';
  return Object.assign(found, { port, url: `${scheme}://127.0.0.1:${port}/v1/traces?tenant=7` });
}

function transportTo(url: string, agent: object): Transport {
  const transport = nodeHttpTransport({
    url,
    headers: { 'x-key': 'key-value-1' },
    userAgent: 'test',
    timeoutMs: 30_000,
    maxConnections: 4,
    maxResponseBytes: 1000,
    agent,
  });
  cleanups.push(() => transport.close());
  return transport;
}

/** Sends requests one after another. */
async function sendOn(transport: Transport, count: number): Promise<Outcome['kind'][]> {
  const kinds: Outcome['kind'][] = [];
  for (let i = 0; i < count; i++) {
    kinds.push((await transport.send(payload)).kind);
    // the connection returns to its pool a few turns after the answer
    for (let turn = 0; turn < 5; turn++) await new Promise((wake) => setImmediate(wake));
  }
  return kinds;
}

describe('OTLP/HTTP through a proxy', () => {
  const trusted = () => ({ ca: certificates.read('ca.pem') });

  it.each(['http', 'https'])('http: targets, by whole URLs to an %s proxy', async (scheme) => {
    const collector = await target(false);
    const proxy = await proxyWith(scheme === 'https' ? { tls: serverTls() } : {});
    const http_proxy = proxy.url.replace('://', '://jo:pass-word-1@');
    const transport = transportTo(collector.url, { ...trusted(), proxyEnv: { http_proxy } });
    expect(await sendOn(transport, 3)).toEqual(Array(3).fill('delivered'));
    expect(collector.received).toHaveLength(3);
    expect(collector.received[0]).toMatchObject({
      path: '/v1/traces?tenant=7',
      headers: { host: `127.0.0.1:${collector.port}`, 'x-key': 'key-value-1' },
    });
    expect(proxy.received[2]).toMatchObject({
      method: 'POST',
      target: collector.url,
      headers: {
        'proxy-authorization': `Basic ${Buffer.from('jo:pass-word-1').toString('base64')}`,
        'content-encoding': 'gzip',
      },
    });
    // the connection to the proxy is kept
    expect(proxy.open()).toBe(1);
    expect(transport.connections?.()).toEqual({ state: 'ready', open: 1, busy: 0 });
  });

  it.each(['http', 'https'])('https: targets, by a tunnel of an %s proxy', async (scheme) => {
    const collector = await target(true);
    const proxy = await proxyWith(scheme === 'https' ? { tls: serverTls() } : {});
    if (scheme === 'https') trustEverywhere();
    const https_proxy = proxy.url.replace('://', '://jo:pass-word-1@');
    const transport = transportTo(collector.url, { ...trusted(), proxyEnv: { https_proxy } });
    expect(await sendOn(transport, 3)).toEqual(Array(3).fill('delivered'));
    expect(collector.received).toHaveLength(3);
    expect(collector.connections).toBe(1);
    expect(proxy.received).toEqual([
      {
        method: 'CONNECT',
        target: `127.0.0.1:${collector.port}`,
        headers: expect.objectContaining({
          'proxy-authorization': `Basic ${Buffer.from('jo:pass-word-1').toString('base64')}`,
        }),
      },
    ]);
    // what is meant for the collector is not shown to the proxy
    expect(proxy.received[0]?.headers).not.toHaveProperty('x-key');
    expect(collector.received[0]?.headers).not.toHaveProperty('proxy-authorization');
    transport.close();
    while (proxy.open() > 0) await new Promise((wake) => setImmediate(wake));
  });

  it('several connections, as without one', async () => {
    const collector = await target(true);
    const proxy = await proxyWith();
    const proxyEnv = { HTTPS_PROXY: proxy.url };
    const transport = transportTo(collector.url, { ...trusted(), proxyEnv });
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => transport.send(payload)));
    expect(outcomes).toEqual(Array(4).fill({ kind: 'delivered' }));
    expect(collector.connections).toBe(4);
    expect(proxy.received).toHaveLength(4);
  });

  it('by the variables of the process', async () => {
    const collector = await target(false);
    const proxy = await proxyWith();
    for (const name of ['no_proxy', 'NO_PROXY', 'HTTP_PROXY', 'all_proxy']) vi.stubEnv(name, '');
    vi.stubEnv('http_proxy', proxy.url);
    expect(await sendOn(transportTo(collector.url, {}), 1)).toEqual(['delivered']);
    expect(proxy.received).toHaveLength(1);
    vi.stubEnv('no_proxy', '127.0.0.0/8');
    expect(await sendOn(transportTo(collector.url, {}), 1)).toEqual(['delivered']);
    expect(proxy.received).toHaveLength(1);
  });

  it('not with an agent of the user, nor with an environment of the user that names none', async () => {
    const collector = await target(false);
    const proxy = await proxyWith();
    vi.stubEnv('http_proxy', proxy.url);
    vi.stubEnv('no_proxy', '');
    vi.stubEnv('NO_PROXY', '');
    const agent = new http.Agent({ keepAlive: true });
    cleanups.push(() => agent.destroy());
    expect(await sendOn(transportTo(collector.url, agent), 1)).toEqual(['delivered']);
    expect(await sendOn(transportTo(collector.url, { proxyEnv: {} }), 1)).toEqual(['delivered']);
    expect(proxy.received).toHaveLength(0);
  });

  it.each<[number, boolean, Outcome['kind']]>([
    [403, true, 'rejected'],
    [407, true, 'rejected'],
    [503, true, 'retryable'],
    [407, false, 'rejected'],
    [502, false, 'retryable'],
  ])('a proxy that answers %d (to CONNECT: %s) makes it %s', async (refuse, secure, kind) => {
    const proxy = await proxyWith({ refuse });
    const all_proxy = proxy.url.replace('://', '://jo:pass-word-1@');
    const url = `${secure ? 'https' : 'http'}://collector.test/v1/traces`;
    const outcome = await transportTo(url, { proxyEnv: { all_proxy } }).send(payload);
    expect(outcome).toMatchObject({ kind, reason: expect.stringContaining(`HTTP ${refuse}`) });
    expect(JSON.stringify(outcome)).not.toMatch(/pass-word-1|key-value-1/);
  });

  it('a proxy that is away is worth another attempt', async () => {
    const collector = await target(true);
    const proxy = await proxyWith();
    await proxy.close();
    const proxyEnv = { https_proxy: proxy.url };
    const transport = transportTo(collector.url, { ...trusted(), proxyEnv });
    expect(await transport.send(payload)).toMatchObject({
      kind: 'retryable',
      reason: expect.stringMatching(/^(ECONNREFUSED )?proxy .*ECONNREFUSED/),
    });
    expect(transport.connections?.()).toEqual({ state: 'failing', open: 0, busy: 0 });
  });

  it('a variable that names no proxy is refused by its name', async () => {
    const proxyEnv = { https_proxy: 'socks5://jo:pass-word-1@proxy.test' };
    const outcome = await transportTo('https://collector.test/', { proxyEnv }).send(payload);
    expect(outcome).toMatchObject({
      kind: 'rejected',
      reason: expect.stringMatching('https_proxy'),
    });
    expect(JSON.stringify(outcome)).not.toContain('pass-word-1');
  });

  it('time is up, and closing cuts, while the tunnel is being made', async () => {
    const proxy = await proxyWith({ refuse: false });
    const proxyEnv = { https_proxy: proxy.url };
    const transport = transportTo('https://collector.test/', { proxyEnv });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const late = transport.send(payload);
    await proxy.requested(1);
    expect(transport.connections?.()).toEqual({ state: 'connecting', open: 0, busy: 0 });
    vi.advanceTimersByTime(30_000);
    expect(await late).toMatchObject({
      kind: 'retryable',
      reason: expect.stringContaining('within 30000 ms'),
    });
    const cut = transport.send(payload);
    await proxy.requested(2);
    transport.close();
    expect(await cut).toMatchObject({ kind: 'retryable', reason: 'the transport was closed' });
    while (proxy.open() > 0) await new Promise((wake) => setImmediate(wake));
  });

  it.each(['http', 'https'])(
    'an idle tunnel of an %s proxy does not keep the process',
    async (scheme) => {
      const collector = await target(true);
      const proxy = await proxyWith(scheme === 'https' ? { tls: serverTls() } : {});
      const options = {
        ...{ url: collector.url, headers: {}, userAgent: 'x', timeoutMs: 3_600_000 },
        ...{ maxConnections: 1, maxResponseBytes: 1000 },
      };
      const bundled = await build({
        stdin: {
          contents: `
          import { nodeHttpTransport } from './src/runtime/node/http-transport.ts';
          const transport = nodeHttpTransport(${JSON.stringify(options)});
          const outcome = await transport.send({
            signal: 'traces', body: new Uint8Array(10), encoding: 'identity',
            contentType: 'application/x-protobuf', records: 1, rawBytes: 10,
          });
          console.log(outcome.kind);
        `,
          resolveDir: process.cwd(),
          loader: 'ts',
        },
        ...{ bundle: true, platform: 'node', format: 'esm', write: false },
      });
      const child = spawn(process.execPath, ['--input-type=module', '-'], {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: {
          ...process.env,
          NODE_EXTRA_CA_CERTS: certificates.path('ca.pem'),
          https_proxy: proxy.url,
          ...{ no_proxy: '', NO_PROXY: '' },
        },
      });
      cleanups.push(() => child.kill());
      child.stdin.end(bundled.outputFiles?.[0]?.text);
      let printed = '';
      child.stdout.on('data', (chunk) => {
        printed += chunk;
      });
      // both servers keep their ends open: only the child can end this
      const [code] = await once(child, 'close');
      expect([printed.trim(), code]).toEqual(['delivered', 0]);
      expect(proxy.received).toHaveLength(1);
    },
  );
});
