import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Context,
  context as contextApi,
  createContextKey,
  defaultTextMapGetter,
  defaultTextMapSetter,
  propagation,
  ROOT_CONTEXT,
  type TextMapPropagator,
  trace,
} from '@opentelemetry/api';
import { build } from 'esbuild';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import * as propagators from '../src/propagators.ts';
import { start, type Telemetry } from '../src/runtime/node/index.ts';
import { type Collector, startCollector } from '../src/workbench/collector/index.ts';
import { ROOT, runNode } from './support/bundle.ts';
import { started } from './support/telemetry.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const OTHER_TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

const open: { close(): unknown }[] = [];

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const one of open.splice(0).reverse()) await one.close();
});

function run(...options: Parameters<typeof start>): Telemetry {
  const telemetry = start(...options).register();
  open.push({ close: () => telemetry.shutdown() });
  return telemetry;
}

async function collect(): Promise<Collector> {
  const collector = await startCollector({ port: 0 });
  open.push(collector);
  return collector;
}

/** A service on loopback; the URL it answers at. */
async function serve(answer: (headers: IncomingHttpHeaders) => Promise<void>): Promise<string> {
  const server: Server = createServer((incoming, response) => {
    void answer(incoming.headers).then(
      () => response.end(),
      () => response.writeHead(500).end(),
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  open.push({ close: () => new Promise((resolve) => server.close(resolve)) });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

async function get(url: string, headers: Record<string, string>): Promise<number | undefined> {
  const outgoing = request(url, { headers, agent: false }).end();
  const [response] = await once(outgoing, 'response');
  response.resume();
  await once(response, 'end');
  return response.statusCode;
}

function injected(context = contextApi.active()): Record<string, string> {
  const headers: Record<string, string> = {};
  propagation.inject(context, headers);
  return headers;
}

function withSpan(traceId = TRACE, from: Context = ROOT_CONTEXT): Context {
  return trace.setSpanContext(from, { traceId, spanId: SPAN, traceFlags: 1 });
}

/** What the third of three services is sent when the first is called with `headers`. */
async function throughTwoServices(telemetry: Telemetry, headers: Record<string, string>) {
  const tracer = telemetry.tracer('services');
  const received: IncomingHttpHeaders[] = [];
  const last = await serve(async (incoming) => void received.push(incoming));
  const service = (name: string, next: string) =>
    serve((incoming) => {
      const parent = propagation.extract(ROOT_CONTEXT, incoming);
      const span = tracer.startSpan(name, {}, parent);
      return contextApi.with(trace.setSpan(parent, span), async () => {
        expect(await get(next, injected())).toBe(200);
        span.end();
      });
    });
  const second = await service('second', last);
  const first = await service('first', second);
  expect(await get(first, headers)).toBe(200);
  return received[0]!;
}

describe('register() with B3, over HTTP', () => {
  it.each([
    ['single', '1', (id: string) => ({ b3: `${TRACE}-${id}-1` })],
    ['single', 'd', (id: string) => ({ b3: `${TRACE}-${id}-d` })],
    [
      'multi',
      '1',
      (id: string) => ({ 'x-b3-traceid': TRACE, 'x-b3-spanid': id, 'x-b3-sampled': '1' }),
    ],
    [
      'multi',
      'd',
      (id: string) => ({ 'x-b3-traceid': TRACE, 'x-b3-spanid': id, 'x-b3-flags': '1' }),
    ],
  ] as const)(
    '%s: one trace through two services, sampling state %s',
    async (inject, state, sent) => {
      const collector = await collect();
      vi.stubEnv('OTEL_PROPAGATORS', inject === 'multi' ? 'b3multi' : 'b3');
      const telemetry = run({ endpoint: collector.url });
      const headers = await throughTwoServices(telemetry, { b3: `${TRACE}-${SPAN}-${state}` });
      await telemetry.flush();

      const spans = collector.traces();
      const first = spans.find(({ name }) => name === 'first')!;
      const second = spans.find(({ name }) => name === 'second')!;
      expect(first).toMatchObject({ traceId: TRACE, parentSpanId: SPAN });
      expect(second).toMatchObject({ traceId: TRACE, parentSpanId: first.spanId });
      // A new id for the server's side: the caller's is not used again.
      expect(first.spanId).not.toBe(SPAN);
      expect(headers).toMatchObject(sent(second.spanId));
      for (const name of ['traceparent', 'tracestate', 'baggage', 'x-b3-parentspanid']) {
        expect(headers).not.toHaveProperty(name);
      }
    },
  );

  it('denied by the caller: nothing is recorded, and the denial goes on', async () => {
    const collector = await collect();
    const telemetry = run({ endpoint: collector.url, propagator: propagators.b3() });
    const headers = await throughTwoServices(telemetry, { b3: `${TRACE}-${SPAN}-0` });
    await telemetry.flush();
    expect(collector.traces()).toEqual([]);
    expect(headers.b3).toMatch(new RegExp(`^${TRACE}-[0-9a-f]{16}-0$`));
  });
});

describe('OTEL_PROPAGATORS and start()', () => {
  const endpoint = 'http://127.0.0.1:1';

  it('default to W3C Trace Context and Baggage', () => {
    vi.stubEnv('OTEL_PROPAGATORS', undefined);
    run({ endpoint });
    expect(propagation.fields()).toEqual(['traceparent', 'tracestate', 'baggage']);
  });

  it('none propagates nothing', () => {
    vi.stubEnv('OTEL_PROPAGATORS', 'none');
    run({ endpoint });
    expect(injected(withSpan())).toEqual({});
  });

  it('give way to the option', () => {
    vi.stubEnv('OTEL_PROPAGATORS', 'b3multi');
    run({ endpoint, propagator: propagators.b3() });
    expect(propagation.fields()).toEqual(['b3']);
  });

  it('are not affected by OTEL_SDK_DISABLED', () => {
    vi.stubEnv('OTEL_PROPAGATORS', 'b3');
    vi.stubEnv('OTEL_SDK_DISABLED', 'true');
    const telemetry = run({ endpoint });
    expect(injected(withSpan())).toEqual({ b3: `${TRACE}-${SPAN}-1` });
    telemetry.tracer('disabled').startSpan('one').end();
    expect(telemetry.health().signals.traces.recorded).toBe(0);
  });

  it('are not read where the host has no such thing', async () => {
    const { telemetry } = started({}, { env: { OTEL_PROPAGATORS: 'b3' } });
    telemetry.register();
    expect(propagation.fields()).toEqual(['traceparent', 'tracestate', 'baggage']);
    await telemetry.shutdown();
  });

  it('load the rare ones at once, when they are named', () => {
    vi.stubEnv('OTEL_PROPAGATORS', 'jaeger,xray,ottrace');
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    run({ endpoint });
    const headers = injected(withSpan());
    expect(stderr.mock.calls).toEqual([]);
    stderr.mockRestore();
    expect(headers['uber-trace-id']).toBe(`${TRACE}:${SPAN}:0:01`);
    expect(headers['x-amzn-trace-id']).toContain(`Parent=${SPAN}`);
    expect(headers['ot-tracer-spanid']).toBe(SPAN);
  });
});

describe('programs that users bundle into one file', () => {
  const SOURCE = `
    import { propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
    import { start } from './dist/node.js';
    start({ endpoint: 'http://127.0.0.1:1' }).register();
    const span = { traceId: '${TRACE}', spanId: '${SPAN}', traceFlags: 1 };
    const carrier = {};
    propagation.inject(trace.setSpanContext(ROOT_CONTEXT, span), carrier);
    console.log(JSON.stringify(carrier));`;
  const folder = mkdtempSync(join(tmpdir(), 'otlp-wasm-bundled-'));
  const all = { 'uber-trace-id': `${TRACE}:${SPAN}:0:01`, b3: `${TRACE}-${SPAN}-1` };

  beforeAll(async () => {
    for (const format of ['esm', 'cjs'] as const) {
      await build({
        stdin: { contents: SOURCE, resolveDir: ROOT },
        outfile: join(folder, format === 'esm' ? 'app.mjs' : 'app.cjs'),
        ...{ bundle: true, platform: 'node', format, logLevel: 'error' },
        logOverride: { 'empty-import-meta': 'silent' },
      });
    }
    return () => rmSync(folder, { recursive: true, force: true });
  });

  const runBundled = (file: string, names: string) =>
    runNode([join(folder, file)], { OTEL_PROPAGATORS: names });

  it.each(['app.mjs', 'app.cjs'])('%s: have all but the rare ones', async (file) => {
    const { code, stdout, stderr } = await runBundled(file, 'b3');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({ b3: all.b3 });
  });

  it.each(['app.mjs', 'app.cjs'])('%s: are told what to do about the rare ones', async (file) => {
    const { code, stdout, stderr } = await runBundled(file, 'jaeger,b3');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ b3: all.b3 });
    expect(stderr).toContain("OTEL_PROPAGATORS has 'jaeger', whose code could not be loaded");
    expect(stderr).toContain("import it from 'otlp-wasm/propagators'");
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('find the rare ones where the file was taken along', async () => {
    const file = join(folder, 'rare-propagators.cjs');
    copyFileSync(join(ROOT, 'dist/rare-propagators.cjs'), file);
    const { code, stdout, stderr } = await runBundled('app.mjs', 'jaeger,b3');
    rmSync(file);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual(all);
  });
});

describe('what the bundles hold', () => {
  const text = (file: string) => readFileSync(join(ROOT, 'dist', file), 'utf8');

  it("Node's entry has B3, and the rare ones in a file of their own", () => {
    expect(text('node.js')).toContain('x-b3-traceid');
    for (const header of ['uber-trace-id', 'x-amzn-trace-id', 'ot-tracer-traceid']) {
      expect(text('node.js')).not.toContain(header);
      expect(text('rare-propagators.cjs')).toContain(header);
    }
  });

  it.each(['browser.js', 'workerd.js'])('%s has neither, nor reads the variable', (file) => {
    for (const name of ['x-b3-traceid', 'uber-trace-id', 'OTEL_PROPAGATORS']) {
      expect(text(file)).not.toContain(name);
    }
  });

  it('importing otlp-wasm/propagators calls nothing of its host', async () => {
    const probe = join(ROOT, 'test/support/import-probe.mjs');
    const flags = ['--no-warnings', '--experimental-vm-modules'];
    const { stdout } = await runNode([...flags, probe, join(ROOT, 'dist/propagators.js')]);
    expect(JSON.parse(stdout)).toEqual({
      exports: expect.arrayContaining(Object.keys(propagators)),
      called: [],
    });
  });

  it('the licences of what is bundled are shipped', () => {
    for (const name of ['propagator-jaeger', 'propagator-aws-xray', 'propagator-ot-trace']) {
      expect(text('THIRD-PARTY-NOTICES.txt')).toContain(`@opentelemetry/${name} `);
    }
  });
});

describe('Composite Propagator', () => {
  const { b3, composite, w3cBaggage, w3cTraceContext } = propagators;

  it('injects with all, in their order, and extracts what any of them reads', () => {
    const both = composite([w3cTraceContext(), w3cBaggage(), b3()]);
    const context = propagation.setBaggage(
      withSpan(),
      propagation.createBaggage({ user: { value: '1' } }),
    );
    const carrier: Record<string, string> = {};
    both.inject(context, carrier, defaultTextMapSetter);
    expect(carrier).toEqual({
      traceparent: `00-${TRACE}-${SPAN}-01`,
      baggage: 'user=1',
      b3: `${TRACE}-${SPAN}-1`,
    });
    expect(Object.keys(carrier)).toEqual(['traceparent', 'baggage', 'b3']);
    const onlyB3 = both.extract(ROOT_CONTEXT, { b3: carrier.b3 }, defaultTextMapGetter);
    expect(trace.getSpanContext(onlyB3)?.traceId).toBe(TRACE);
    expect(both.fields()).toEqual(['traceparent', 'tracestate', 'baggage', 'b3']);
  });

  it('of two that find a span, the later one wins', () => {
    const headers = { traceparent: `00-${TRACE}-${SPAN}-01`, b3: `${OTHER_TRACE}-${SPAN}-1` };
    const traceOf = (list: TextMapPropagator[]) =>
      trace.getSpanContext(composite(list).extract(ROOT_CONTEXT, headers, defaultTextMapGetter))
        ?.traceId;
    expect(traceOf([w3cTraceContext(), b3()])).toBe(OTHER_TRACE);
    expect(traceOf([b3(), w3cTraceContext()])).toBe(TRACE);
  });

  it('gives each the context the one before it made', () => {
    const key = createContextKey('order');
    const named = (name: string): TextMapPropagator => ({
      inject: () => {},
      extract: (context) =>
        context.setValue(key, [...((context.getValue(key) as string[]) ?? []), name]),
      fields: () => [],
    });
    const context = composite([named('a'), named('b')]).extract(
      ROOT_CONTEXT,
      {},
      {
        get: () => undefined,
        keys: () => [],
      },
    );
    expect(context.getValue(key)).toEqual(['a', 'b']);
  });
});
