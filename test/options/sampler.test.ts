import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ROOT_CONTEXT, SamplingDecision, trace as traceApi } from '@opentelemetry/api';
import { build } from 'esbuild';
import { afterEach, describe, expect, it } from 'vitest';
import type { StartOptions } from '../../src/options/options.ts';
import { type OwnSampler, samplerFromEnv } from '../../src/options/sampler.ts';
import { host as denoHost } from '../../src/runtime/deno/host.ts';
import { host as nodeHost } from '../../src/runtime/node/host.ts';
import { fakeHost, startOn } from '../../src/testing/index.ts';
import { ROOT } from '../support/bundle.ts';
import { engineSources } from '../support/engines.ts';
import { ask, childOf, isKept, stateAfter } from '../support/sampling.ts';

const TOP = 'f'.repeat(32);
const LOW = `${'a'.repeat(18)}00000000000001`;

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

function from(sampler?: string, arg?: string) {
  const warnings: string[] = [];
  const env = { OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: arg };
  const made = samplerFromEnv(env, (line) => void warnings.push(line), 'shop');
  ends.push(() => made?.shutdown?.());
  return { sampler: made, warnings };
}

describe('OTEL_TRACES_SAMPLER', () => {
  it.each([
    ['always_on', 'AlwaysOnSampler'],
    ['always_off', 'AlwaysOffSampler'],
    ['traceidratio', 'TraceIdRatioBased{1}'],
    ['parentbased_always_off', 'ParentBased{root=AlwaysOffSampler, '],
    ['parentbased_traceidratio', 'ParentBased{root=TraceIdRatioBased{1}, '],
    [
      'jaeger_remote',
      'JaegerRemoteSampler{endpoint=http://localhost:5778/sampling, serviceName=shop',
    ],
    ['parentbased_jaeger_remote', 'ParentBased{root=JaegerRemoteSampler{endpoint=http://localhost'],
    // "Enum": in any case
    ['ALWAYS_off', 'AlwaysOffSampler'],
    [' always_off ', 'AlwaysOffSampler'],
  ])('%s', (name, description) => {
    const { sampler, warnings } = from(name);
    expect(String(sampler)).toContain(description);
    expect(warnings).toEqual([]);
  });

  it('parentbased_always_on is what is done without a sampler', () => {
    expect(from('parentbased_always_on')).toEqual({ sampler: undefined, warnings: [] });
  });

  it.each([undefined, '', '  '])('nothing is asked for by %j, whatever the argument', (name) => {
    expect(from(name, '0.5')).toEqual({ sampler: undefined, warnings: [] });
    expect(from(name, 'nonsense')).toEqual({ sampler: undefined, warnings: [] });
  });

  it.each(['sometimes', 'parentbased_', 'parentbased', 'parentbased_xray', 'always-on'])(
    'a name that is not known is told and ignored: %s',
    (name) => {
      const { sampler, warnings } = from(name, '0.5');
      expect(sampler).toBeUndefined();
      expect(warnings).toEqual([
        expect.stringContaining(`OTEL_TRACES_SAMPLER is '${name}', not one of always_on`),
      ]);
    },
  );

  it('xray is told not to be supported', () => {
    const { sampler, warnings } = from('xray', 'endpoint=http://localhost:2000');
    expect(sampler).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining('X-Ray sampling is not supported')]);
  });

  it('parentbased_ follows the parent, the others do not', () => {
    const off = childOf({ flags: 2 });
    const on = childOf();
    const kept = (name: string, context = ROOT_CONTEXT) => isKept(from(name).sampler!, { context });
    expect(kept('traceidratio', off)).toBe(true);
    expect(kept('always_on', off)).toBe(true);
    expect(kept('always_off', on)).toBe(false);
    expect(kept('parentbased_traceidratio', off)).toBe(false);
    expect(kept('parentbased_always_off', on)).toBe(true);
    expect(kept('parentbased_always_off')).toBe(false);
  });
});

describe('OTEL_TRACES_SAMPLER_ARG', () => {
  it.each([
    ['0.25', 0.25],
    [' 0.25 ', 0.25],
    ['.5', 0.5],
    ['1', 1],
    ['0', 0],
    ['1e-3', 0.001],
    ['1.', 1],
    ['', 1],
    [undefined, 1],
  ])('a ratio: %j', (arg, ratio) => {
    const { sampler, warnings } = from('traceidratio', arg);
    expect(String(sampler)).toBe(`TraceIdRatioBased{${ratio}}`);
    expect(warnings).toEqual([]);
  });

  it.each(['1.1', '-0.1', '25%', '0,5', '0x1', 'NaN', 'Infinity', 'half', '1 1', 'e3', '.'])(
    'a ratio that cannot be read is told, and 1 used: %s',
    (arg) => {
      const { sampler, warnings } = from('parentbased_traceidratio', arg);
      expect(String(sampler)).toContain('root=TraceIdRatioBased{1}');
      expect(warnings).toEqual([
        expect.stringContaining(`OTEL_TRACES_SAMPLER_ARG is '${arg}', not a number from 0 to 1`),
      ]);
    },
  );

  it('a ratio is that of the sampler', () => {
    const { sampler } = from('traceidratio', '0.25');
    expect(stateAfter(sampler!, { traceId: TOP })).toBe('ot=th:c');
    expect(isKept(sampler!, { traceId: LOW })).toBe(false);
  });

  it.each(['always_on', 'always_off', 'parentbased_always_on'])('%s takes none', (name) => {
    expect(from(name, '0.5').warnings).toEqual([expect.stringContaining('takes none')]);
  });

  it('of Jaeger: endpoint, interval and first rate, in any order, each may be missing', () => {
    const { sampler, warnings } = from(
      'jaeger_remote',
      ' initialSamplingRate=1, endpoint=http://127.0.0.1:1/api ,,pollingIntervalMs=5000,',
    );
    expect(String(sampler)).toBe(
      'JaegerRemoteSampler{endpoint=http://127.0.0.1:1/api/sampling, serviceName=shop, ' +
        'pollingIntervalMs=5000, sampler=ProbabilitySampler{1}}',
    );
    expect(warnings).toEqual([]);
    expect(String(from('jaeger_remote', 'pollingIntervalMs=7').sampler)).toBe(
      'JaegerRemoteSampler{endpoint=http://localhost:5778/sampling, serviceName=shop, ' +
        'pollingIntervalMs=7, sampler=ProbabilitySampler{0.001}}',
    );
  });

  it.each([
    ['pollingIntervalMs=0', "'0' as 'pollingIntervalMs'"],
    ['pollingIntervalMs=-5', "'-5' as 'pollingIntervalMs'"],
    ['pollingIntervalMs=1.5', "'1.5' as 'pollingIntervalMs'"],
    ['pollingIntervalMs=3000000000', "'3000000000' as 'pollingIntervalMs'"],
    ['pollingIntervalMs=', "'' as 'pollingIntervalMs'"],
    ['initialSamplingRate=2', "'2' as 'initialSamplingRate'"],
    ['initialSamplingRate=', "'' as 'initialSamplingRate'"],
    ['endpoint=', "an 'endpoint' that is not"],
    ['endpoint=localhost:14250', "an 'endpoint' that is not"],
    ['endpoint=ftp://me:secret@host', "an 'endpoint' that is not"],
    ['endpoint=http://me:secret%ff@host', "an 'endpoint' that is not"],
    ['http://me:secret@host', 'is not a list of'],
    ['Endpoint=http://me:secret@host', 'is not a list of'],
  ])('of Jaeger: %s is told and the whole ignored', (arg, problem) => {
    const { sampler, warnings } = from('jaeger_remote', `endpoint=http://127.0.0.1:1,${arg}`);
    expect(String(sampler)).toContain('endpoint=http://localhost:5778/sampling');
    expect(warnings).toEqual([expect.stringContaining(`OTEL_TRACES_SAMPLER_ARG`)]);
    expect(warnings[0]).toContain(problem);
    expect(warnings[0]).not.toContain('secret');
  });

  it('of Jaeger: a port of gRPC is told, and asked by HTTP', () => {
    const { sampler, warnings } = from('jaeger_remote', 'endpoint=http://127.0.0.1:14250');
    expect(String(sampler)).toContain('endpoint=http://127.0.0.1:14250/sampling');
    expect(warnings).toEqual([expect.stringContaining('port 14250')]);
  });
});

describe('telemetry', () => {
  function started(env: Record<string, string>, options: StartOptions = {}) {
    const made: (OwnSampler | undefined)[] = [];
    const host = Object.assign(fakeHost({ env, engines: engineSources }), {
      sampler(...args: Parameters<typeof samplerFromEnv>) {
        made.push(samplerFromEnv(...args));
        return made.at(-1);
      },
    });
    const telemetry = startOn(host, options);
    ends.push(() => made[0]?.shutdown?.());
    return { host, made, telemetry, tracer: telemetry.tracer('test') };
  }

  it('takes the sampler of the environment', () => {
    const { tracer } = started({ OTEL_TRACES_SAMPLER: 'always_off' });
    expect(tracer.startSpan('span').isRecording()).toBe(false);
    const { tracer: on } = started({ OTEL_TRACES_SAMPLER: 'always_on' });
    const unsampled = childOf({ flags: 2 });
    expect(on.startSpan('span', {}, unsampled).isRecording()).toBe(true);
  });

  it('follows the parent when nothing is asked for', () => {
    const { made, tracer } = started({ OTEL_TRACES_SAMPLER: 'parentbased_always_on' });
    expect(made).toEqual([undefined]);
    expect(tracer.startSpan('span', {}, childOf({ flags: 2 })).isRecording()).toBe(false);
    expect(tracer.startSpan('span').isRecording()).toBe(true);
  });

  it('prefers the option', () => {
    const sampler = {
      shouldSample: () => ({ decision: SamplingDecision.RECORD_AND_SAMPLED }),
      toString: () => 'option',
    };
    const { made, tracer } = started({ OTEL_TRACES_SAMPLER: 'always_off' }, { sampler });
    expect(made).toEqual([]);
    expect(tracer.startSpan('span').isRecording()).toBe(true);
  });

  it('asks nobody when it is disabled', () => {
    const { made, tracer } = started({
      ...{ OTEL_SDK_DISABLED: 'true', OTEL_TRACES_SAMPLER: 'jaeger_remote' },
    });
    expect(made).toEqual([]);
    expect(tracer.startSpan('span').isRecording()).toBe(false);
  });

  it('shows what is wrong with the environment', () => {
    const { host } = started({ OTEL_TRACES_SAMPLER: 'sometimes' });
    expect(host.warnings).toEqual([
      expect.stringMatching(/^otlp-wasm: OTEL_TRACES_SAMPLER is 'sometimes'/),
    ]);
  });

  it("asks for the service's strategies, and stops asking at shutdown", async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url!);
      response.end('{"probabilisticSampling":{"samplingRate":1}}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ends.push(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const { host, made, telemetry, tracer } = started({
      OTEL_SERVICE_NAME: 'cart',
      OTEL_TRACES_SAMPLER: 'parentbased_jaeger_remote',
      OTEL_TRACES_SAMPLER_ARG: `endpoint=http://127.0.0.1:${port},pollingIntervalMs=1,initialSamplingRate=0`,
    });
    const [sampler] = made;
    expect(tracer.startSpan('before').isRecording()).toBe(false);
    while (!isKept(sampler!) || asked.length < 3) await turn();
    expect(asked[0]).toBe('/sampling?service=cart');
    const span = tracer.startSpan('after');
    expect(span.spanContext().traceState?.serialize()).toBe('ot=th:0');
    expect(ask(sampler!, { context: childOf({ flags: 2 }) }).decision).toBe(0);
    const down = telemetry.shutdown();
    await host.settle();
    await down;
    // What was on its way when it ended may still have come in; then nothing more does.
    server.closeAllConnections();
    await turn();
    const { length } = asked;
    for (let i = 0; i < 200; i++) await turn();
    expect(asked).toHaveLength(length);
  });
});

describe('which hosts have it', () => {
  it('Node and Deno read it from the environment', () => {
    expect(nodeHost.sampler).toBe(samplerFromEnv);
    expect(denoHost.sampler).toBe(samplerFromEnv);
  });

  it.each([
    ['browser', false],
    ['edge', false],
    ['deno', true],
    ['node', true],
  ])('the entry for %s contains the samplers: %s', async (host, expected) => {
    const { metafile } = await build({
      ...{ absWorkingDir: ROOT, entryPoints: [`src/runtime/${host}/index.ts`], outdir: 'build' },
      ...{ bundle: true, format: 'esm', platform: 'node', write: false, metafile: true },
      ...{ packages: 'external', external: ['*.wasm'], splitting: true, logLevel: 'silent' },
    });
    const inputs = Object.keys(metafile.inputs).filter((path) => path.includes('/samplers/'));
    expect(inputs.length > 0).toBe(expected);
  });
});

it('a span of a sampler from the environment carries its threshold to children', () => {
  const { sampler } = from('parentbased_traceidratio', '1');
  const telemetry = startOn(fakeHost({ engines: engineSources }), { sampler: sampler! });
  const tracer = telemetry.tracer('test');
  const root = tracer.startSpan('root');
  const child = tracer.startSpan('child', {}, traceApi.setSpan(ROOT_CONTEXT, root));
  expect(child.spanContext().traceState?.serialize()).toBe('ot=th:0');
});

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}
