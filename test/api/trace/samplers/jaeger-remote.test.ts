import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { context as contextApi, DiagLogLevel, diag } from '@opentelemetry/api';
import { afterEach, describe, expect, it } from 'vitest';
import { isTracingSuppressed } from '../../../../src/api/context/suppress-tracing.ts';
import { AsyncLocalStorageContextManager } from '../../../../src/runtime/node/context-manager.ts';
import {
  alwaysOff,
  alwaysOn,
  type JaegerRemoteOptions,
  jaegerRemote,
} from '../../../../src/samplers.ts';
import { bundle, runNode, temporaryFolder } from '../../../support/bundle.ts';
import { ask, childOf, isKept, stateAfter, traceIds } from '../../../support/sampling.ts';

const TOP = 'f'.repeat(32);
const LOW = `${'a'.repeat(18)}00000000000001`;
const INTERVAL_MS = 60_000;

type Respond = (request: IncomingMessage, response: ServerResponse) => void;

const json =
  (value: unknown): Respond =>
  (_, response) =>
    response.end(JSON.stringify(value));
const text =
  (status: number, body: string): Respond =>
  (_, response) =>
    response.writeHead(status).end(body);

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** A server of strategies on loopback. What it answers can be changed. */
async function strategyServer(respond: Respond) {
  const state = { respond };
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    state.respond(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { state, requests, endpoint: `http://127.0.0.1:${port}` };
}

/** Timers that go off when told to. */
function handTimers() {
  const waiting = new Map<() => void, number>();
  const watchers = new Set<() => void>();
  return {
    waiting,
    setTimer(callback: () => void, delayMs: number) {
      const one = () => callback();
      waiting.set(one, delayMs);
      for (const watcher of watchers) watcher();
      return () => void waiting.delete(one);
    },
    /** Resolves when a timer of this delay waits. */
    until(delayMs: number): Promise<void> {
      return new Promise((resolve) => {
        const watcher = () => {
          if (![...waiting.values()].includes(delayMs)) return;
          watchers.delete(watcher);
          resolve();
        };
        watchers.add(watcher);
        watcher();
      });
    },
    goOff(delayMs: number) {
      for (const [callback, delay] of waiting) {
        if (delay !== delayMs) continue;
        waiting.delete(callback);
        callback();
      }
    },
  };
}

type Options = Omit<JaegerRemoteOptions, 'serviceName' | 'setTimer' | 'warn'>;

/** A sampler whose timers are told when to go off. */
function sampling(options: Options) {
  const timers = handTimers();
  const warnings: string[] = [];
  const { initialSampler = alwaysOff(), ...others } = options;
  const sampler = jaegerRemote({
    ...{ serviceName: 'shop', initialSampler, ...others },
    ...{ setTimer: timers.setTimer, warn: (line: string) => void warnings.push(line) },
  });
  ends.push(() => sampler.shutdown());
  return {
    ...{ sampler, timers, warnings },
    /** Resolves when the question that is being asked has come to something. */
    polled: () => timers.until(INTERVAL_MS),
    async pollAgain() {
      timers.goOff(INTERVAL_MS);
      await timers.until(INTERVAL_MS);
    },
  };
}

const PROBABILITY = {
  strategyType: 'PROBABILISTIC',
  probabilisticSampling: { samplingRate: 0.25 },
};

describe('strategies', () => {
  it('Sampler: JaegerRemoteSampler', async () => {
    const { endpoint, requests, state } = await strategyServer(json(PROBABILITY));
    const { polled, pollAgain, sampler } = sampling({ endpoint, initialSampler: alwaysOn() });
    // The initial sampler decides until there is a strategy.
    expect(isKept(sampler, { traceId: LOW })).toBe(true);
    await polled();
    expect(requests[0]).toMatchObject({ method: 'GET', url: '/sampling?service=shop' });
    expect(isKept(sampler, { traceId: LOW })).toBe(false);
    expect(stateAfter(sampler, { traceId: TOP })).toBe('ot=th:c');
    // Polled again, it follows.
    state.respond = json({ strategyType: 1, rateLimitingSampling: { maxTracesPerSecond: 2 } });
    await pollAgain();
    expect(requests).toHaveLength(2);
    expect(traceIds(50).filter((traceId) => isKept(sampler, { traceId })).length).toBeLessThan(50);
    expect(String(sampler)).toBe(
      `JaegerRemoteSampler{endpoint=${endpoint}/sampling, serviceName=shop, ` +
        'pollingIntervalMs=60000, sampler=RateLimitedSampler{2}}',
    );
  });

  it.each([
    ['its name', PROBABILITY],
    ['its number', { ...PROBABILITY, strategyType: 0 }],
    ['default', { probabilisticSampling: { samplingRate: 0.25 }, rateLimitingSampling: null }],
  ])('PROBABILISTIC, by %s', async (_, strategy) => {
    const { endpoint } = await strategyServer(json(strategy));
    const { polled, sampler, warnings } = sampling({ endpoint });
    await polled();
    expect(String(sampler)).toContain('sampler=ProbabilitySampler{0.25}');
    expect(warnings).toEqual([]);
  });

  it('PROBABILISTIC of zero, which may be left out', async () => {
    const { endpoint } = await strategyServer(json({ probabilisticSampling: {} }));
    const { polled, sampler, warnings } = sampling({ endpoint, initialSampler: alwaysOn() });
    await polled();
    expect(isKept(sampler, { traceId: TOP })).toBe(false);
    expect(warnings).toEqual([]);
  });

  it.each(['RATE_LIMITING', 1])('RATE_LIMITING, as %s', async (strategyType) => {
    const strategy = { strategyType, rateLimitingSampling: { maxTracesPerSecond: 3 } };
    const { endpoint } = await strategyServer(json(strategy));
    const { polled, sampler } = sampling({ endpoint });
    await polled();
    expect(String(sampler)).toContain('sampler=RateLimitedSampler{3}');
    expect(isKept(sampler, { traceId: LOW })).toBe(true);
  });

  it('by span name', async () => {
    const { endpoint } = await strategyServer(
      json({
        ...PROBABILITY,
        operationSampling: {
          defaultSamplingProbability: 0.5,
          defaultLowerBoundTracesPerSecond: 0,
          perOperationStrategies: [
            { operation: 'GET /', probabilisticSampling: { samplingRate: 1 } },
            { operation: 'GET /metrics', probabilisticSampling: { samplingRate: 0 } },
            { operation: '__proto__', probabilisticSampling: { samplingRate: 0.25 } },
          ],
        },
      }),
    );
    const { polled, sampler } = sampling({ endpoint });
    await polled();
    expect(stateAfter(sampler, { traceId: LOW, name: 'GET /' })).toBe('ot=th:0');
    expect(isKept(sampler, { traceId: TOP, name: 'GET /metrics' })).toBe(false);
    expect(stateAfter(sampler, { traceId: TOP, name: '__proto__' })).toBe('ot=th:c');
    expect(stateAfter(sampler, { traceId: TOP, name: 'constructor' })).toBe('ot=th:8');
    expect(isKept(sampler, { traceId: LOW, name: 'other' })).toBe(false);
  });

  it('by span name, each so often in any case', async () => {
    const { endpoint } = await strategyServer(
      json({
        operationSampling: {
          defaultSamplingProbability: 0,
          defaultLowerBoundTracesPerSecond: 1e-6,
          perOperationStrategies: [
            { operation: 'rare', probabilisticSampling: { samplingRate: 0.5 } },
          ],
        },
      }),
    );
    const { polled, sampler } = sampling({ endpoint });
    await polled();
    // One of each name, and none of them can be counted.
    for (const name of ['rare', 'first', 'second']) {
      const context = childOf({ state: 'a=b,ot=th:4' });
      expect(ask(sampler, { name, traceId: LOW, context })).toMatchObject({ decision: 2 });
      expect(isKept(sampler, { name, traceId: LOW })).toBe(false);
    }
    expect(stateAfter(sampler, { name: 'third', context: childOf({ state: 'a=b,ot=th:4' }) })).toBe(
      'a=b',
    );
    // What the probability samples counts, and takes from the bound.
    expect(stateAfter(sampler, { name: 'rare', traceId: TOP })).toBe('ot=th:8');
    // Names without an end are not remembered without an end.
    const names = Array.from({ length: 1000 }, (_, i) => `name ${i}`);
    const kept = names.filter((name) => isKept(sampler, { name, traceId: LOW }));
    expect(kept.length).toBeLessThan(257);
    expect(kept.length).toBeGreaterThan(100);
  });

  it('the same answer again does not fill the bucket again', async () => {
    const strategy = { strategyType: 1, rateLimitingSampling: { maxTracesPerSecond: 1e-6 } };
    const { endpoint, requests } = await strategyServer(json(strategy));
    const { polled, pollAgain, sampler } = sampling({ endpoint });
    await polled();
    expect(isKept(sampler)).toBe(true);
    await pollAgain();
    expect(requests).toHaveLength(2);
    expect(isKept(sampler)).toBe(false);
  });
});

describe('answers that cannot be used', () => {
  const bad: [string, Respond][] = [
    ['HTTP 500', text(500, JSON.stringify(PROBABILITY))],
    ['HTTP 404', text(404, '')],
    ['HTTP 302', (_, response) => response.writeHead(302, { location: '/elsewhere' }).end()],
    ['not JSON', text(200, '<html>')],
    ['not JSON', text(200, '')],
    ['no strategy', text(200, 'null')],
    ['is no object', text(200, '[]')],
    ["no 'probabilisticSampling'", json({})],
    [
      "'samplingRate' is no number from 0 to 1",
      json({ probabilisticSampling: { samplingRate: 2 } }),
    ],
    ["'samplingRate' is no number", json({ probabilisticSampling: { samplingRate: '1' } })],
    ["'probabilisticSampling' is no object", json({ probabilisticSampling: 1 })],
    ["'strategyType' is neither", json({ ...PROBABILITY, strategyType: 'SOMETIMES' })],
    ["'strategyType' is neither", json({ ...PROBABILITY, strategyType: 2 })],
    ["no 'rateLimitingSampling'", json({ ...PROBABILITY, strategyType: 1 })],
    [
      "'maxTracesPerSecond' is no number from 0 up",
      json({ strategyType: 1, rateLimitingSampling: { maxTracesPerSecond: -1 } }),
    ],
    [
      "'perOperationStrategies' is no list",
      json({ operationSampling: { perOperationStrategies: {} } }),
    ],
    [
      "has no 'operation'",
      json({ operationSampling: { perOperationStrategies: [{ probabilisticSampling: {} }] } }),
    ],
    ['has no', json({ operationSampling: { perOperationStrategies: [null] } })],
    ['more than 1048576 bytes', text(200, ' '.repeat(1024 * 1024 + 1))],
    ['', (request) => void request.socket.destroy()],
  ];

  it.each(bad)('%s: the last strategy stays', async (reason, respond) => {
    const { endpoint, state } = await strategyServer(json(PROBABILITY));
    const { polled, pollAgain, sampler, warnings } = sampling({ endpoint });
    await polled();
    state.respond = respond;
    await pollAgain();
    expect(String(sampler)).toContain('sampler=ProbabilitySampler{0.25}');
    expect(warnings).toEqual([expect.stringContaining('the last strategy stays in force')]);
    expect(warnings[0]).toContain(reason);
    expect(warnings[0]).toContain(`${endpoint}/sampling`);
  });

  it('are reported once, and again after a good one', async () => {
    const { endpoint, state } = await strategyServer(text(503, ''));
    const { polled, pollAgain, sampler, warnings } = sampling({ endpoint });
    await polled();
    expect(warnings).toEqual([expect.stringContaining('the initial sampler stays in force')]);
    await pollAgain();
    state.respond = text(200, 'no');
    await pollAgain();
    expect(warnings).toHaveLength(1);
    state.respond = json(PROBABILITY);
    await pollAgain();
    expect(String(sampler)).toContain('ProbabilitySampler{0.25}');
    state.respond = text(503, '');
    await pollAgain();
    await pollAgain();
    expect(warnings).toHaveLength(2);
    expect(warnings[1]).toContain('the last strategy');
  });

  it('go to the diag logger when nothing else is given', async () => {
    const lines: string[] = [];
    const ignore = () => {};
    diag.setLogger(
      {
        ...{ error: ignore, info: ignore, debug: ignore, verbose: ignore },
        warn: (line) => void lines.push(line),
      },
      { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
    );
    ends.push(() => diag.disable());
    const { endpoint } = await strategyServer(text(503, ''));
    const timers = handTimers();
    const { setTimer } = timers;
    const sampler = jaegerRemote({ endpoint, serviceName: 'shop', setTimer });
    ends.push(() => sampler.shutdown());
    await timers.until(INTERVAL_MS);
    expect(lines).toEqual([expect.stringContaining('HTTP 503')]);
  });
});

describe('a service that is not there', () => {
  it('is asked again, and its answer taken when it is back', async () => {
    const { endpoint } = await strategyServer(json(PROBABILITY));
    let up = false;
    const { polled, pollAgain, sampler, warnings } = sampling({
      endpoint,
      // Port 1 refuses.
      fetch: (url, init) => fetch(up ? url : 'http://127.0.0.1:1/', init),
    });
    await polled();
    expect(warnings).toEqual([expect.stringMatching(/no sampling strategy for 'shop'/)]);
    expect(isKept(sampler, { traceId: TOP })).toBe(false);
    up = true;
    await pollAgain();
    expect(isKept(sampler, { traceId: TOP })).toBe(true);
  });

  it('and hangs: the question is given up', async () => {
    const { endpoint, requests, state } = await strategyServer(() => {});
    const { polled, pollAgain, sampler, timers, warnings } = sampling({ endpoint });
    await until(() => requests.length === 1);
    const closed = new Promise((resolve) => requests[0]!.socket.once('close', resolve));
    timers.goOff(5000);
    await polled();
    await closed;
    expect(warnings).toEqual([expect.stringContaining('no answer within 5000 ms')]);
    state.respond = json(PROBABILITY);
    await pollAgain();
    expect(isKept(sampler, { traceId: TOP })).toBe(true);
  });

  it('and hangs in the middle of an answer', async () => {
    const { endpoint, requests } = await strategyServer((_, response) => void response.write('{'));
    const { polled, timers, warnings } = sampling({ endpoint });
    await until(() => requests.length === 1);
    timers.goOff(5000);
    await polled();
    expect(warnings).toEqual([expect.stringContaining('no answer within 5000 ms')]);
  });

  it('and hangs, with a fetch that heeds no signal', async () => {
    const { polled, timers, warnings } = sampling({ fetch: () => new Promise(() => {}) });
    timers.goOff(5000);
    await polled();
    expect(warnings).toEqual([expect.stringContaining('no answer within 5000 ms')]);
  });
});

describe('questions', () => {
  it.each([
    ['', '/sampling?service=shop'],
    ['/', '/sampling?service=shop'],
    ['/api', '/api/sampling?service=shop'],
    ['/api/sampling', '/api/sampling?service=shop'],
    ['/sampling/', '/sampling/?service=shop'],
    ['/x?tenant=a', '/x/sampling?tenant=a&service=shop'],
    ['/sampling#part', '/sampling?service=shop'],
  ])('to an endpoint with path %s', async (path, expected) => {
    const { endpoint, requests } = await strategyServer(json(PROBABILITY));
    await sampling({ endpoint: endpoint + path }).polled();
    expect(requests.map(({ url }) => url)).toEqual([expected]);
  });

  it('name the service whatever its name', async () => {
    const { endpoint, requests } = await strategyServer(json(PROBABILITY));
    const timers = handTimers();
    const { setTimer } = timers;
    const sampler = jaegerRemote({ endpoint, serviceName: 'a b&c=d/é', setTimer });
    ends.push(() => sampler.shutdown());
    await timers.until(INTERVAL_MS);
    const url = new URL(requests[0]!.url!, endpoint);
    expect([...url.searchParams]).toEqual([['service', 'a b&c=d/é']]);
  });

  it('carry the credentials of the endpoint in a header, and nothing shows them', async () => {
    const { endpoint, requests } = await strategyServer(text(401, ''));
    const { polled, sampler, warnings } = sampling({
      endpoint: endpoint.replace('//', '//me:s%C3%A9cret@'),
    });
    await polled();
    const { authorization = '' } = requests[0]!.headers;
    expect(Buffer.from(authorization.replace('Basic ', ''), 'base64').toString()).toBe('me:sécret');
    expect(warnings).toHaveLength(1);
    expect(`${warnings} ${sampler}`).not.toMatch(/s(é|%C3%A9)cret|me:/);
  });

  it('are not traced', async () => {
    const manager = new AsyncLocalStorageContextManager().enable();
    contextApi.setGlobalContextManager(manager);
    ends.push(() => contextApi.disable());
    const suppressed: boolean[] = [];
    const { polled, pollAgain } = sampling({
      async fetch() {
        suppressed.push(isTracingSuppressed(contextApi.active()));
        await Promise.resolve();
        suppressed.push(isTracingSuppressed(contextApi.active()));
        return new Response(JSON.stringify(PROBABILITY));
      },
    });
    await polled();
    await pollAgain();
    expect(suppressed).toEqual([true, true, true, true]);
    expect(isTracingSuppressed(contextApi.active())).toBe(false);
  });

  it('stop at shutdown, and the last strategy stays', async () => {
    const { endpoint, requests, state } = await strategyServer(json(PROBABILITY));
    const { polled, sampler, timers, warnings } = sampling({ endpoint });
    await polled();
    sampler.shutdown();
    expect(timers.waiting.size).toBe(0);
    expect(isKept(sampler, { traceId: TOP })).toBe(true);
    // One that is on its way is called back.
    state.respond = () => {};
    const other = sampling({ endpoint });
    await until(() => requests.length === 2);
    const closed = new Promise((resolve) => requests[1]!.socket.once('close', resolve));
    other.sampler.shutdown();
    await closed;
    await until(() => other.timers.waiting.size === 0);
    other.sampler.shutdown();
    expect([...warnings, ...other.warnings]).toEqual([]);
  });

  it('do not keep a process alive', async () => {
    const folder = temporaryFolder();
    ends.push(() => folder.remove());
    const url = await bundle(join('src', 'samplers.ts'), folder.path);
    const { code, signal, stdout } = await runNode([
      '--input-type=module',
      '--eval',
      `import { createServer } from 'node:http';
      import { alwaysOff, jaegerRemote } from ${JSON.stringify(url)};
      const server = createServer((request, response) => {
        response.end('{"probabilisticSampling":{"samplingRate":1}}');
      });
      server.listen(0, '127.0.0.1', () => {
        const endpoint = 'http://127.0.0.1:' + server.address().port;
        const sampler = jaegerRemote({ endpoint, serviceName: 'x', initialSampler: alwaysOff() });
        server.unref();
        process.on('exit', () => console.log(String(sampler)));
      });`,
    ]);
    expect({ code, signal }).toEqual({ code: 0, signal: null });
    expect(stdout).toContain('sampler=ProbabilitySampler{1}');
  });
});

it('without timers, as at the start of an edge worker, the initial sampler decides', async () => {
  const warnings: string[] = [];
  const sampler = jaegerRemote({
    ...{ serviceName: 'shop', initialSampler: alwaysOn() },
    setTimer: () => {
      throw new Error('not now');
    },
    warn: (line) => void warnings.push(line),
  });
  await until(() => warnings.length > 0);
  expect(warnings).toEqual([expect.stringContaining('not now')]);
  expect(isKept(sampler)).toBe(true);
});

it.each([
  [{}, /'serviceName'/],
  [{ serviceName: '' }, /'serviceName'/],
  [{ serviceName: 'x', endpoint: 'localhost:5778' }, /'endpoint'/],
  [{ serviceName: 'x', endpoint: 'ftp://me:secret@host' }, /'endpoint'/],
  [{ serviceName: 'x', pollingIntervalMs: 0 }, /'pollingIntervalMs' of jaegerRemote\(\) is 0/],
  [{ serviceName: 'x', pollingIntervalMs: Number.NaN }, /'pollingIntervalMs'/],
  [{ serviceName: 'x', pollingIntervalMs: 2 ** 31 }, /'pollingIntervalMs'/],
  [{ serviceName: 'x', initialSampler: {} }, /'initialSampler'/],
])('rejects the options %j', (options, message) => {
  const make = () => jaegerRemote(options as never);
  expect(make).toThrow(expect.objectContaining({ code: 'invalid_option' }));
  expect(make).toThrow(message);
  expect(make).not.toThrow(/secret/);
});

/** Resolves when it is so. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
