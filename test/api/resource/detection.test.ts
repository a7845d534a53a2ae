import { context as contextApi } from '@opentelemetry/api';
import * as upstream from '@opentelemetry/resources';
import { afterEach, describe, expect, it } from 'vitest';
import { isTracingSuppressed } from '../../../src/api/context/suppress-tracing.ts';
import { startDetection } from '../../../src/api/resource/detection.ts';
import type { AnyResourceDetector, ResourceDetector } from '../../../src/api/resource/detector.ts';
import { SCHEMA_URL } from '../../../src/api/resource/schema-url.ts';
import type { StartOptions } from '../../../src/options/options.ts';
import type { Host } from '../../../src/runtime/host.ts';
import { AsyncLocalStorageContextManager } from '../../../src/runtime/node/context-manager.ts';
import { host as nodeHost } from '../../../src/runtime/node/host.ts';
import type { FakeHostOptions } from '../../../src/testing/index.ts';
import { engineSources } from '../../support/engines.ts';
import { answerOf } from '../../support/surroundings.ts';
import { settledBy, started, unaccounted } from '../../support/telemetry.ts';

const OTHER_SCHEMA = 'https://opentelemetry.io/schemas/1.40.0';

/** A promise and what settles it. */
function later<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<T>((onValue, onReason) => {
    resolve = onValue;
    reject = onReason;
  });
  return { promise, resolve, reject };
}

function detector(
  name: string,
  detect: ResourceDetector['detect'],
  more: Partial<ResourceDetector> = {},
): ResourceDetector {
  return { name, detect, ...more };
}

const NEVER = new Promise<never>(() => {});
const hangs = detector('hangs', () => NEVER);

/** A telemetry whose host has these detectors. */
function withDetectors(
  detectors: readonly ResourceDetector[],
  options: StartOptions = {},
  hostOptions: FakeHostOptions = {},
) {
  const telemetry = started(options, { detectors, ...hostOptions });
  return {
    ...telemetry,
    end: (name: string) => telemetry.tracer.startSpan(name).end(),
    /** The resources of all requests, and their spans' names. */
    resources() {
      const byResource = new Map<object, string[]>();
      for (const { resource, name } of telemetry.transport.traces()) {
        byResource.set(resource, [...(byResource.get(resource) ?? []), name]);
      }
      return [...byResource].map(([resource, spans]) => ({
        ...(resource as { attributes: object; schemaUrl: string }),
        spans,
      }));
    },
    states: () =>
      Object.fromEntries(
        telemetry.telemetry.health().detectors.map(({ name, state }) => [name, state]),
      ),
  };
}

describe('a detector', () => {
  it('Resource detector interface/mechanism: what it finds is in the resource', async () => {
    const { end, host, resources, states, telemetry } = withDetectors([
      detector('sync', () => ({ 'host.name': 'box', list: ['a', 'b'], none: undefined })),
      detector('async', async () => ({ 'host.id': '1' })),
    ]);
    expect(states()).toEqual({ service: 'ok', sync: 'ok', async: 'running' });
    end('1');
    await host.settle();
    expect(states()).toEqual({ service: 'ok', sync: 'ok', async: 'ok' });
    void telemetry.flush();
    await host.settle();
    expect(resources()).toMatchObject([
      { attributes: { 'host.name': 'box', list: ['a', 'b'], 'host.id': '1' }, spans: ['1'] },
    ]);
    expect(resources()[0]!.attributes).not.toHaveProperty('none');
  });

  it('that knows later reaches the spans that wait, and one resource holds them all', async () => {
    const answer = later<{ 'host.id': string }>();
    const { end, host, resources, states, telemetry } = withDetectors([
      detector('late', () => answer.promise),
    ]);
    end('before');
    await host.advance(300);
    answer.resolve({ 'host.id': '1' });
    await host.settle();
    end('after');
    expect(states()).toMatchObject({ late: 'ok' });
    void telemetry.flush();
    await host.settle();
    expect(resources()).toMatchObject([
      { attributes: { 'host.id': '1' }, spans: ['before', 'after'] },
    ]);
  });

  it('listed later wins, whoever answers first', async () => {
    const first = later<{ a: string; b: string }>();
    const { end, host, resources, telemetry } = withDetectors([
      detector('one', () => first.promise),
      detector('two', async () => ({ b: 'two', c: 'two' })),
    ]);
    end('1');
    await host.settle();
    first.resolve({ a: 'one', b: 'one' });
    await host.settle();
    void telemetry.flush();
    await host.settle();
    expect(resources()).toMatchObject([{ attributes: { a: 'one', b: 'two', c: 'two' } }]);
  });

  it('does not win over what the user says, however late it answers', async () => {
    const { end, host, resources, telemetry } = withDetectors(
      [
        detector('cloud', async () => ({
          'service.name': 'detected',
          'host.name': 'detected',
          team: 'detected',
          zone: 'detected',
        })),
      ],
      { serviceName: 'shop', resource: { 'host.name': 'mine' } },
      { env: { OTEL_RESOURCE_ATTRIBUTES: 'team=a' } },
    );
    end('1');
    await host.settle();
    void telemetry.flush();
    await host.settle();
    expect(resources()).toMatchObject([
      {
        attributes: {
          'service.name': 'shop',
          'host.name': 'mine',
          team: 'a',
          zone: 'detected',
        },
      },
    ]);
  });

  it('that finds nothing is no error', async () => {
    const nothing = [undefined, null, {}].map((answer, i) =>
      detector(`nothing ${i}`, () => answer as never, { schemaUrl: OTHER_SCHEMA }),
    );
    const { host, states, resources, end, telemetry } = withDetectors([
      ...nothing,
      detector('later nothing', async () => ({})),
    ]);
    end('1');
    await host.settle();
    void telemetry.flush();
    await host.settle();
    expect(Object.values(states())).toEqual(Array(5).fill('ok'));
    expect(host.warnings).toEqual([]);
    // A schema of attributes that are not there would be nobody's.
    expect(resources()[0]!.schemaUrl).toBe(SCHEMA_URL);
  });

  it('asks in a context in which nothing is traced', async () => {
    contextApi.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const seen: boolean[] = [];
    const look = () => void seen.push(isTracingSuppressed(contextApi.active()));
    const { host } = withDetectors([
      detector('looks', async () => {
        look();
        await Promise.resolve();
        look();
        return {};
      }),
    ]);
    await host.settle();
    contextApi.disable();
    expect(seen).toEqual([true, true]);
  });
});

describe('schema URLs', () => {
  const withUrl = (name: string, schemaUrl: string | undefined) =>
    detector(name, async () => ({ [name]: 1 }), { schemaUrl });

  async function resourceOf(...detectors: ResourceDetector[]) {
    const { end, host, resources, telemetry } = withDetectors(detectors);
    end('1');
    await host.settle();
    void telemetry.flush();
    await host.settle();
    return { resource: resources()[0]!, warnings: host.warnings };
  }

  it('of the detectors reach ResourceSpans', async () => {
    const { resource, warnings } = await resourceOf(
      withUrl('a', SCHEMA_URL),
      withUrl('b', undefined),
    );
    expect(resource).toMatchObject({ schemaUrl: SCHEMA_URL, attributes: { a: 1, b: 1 } });
    expect(warnings).toEqual([]);
  });

  it('that differ are left out, with one warning; the attributes stay', async () => {
    const { resource, warnings } = await resourceOf(
      withUrl('a', OTHER_SCHEMA),
      withUrl('b', SCHEMA_URL),
    );
    expect(resource).toMatchObject({ schemaUrl: '', attributes: { a: 1, b: 1 } });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(OTHER_SCHEMA);
  });
});

describe('a function in an answer', () => {
  it('is called when the start is over, untraced', async () => {
    const calls: string[] = [];
    const { end, host, resources, states, telemetry } = withDetectors([
      detector('functions', () => ({
        now: 1,
        soon: () => {
          calls.push('soon');
          return 2;
        },
        later: async () => 3,
        never: () => undefined,
      })),
      detector('whole', () => () => {
        calls.push('whole');
        return { whole: 4, rest: async () => 5 };
      }),
      detector('promised', async () => ({ promised: () => 6 })),
    ]);
    expect(calls).toEqual([]);
    expect(states()).toMatchObject({ functions: 'running', whole: 'running' });
    end('1');
    await host.settle();
    expect(calls).toEqual(['soon', 'whole']);
    expect(states()).toMatchObject({ functions: 'ok', whole: 'ok', promised: 'ok' });
    void telemetry.flush();
    await host.settle();
    expect(resources()).toMatchObject([
      { attributes: { now: 1, soon: 2, later: 3, whole: 4, rest: 5, promised: 6 } },
    ]);
  });

  it('that throws fails its detector alone', async () => {
    const { host, states } = withDetectors([
      detector('throws', () => ({
        value: () => {
          throw new Error('no luck');
        },
      })),
      detector('whole', () => () => {
        throw new Error('no luck');
      }),
      detector('works', () => ({ works: () => 1 })),
    ]);
    await host.settle();
    expect(states()).toMatchObject({ throws: 'failed', whole: 'failed', works: 'ok' });
    expect(host.warnings).toHaveLength(2);
  });
});

describe('a detector that fails', () => {
  it('costs one warning each and nothing else', async () => {
    const { end, host, resources, states, telemetry, traces } = withDetectors([
      detector('throws', () => {
        throw new Error('no luck');
      }),
      detector('rejects', () => Promise.reject(new Error('no route'))),
      detector('hostile', () =>
        Promise.reject({
          toString() {
            throw new Error('no text');
          },
        }),
      ),
      detector('half', () => ({ half: 1, rest: Promise.reject(new Error('gone')) })),
      detector('works', async () => ({ works: 1 })),
    ]);
    end('1');
    await host.settle();
    void telemetry.flush();
    await host.settle();
    expect(states()).toEqual({
      service: 'ok',
      throws: 'failed',
      rejects: 'failed',
      hostile: 'failed',
      half: 'failed',
      works: 'ok',
    });
    expect(resources()).toMatchObject([{ attributes: { half: 1, works: 1 }, spans: ['1'] }]);
    expect(host.warnings).toHaveLength(4);
    expect(host.warnings.join('\n')).toMatch(/'throws' failed: Error: no luck; the others count\./);
    expect(host.warnings.join('\n')).toMatch(/'rejects' failed: Error: no route/);
    expect(unaccounted(traces())).toBe(0);
  });
});

describe('a detector that hangs', () => {
  it('delays no batch beyond its time, and what others found is in it', async () => {
    const { end, host, resources, states, transport } = withDetectors([
      hangs,
      detector('works', async () => ({ works: 1 })),
    ]);
    end('1');
    await host.advance(999);
    expect(transport.payloads).toHaveLength(0);
    await host.advance(1);
    expect(resources()).toMatchObject([{ attributes: { works: 1 }, spans: ['1'] }]);
    expect(states()).toMatchObject({ hangs: 'running', works: 'ok' });
  });

  it('is given up after two seconds, with one warning, and its late answer is ignored', async () => {
    const answer = later<{ late: number }>();
    const { end, host, resources, states, telemetry } = withDetectors([
      detector('slow', () => answer.promise),
    ]);
    await host.advance(1999);
    expect(states()).toMatchObject({ slow: 'running' });
    await host.advance(1);
    expect(states()).toMatchObject({ slow: 'timed_out' });
    answer.resolve({ late: 1 });
    await host.settle();
    end('1');
    void telemetry.flush();
    await host.settle();
    expect(resources()[0]!.attributes).not.toHaveProperty('late');
    expect(states()).toMatchObject({ slow: 'timed_out' });
    expect(host.warnings).toEqual([
      "otlp-wasm: resource detector 'slow' has not answered within 2000 ms; the others count.",
    ]);
    await host.advance(10_000);
    expect(host.warnings).toHaveLength(1);
  });

  it('has its time while the program is responsive: one that loads for a minute costs no answer', async () => {
    const answer = later<{ late: number }>();
    const warnings: string[] = [];
    const timers = new Set<{ readonly at: number; readonly callback: () => void }>();
    let now = 0;
    const host: Host = {
      ...nodeHost,
      setTimer(callback, delayMs) {
        const timer = { at: now + delayMs, callback };
        timers.add(timer);
        return () => void timers.delete(timer);
      },
    };
    /** Nothing but the timers that were due meanwhile, as after a long synchronous piece of work. */
    const block = (ms: number) => {
      now += ms;
      for (const timer of [...timers].filter(({ at }) => at <= now)) {
        timers.delete(timer);
        timer.callback();
      }
    };
    const slow = detector('slow', () => answer.promise);
    const detection = startDetection([slow], host, (line) => warnings.push(line));
    block(60_000);
    answer.resolve({ late: 1 });
    await detection.settled;
    expect(detection.detectors).toMatchObject([{ name: 'slow', state: 'ok' }]);
    expect(detection.resource().attributes).toEqual({ late: 1 });
    expect(warnings).toEqual([]);
    expect(timers.size).toBe(0);
  });

  it('may say how long it takes', async () => {
    const { host, states } = withDetectors([
      detector('quick', () => NEVER, { timeoutMs: 100 }),
      detector('slow', () => NEVER, { timeoutMs: 60_000 }),
    ]);
    await host.advance(100);
    expect(states()).toMatchObject({ quick: 'timed_out', slow: 'running' });
    await host.advance(59_900);
    expect(states()).toMatchObject({ slow: 'timed_out' });
    expect(host.pending).toBe(0);
  });

  it('keeps what it had found until then', async () => {
    const { end, host, resources, telemetry } = withDetectors([
      detector('half', () => ({ now: 1, soon: Promise.resolve(2), never: NEVER })),
    ]);
    end('1');
    await host.advance(2000);
    void telemetry.flush();
    await host.settle();
    expect(resources()).toMatchObject([{ attributes: { now: 1, soon: 2 } }]);
  });
});

/** An engine that is there some turns after the detectors' answers. */
async function lateEngine() {
  for (let i = 0; i < 20; i++) await Promise.resolve();
  return engineSources.portable();
}

describe('while detectors run', () => {
  it('full batches wait for them, but not longer than a batch may take', async () => {
    const { end, host, resources, transport } = withDetectors([hangs], { batch: { size: 2 } });
    await host.settle();
    for (let i = 0; i < 5; i++) end(`${i}`);
    await host.advance(999);
    expect(transport.payloads).toHaveLength(0);
    await host.advance(1);
    expect(resources().flatMap(({ spans }) => spans)).toEqual(['0', '1', '2', '3', '4']);
    // From then on they leave as they are full.
    end('5');
    end('6');
    await host.settle();
    expect(transport.payloads).toHaveLength(4);
  });

  it('a ring that fills up drains', async () => {
    const { telemetry, tracer, traces, host } = withDetectors([hangs], { ringBytes: 1 << 20 });
    const text = 'x'.repeat(4000);
    for (let i = 0; i < 1000; i++)
      tracer
        .startSpan('s')
        .setAttribute('text', text + i)
        .end();
    await host.settle();
    expect(traces().sent).toBeGreaterThan(0);
    expect(traces().dropped).toMatchObject({ ring_full: 0, too_large: 0 });
    expect(unaccounted(traces())).toBe(0);
    void telemetry.shutdown();
    await host.advance(500);
    expect(traces().sent).toBe(1000);
  });

  it.each(['flush', 'shutdown'] as const)('%s waits half a second for them', async (method) => {
    const answer = later<{ late: number }>();
    const { end, host, resources, telemetry } = withDetectors([
      detector('slow', () => answer.promise),
      hangs,
    ]);
    end('1');
    const report = telemetry[method]();
    expect(await settledBy(report, () => host.advance(400))).toEqual({ done: false });
    answer.resolve({ late: 1 });
    expect(await settledBy(report, () => host.advance(99))).toEqual({ done: false });
    expect(await settledBy(report, () => host.advance(1))).toMatchObject({
      value: { complete: true, sent: 1 },
    });
    expect(resources()).toMatchObject([{ attributes: { late: 1 }, spans: ['1'] }]);
  });

  it('the end of the process waits half a second for them', async () => {
    const { end, host, resources } = withDetectors([hangs]);
    end('1');
    const exit = host.exitGracefully();
    expect(await settledBy(exit, () => host.advance(499))).toEqual({ done: false });
    expect(await settledBy(exit, () => host.advance(1))).toEqual({ done: true, value: true });
    expect(resources()).toMatchObject([{ spans: ['1'] }]);
  });

  it('flush waits no longer than flushTimeoutMs', async () => {
    const { end, host, telemetry } = withDetectors([hangs], { flushTimeoutMs: 100 });
    end('1');
    const report = telemetry.flush();
    expect(await settledBy(report, () => host.advance(100))).toMatchObject({ done: true });
  });

  it('nobody waits when there is nothing to send', async () => {
    const { host, telemetry } = withDetectors([hangs]);
    expect(await settledBy(telemetry.flush(), () => host.settle())).toMatchObject({
      value: { complete: true },
    });
    expect(await settledBy(telemetry.shutdown(), () => host.settle())).toMatchObject({
      value: { complete: true },
    });
  });

  it('what they find is in the spans that wait for an engine', async () => {
    const engine = later<undefined>();
    const { end, host, resources, telemetry } = withDetectors(
      [detector('async', async () => ({ found: 1 }))],
      { engine: 'portable' },
      { engines: { portable: () => engine.promise.then(() => engineSources.portable()) } },
    );
    end('1');
    await host.settle();
    expect(telemetry.health()).toMatchObject({
      engine: { name: 'loading' },
      detectors: [{ name: 'service' }, { name: 'async', state: 'ok' }],
    });
    engine.resolve(undefined);
    await host.settle();
    void telemetry.flush();
    await host.settle();
    expect(resources()).toMatchObject([{ attributes: { found: 1 }, spans: ['1'] }]);
  });
  it.each([
    ['', {}],
    [', before there is an engine too', { engines: { portable: lateEngine } }],
  ])(
    'one that finds too much is left out, with a warning, and no span is lost%s',
    async (_, more) => {
      const { end, host, resources, telemetry, traces } = withDetectors(
        [detector('verbose', async () => ({ text: 'x'.repeat(1 << 20) }))],
        { ringBytes: 1 << 20, engine: 'portable' },
        more,
      );
      end('before');
      await host.settle();
      end('after');
      void telemetry.flush();
      await host.settle();
      expect(resources()).toMatchObject([{ spans: ['before', 'after'] }]);
      expect(resources()[0]!.attributes).not.toHaveProperty('text');
      expect(host.warnings).toHaveLength(1);
      expect(host.warnings[0]).toContain('too large');
      expect(traces()).toMatchObject({ sent: 2 });
    },
  );
});

describe('which detectors are asked', () => {
  const box = detector('box', () => ({ 'host.name': 'box' }));
  const cloud = detector('cloud', () => ({ 'cloud.provider': 'mine' }));

  function names(option?: readonly (string | AnyResourceDetector)[], variable?: string) {
    const { host, telemetry } = started(option === undefined ? {} : { detectors: option }, {
      detectors: [box, cloud],
      env: { OTEL_NODE_RESOURCE_DETECTORS: variable },
    });
    return {
      names: telemetry.health().detectors.map(({ name }) => name),
      warnings: host.warnings,
    };
  }

  it.each([
    [undefined, ['service', 'box', 'cloud']],
    ['', ['service', 'box', 'cloud']],
    ['all', ['service', 'box', 'cloud']],
    ['none', []],
    ['env', []],
    ['cloud', ['cloud']],
    ['cloud, box,serviceinstance', ['cloud', 'box', 'service']],
    ['box,all', ['box', 'service', 'cloud']],
  ])('OTEL_NODE_RESOURCE_DETECTORS=%s', (variable, expected) => {
    expect(names(undefined, variable)).toEqual({ names: expected, warnings: [] });
  });

  it('a name that the host has not is said', () => {
    const { names: asked, warnings } = names(undefined, 'box,alibaba');
    expect(asked).toEqual(['box']);
    expect(warnings).toEqual([
      "otlp-wasm: there is no resource detector 'alibaba' here; there are service, box, cloud, all.",
    ]);
  });

  it('the option wins over the variable and takes detectors, too', () => {
    const own = detector('own', () => ({}));
    expect(names(['box', own], 'cloud').names).toEqual(['box', 'own']);
    expect(names([own, 'all'], 'none').names).toEqual(['own', 'service', 'box', 'cloud']);
    expect(names([], 'cloud').names).toEqual([]);
    expect(names(['nowhere']).warnings).toHaveLength(1);
  });

  it.each([
    ['aws', "option 'detectors' is 'aws'"],
    [[7], "option 'detectors[0]' is 7"],
    [['box', null], "option 'detectors[1]' is null"],
    [[{ name: 'x' }], "option 'detectors[0]' is an object"],
  ])('%j is refused', (given, message) => {
    expect(() => started({ detectors: given as never })).toThrow(message);
  });

  it('none where telemetry is disabled', () => {
    const { telemetry } = started({ disabled: true }, { detectors: [hangs] });
    expect(telemetry.health().detectors).toEqual([]);
  });

  it('on Node: those of the process, the machine and the clouds', () => {
    expect(nodeHost.detectors.map(({ name }) => name)).toEqual([
      'process',
      'os',
      'host',
      'container',
      'kubernetes',
      'aws',
      'gcp',
      'azure',
      'heroku',
      'vercel',
      'cloudflare',
      'fly',
    ]);
  });
});

describe("upstream's detectors", () => {
  afterEach(() => contextApi.disable());

  it('are taken as they are, with the promises among their attributes', async () => {
    const answer = later<string>();
    class OwnDetector {
      detect() {
        return {
          attributes: { now: 1, later: answer.promise, none: Promise.resolve(undefined) },
          schemaUrl: OTHER_SCHEMA,
        };
      }
    }
    const { end, host, resources, states, telemetry } = withDetectors([], {
      detectors: [new OwnDetector(), upstream.processDetector],
    });
    end('1');
    await host.settle();
    expect(states()).toEqual({ OwnDetector: 'running', ProcessDetector: 'ok' });
    answer.resolve('2');
    await host.settle();
    void telemetry.flush();
    await host.settle();
    expect(resources()).toMatchObject([
      { attributes: { now: 1, later: '2', 'process.pid': process.pid }, schemaUrl: OTHER_SCHEMA },
    ]);
    expect(resources()[0]!.attributes).not.toHaveProperty('none');
  });

  it('find no attribute that ours do not find, but those that are for asking', async () => {
    const theirs = Object.keys(
      upstream.detectResources({
        detectors: [
          upstream.hostDetector,
          upstream.osDetector,
          upstream.processDetector,
          upstream.serviceInstanceIdDetector,
        ],
      }).attributes,
    );
    const ours = new Set<string>();
    for (const one of nodeHost.detectors.slice(0, 3)) {
      for (const key of Object.keys(await answerOf(one, nodeHost))) ours.add(key);
    }
    ours.add('service.instance.id');
    expect(theirs.filter((key) => !ours.has(key)).sort()).toEqual([
      // May hold secrets: `processArgumentsDetector`.
      'process.command_args',
      // Opt-in by the semantic conventions.
      'process.executable.path',
    ]);
  });
});
