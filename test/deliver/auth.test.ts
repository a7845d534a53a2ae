import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type Auth, authenticated, tokenFile } from '../../src/deliver/auth.ts';
import { endpointOf, type HttpEndpoint } from '../../src/deliver/endpoint.ts';
import { shown } from '../../src/deliver/outcome.ts';
import type { Outcome, Payload, TransportOptions } from '../../src/deliver/transport.ts';
import { type AuthOptions, type HeadersOption, resolveAuth } from '../../src/options/auth.ts';
import { fetchTransport } from '../../src/runtime/fetch-transport.ts';
import { nodeHttpTransport } from '../../src/runtime/node/http-transport.ts';
import { FakeClock } from './fake-clock.ts';

const OPTIONS: TransportOptions = {
  url: 'http://c/v1/traces',
  headers: { tenant: 'blue' },
  userAgent: 'ua/1',
  timeoutMs: 10_000,
  maxConnections: 4,
  maxResponseBytes: 1 << 20,
};

/** A file that says what it is told to say. */
function fileOn(clock: FakeClock) {
  const file = {
    text: undefined as string | undefined,
    readings: 0,
    now: () => clock.now(),
    readText: async (path: string) => {
      expect(path).toBe('/run/token');
      file.readings++;
      return file.text;
    },
  };
  return file;
}

describe('a token file', () => {
  it('is read again 10 s after it was read, not before', async () => {
    const clock = new FakeClock();
    const file = fileOn(clock);
    const ask = tokenFile(file, '/run/token');
    expect(file.readings).toBe(0);
    file.text = '\n tok-1 \r\n';
    expect(await ask()).toBe('tok-1');
    file.text = 'tok-2\n';
    await clock.advance(9_999);
    expect(await ask()).toBe('tok-1');
    expect(file.readings).toBe(1);
    await clock.advance(1);
    expect(await ask()).toBe('tok-2');
    expect(file.readings).toBe(2);
  });

  it.each([
    ['cannot be read', undefined],
    ['is empty', '\n'],
    ['has a line break in it', 's3cr3t\ns3cr3t'],
    ['has white space in it', 's3cr3t s3cr3t'],
    ["begins with 'Bearer', which is added to it", 'Bearer s3cr3t'],
    ['has characters that headers cannot have', 's3cr3t\0'],
  ])('that %s: the last token serves for 60 s, then there is none', async (problem, text) => {
    const clock = new FakeClock();
    const file = fileOn(clock);
    const ask = tokenFile(file, '/run/token');
    file.text = text;
    const message = `the token file '/run/token' ${problem}`;
    await expect(ask()).rejects.toThrow(new Error(message));
    file.text = 'tok-1';
    expect(await ask()).toBe('tok-1');
    file.text = text;
    await clock.advance(59_999);
    expect(await ask()).toBe('tok-1');
    await clock.advance(1);
    await expect(ask()).rejects.toThrow(new Error(message));
    file.text = 'tok-2';
    expect(await ask()).toBe('tok-2');
  });

  it('while it cannot be read, every attempt tries', async () => {
    const clock = new FakeClock();
    const file = fileOn(clock);
    const ask = tokenFile(file, '/run/token');
    file.text = 'tok-1';
    await ask();
    file.text = '';
    await clock.advance(10_000);
    await ask();
    file.text = 'tok-2';
    expect(await ask()).toBe('tok-2');
    expect(file.readings).toBe(3);
  });
});

/** A function whose answers are given by hand. */
function byHand<T>() {
  const calls: { resolve: (value: T) => void; reject: (error: unknown) => void }[] = [];
  const ask = () => new Promise<T>((resolve, reject) => calls.push({ resolve, reject }));
  return { calls, ask };
}

type Ask = () => Promise<HttpEndpoint | Outcome>;

function asking(clock: FakeClock, askHeaders: () => Promise<Record<string, string>>): Ask {
  const { askEndpoint } = authenticated(clock, OPTIONS, { askHeaders });
  return () => askEndpoint!('traces');
}

describe('authenticated', () => {
  const clock = new FakeClock();

  it('without auth, the options are what they were', () => {
    expect(authenticated(clock, OPTIONS, undefined)).toBe(OPTIONS);
  });

  it('known headers are added once, and nothing is asked', () => {
    const staticHeaders = { authorization: 'Bearer tok-1' };
    expect(authenticated(clock, OPTIONS, { staticHeaders })).toEqual({
      ...OPTIONS,
      headers: { tenant: 'blue', authorization: 'Bearer tok-1' },
    });
  });

  it('what is asked for wins over what is configured, whatever its case, and over the URL', async () => {
    const options = { ...OPTIONS, url: 'http://u:p@c/', headers: { Authorization: 'a', b: 'c' } };
    const askHeaders = async () => ({ authorization: 'Bearer tok-1' });
    const { askEndpoint } = authenticated(clock, options, { askHeaders });
    expect(await askEndpoint!('traces')).toMatchObject({
      headers: { authorization: 'Bearer tok-1', b: 'c' },
    });
  });
});

describe('asking for headers', () => {
  it('attempts that ask while an answer is awaited share it; the next one asks again', async () => {
    const { calls, ask } = byHand<Record<string, string>>();
    const askEndpoint = asking(new FakeClock(), ask);
    const [first, second] = [askEndpoint(), askEndpoint()];
    expect(calls).toHaveLength(1);
    calls[0]!.resolve({ authorization: 'Bearer tok-1' });
    expect(await first).toMatchObject({ headers: { authorization: 'Bearer tok-1' } });
    expect(await second).toEqual(await first);
    const third = askEndpoint();
    expect(calls).toHaveLength(2);
    calls[1]!.resolve({ authorization: 'Bearer tok-2' });
    expect(await third).toMatchObject({ headers: { authorization: 'Bearer tok-2' } });
  });

  it('what fails is worth another attempt, which asks again', async () => {
    const { calls, ask } = byHand<Record<string, string>>();
    const askEndpoint = asking(new FakeClock(), ask);
    const failing = [askEndpoint(), askEndpoint()];
    calls[0]!.reject(new Error('the token service is away'));
    const outcome = {
      kind: 'retryable',
      reason: 'headers cannot be had: the token service is away',
    };
    expect(await Promise.all(failing)).toEqual([outcome, outcome]);
    const next = askEndpoint();
    calls[1]!.resolve({ a: '1' });
    expect(await next).toMatchObject({ headers: { a: '1' } });
  });

  it('what throws at once, or throws what is no error, is no different', async () => {
    const thrown: unknown[] = [new Error('one'), 'two', null, undefined];
    const askEndpoint = asking(new FakeClock(), () => {
      throw thrown.shift();
    });
    const reasons: unknown[] = [];
    while (thrown.length > 0) reasons.push(await askEndpoint());
    expect(reasons).toEqual(
      ['one', 'two', 'null', 'undefined'].map((why) => ({
        kind: 'retryable',
        reason: `headers cannot be had: ${why}`,
      })),
    );
  });

  it('an answer that never comes is waited for no longer than an attempt may take', async () => {
    const clock = new FakeClock();
    const { calls, ask } = byHand<Record<string, string>>();
    const askEndpoint = asking(clock, ask);
    const late = askEndpoint();
    await clock.advance(OPTIONS.timeoutMs);
    expect(await late).toEqual({
      kind: 'retryable',
      reason: 'headers cannot be had: no answer within 10000 ms',
    });
    const next = askEndpoint();
    expect(calls).toHaveLength(2);
    calls[1]!.resolve({ a: '1' });
    expect(await next).toMatchObject({ headers: { a: '1' } });
    // The timer is gone, and the late answer changes nothing.
    expect(clock.timers.size).toBe(0);
    calls[0]!.resolve({ a: 'late' });
    const last = askEndpoint();
    calls[2]!.resolve({ a: '3' });
    expect(await last).toMatchObject({ headers: { a: '3' } });
  });

  it('secrets are not shown when an error quotes them: the ones configured, and the last asked for', async () => {
    const { calls, ask } = byHand<Record<string, string>>();
    const headers = { 'x-key': 'k3y-configured' };
    const { askEndpoint } = authenticated(
      new FakeClock(),
      { ...OPTIONS, url: 'http://u:p4ssword@c/', headers },
      { askHeaders: ask },
    );
    const first = askEndpoint!('traces');
    calls[0]!.reject(new Error('not for k3y-configured or p4ssword'));
    expect(await first).toMatchObject({ reason: 'headers cannot be had: not for *** or ***' });
    const second = askEndpoint!('traces');
    calls[1]!.resolve({ 'x-token': 'Bearer t0ken-asked' });
    await second;
    const third = askEndpoint!('traces');
    calls[2]!.reject(new Error('t0ken-asked has expired'));
    expect(await third).toMatchObject({ reason: 'headers cannot be had: *** has expired' });
  });
});

describe('what a message may show of secrets', () => {
  const jwt = (payload: string) => `eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.${payload}`;

  it.each([
    ['cut off by the end of the answer', jwt('cGF5bG9hZC1vZi1hLWxvbmctb25l').slice(0, 40), '***'],
    ['in part', `${jwt('cGF5bG9hZC1vZi1hLWxvbmctb25l').slice(0, 50)}...`, '***...'],
    ['one that begins like another', `${jwt('b3RoZXI')} expired`, '*** expired'],
    ['part of one that begins like another', `${jwt('b3Ro')}`, '***'],
    ['in a URL', '?key=sl%2Fash%2Bplus&a=1', '?key=***&a=1'],
    ['in JSON', '{"x-quoted":"say \\"hello\\" twice"}', '{"x-quoted":"***"}'],
    [
      'half of a short one',
      'say "hello is not known, nor is say "hel',
      '*** is not known, nor is say "hel',
    ],
    ['a word that is no secret', 'eyJhbGci is how tokens begin', 'eyJhbGci is how tokens begin'],
    ['a password as it was typed', 'pässword or p%C3%A4ssword', '*** or ***'],
  ])('%s', (_, text, expected) => {
    const headers = {
      authorization: `Bearer ${jwt('cGF5bG9hZC1vZi1hLWxvbmctb25l')}`,
      'x-second': jwt('b3RoZXI'),
      'x-slash': 'sl/ash+plus',
      'x-quoted': 'say "hello" twice',
    };
    const url = 'http://u:p%C3%A4ssword@c/';
    expect(shown(text, endpointOf({ ...OPTIONS, url, headers }).secrets)).toBe(expected);
  });
});

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanups.splice(0).reverse()) await cleanUp();
});

/** A server that knows nobody and says all it was told. */
async function echo(status: number, textOf: (headers: IncomingHttpHeaders) => string) {
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      seen.push(request.headers);
      response.writeHead(status, { 'content-type': 'text/plain' });
      response.end(textOf(request.headers));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, seen };
}

const PAYLOAD: Payload = {
  signal: 'traces',
  body: new Uint8Array([1, 2, 3]),
  encoding: 'identity',
  contentType: 'application/x-protobuf',
  records: 1,
  rawBytes: 3,
};

const SECRET = 'S3cr3tS3cr3tS3cr3t';
const KINDS: [string, { auth?: AuthOptions; headers?: HeadersOption }, string, string][] = [
  ['bearer', { auth: { bearer: SECRET } }, 'authorization', `Bearer ${SECRET}`],
  ['bearer asked', { auth: { bearer: () => SECRET } }, 'authorization', `Bearer ${SECRET}`],
  ['bearer file', { auth: { bearerFile: '/run/token' } }, 'authorization', `Bearer ${SECRET}`],
  ['API key', { auth: { apiKey: SECRET } }, 'x-api-key', SECRET],
  ['API key asked', { auth: { apiKey: async () => SECRET, header: 'X-Own' } }, 'x-own', SECRET],
  ['headers asked', { headers: () => ({ 'x-own': `a ${SECRET}` }) }, 'x-own', `a ${SECRET}`],
];

const TRANSPORTS = [
  ['node:http', nodeHttpTransport],
  ['fetch', fetchTransport],
] as const;

const ECHOES: [string, (headers: IncomingHttpHeaders) => string][] = [
  ['as they came', (headers) => Object.values(headers).join('\n')],
  ['as JSON', (headers) => JSON.stringify(headers)],
  ['in a URL', (headers) => encodeURIComponent(JSON.stringify(headers))],
  ['cut', (headers) => Object.values(headers).join(' ').slice(0, -3)],
];

describe.each(TRANSPORTS)('a server that says all it was told, over %s', (_, transportOf) => {
  describe.each(KINDS)('%s', (_, given, header, value) => {
    it.each(ECHOES)('%s', async (_, textOf) => {
      // What comes last is what is cut.
      const last = (headers: IncomingHttpHeaders) =>
        textOf({ host: headers.host, [header]: headers[header] });
      const { port, seen } = await echo(401, last);
      const host = { name: 'node', now: () => 0, readText: async () => SECRET };
      const auth: Auth | undefined = resolveAuth(given, host);
      const options = { ...OPTIONS, url: `http://127.0.0.1:${port}/v1/traces` };
      const transport = transportOf(authenticated(new FakeClock(), options, auth));
      cleanups.push(() => transport.close());
      const outcome = await transport.send(PAYLOAD);
      expect(seen).toHaveLength(1);
      expect(seen[0]).toMatchObject({ tenant: 'blue', [header]: value });
      expect(outcome).toMatchObject({ kind: 'rejected', status: 401 });
      expect(JSON.stringify(outcome)).toContain('***');
      expect(JSON.stringify(outcome)).not.toContain('S3cr3t');
    });
  });
});
