import {
  type Context,
  createContextKey,
  createTraceState,
  type HrTime,
  INVALID_SPAN_CONTEXT,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanStatusCode,
  trace as traceApi,
} from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import type { SpanProcessor } from '../../../src/api/trace/processors.ts';
import type { ReadableSpan } from '../../../src/api/trace/readable.ts';
import { alwaysOff, alwaysRecord } from '../../../src/api/trace/samplers/always.ts';
import type { StartOptions } from '../../../src/options/options.ts';
import { redaction } from '../../../src/redaction.ts';
import { fakeHost, startOn } from '../../../src/testing/index.ts';
import { saidDuring, withBrokenDiag } from '../../support/diag.ts';
import { engineSources } from '../../support/engines.ts';
import { settledBy, started, unaccounted } from '../../support/telemetry.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const SPAN_ID = 'b7ad6b7169203331';
const REMOTE: SpanContext = { traceId: TRACE_ID, spanId: SPAN_ID, traceFlags: 1, isRemote: true };
/** Unix seconds at which the fake host's clock begins. */
const START_SEC = Date.UTC(2026, 0, 1) / 1000;

type Both = Span & ReadableSpan;

/** A processor that does what is given, and nothing else. */
function processor(parts: Partial<SpanProcessor>): SpanProcessor {
  return {
    onStart() {},
    onEnd() {},
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
    ...parts,
  };
}

const startedWith = (parts: Partial<SpanProcessor>, options: StartOptions = {}) =>
  started({ ...options, spanProcessors: [processor(parts)] });

/** Writes down which of its methods are called, of which span. */
function logging(name: string, log: string[]): SpanProcessor {
  return {
    onStart: (span) => void log.push(`${name} onStart ${span.name}`),
    onEnding: (span) => void log.push(`${name} onEnding ${span.name}`),
    onEnd: (span) => void log.push(`${name} onEnd ${span.name}`),
    forceFlush: async () => void log.push(`${name} forceFlush`),
    shutdown: async () => void log.push(`${name} shutdown`),
  };
}

const broken = (): never => {
  throw new Error('broken');
};

describe('onStart', () => {
  it('SpanProcessor.OnStart receives parent Context: the one the span was started with', () => {
    const seen: Context[] = [];
    const { tracer } = startedWith({ onStart: (_span, context) => void seen.push(context) });
    const key = createContextKey('tenant');
    const context = traceApi.setSpanContext(ROOT_CONTEXT, REMOTE).setValue(key, 'acme');
    tracer.startSpan('s', {}, context);
    tracer.startActiveSpan('s', {}, context, () => {});
    tracer.startSpan('s', {}, ROOT_CONTEXT);
    expect(seen).toEqual([context, context, ROOT_CONTEXT]);
    expect(seen[0]?.getValue(key)).toBe('acme');
    expect(traceApi.getSpanContext(seen[0] as Context)).toBe(REMOTE);
  });

  it('SpanProcessor.OnStart receives parent Context: of a root one without a span', () => {
    let seen = ROOT_CONTEXT;
    const { tracer } = startedWith({
      onStart(_span, context) {
        seen = context;
      },
    });
    const key = createContextKey('tenant');
    const context = traceApi.setSpanContext(ROOT_CONTEXT, REMOTE).setValue(key, 'acme');
    tracer.startSpan('s', { root: true }, context);
    expect(traceApi.getSpan(seen)).toBeUndefined();
    expect(seen.getValue(key)).toBe('acme');
  });

  it('sees the parent: local, remote, invalid and none', () => {
    const seen: Record<string, SpanContext | undefined> = {};
    const { tracer } = startedWith({
      onStart(span) {
        seen[span.name] = span.parentSpanContext;
      },
    });
    const traceState = createTraceState('vendor=1');
    const childOf = (name: string, parent: SpanContext) =>
      tracer.startSpan(name, {}, traceApi.setSpanContext(ROOT_CONTEXT, parent));
    const parent = tracer.startSpan('none');
    tracer.startSpan('local', {}, traceApi.setSpan(ROOT_CONTEXT, parent));
    childOf('remote', { ...REMOTE, traceState });
    childOf('foreign but local', { traceId: TRACE_ID, spanId: SPAN_ID, traceFlags: 3 });
    childOf('invalid', INVALID_SPAN_CONTEXT);
    childOf('no span id', { ...REMOTE, spanId: '0'.repeat(16) });
    expect(seen).toEqual({
      none: undefined,
      local: parent.spanContext(),
      remote: { ...REMOTE, traceState },
      'foreign but local': { traceId: TRACE_ID, spanId: SPAN_ID, traceFlags: 3 },
      invalid: undefined,
      'no span id': undefined,
    });
  });

  it('sees the parent as it was, whatever the sampler makes of its child', () => {
    const seen: (SpanContext | undefined)[] = [];
    const traceState = createTraceState('sampler=1');
    let decision = 2;
    const { tracer } = startedWith(
      { onStart: (span) => void seen.push(span.parentSpanContext, span.spanContext()) },
      { sampler: { shouldSample: () => ({ decision, traceState }), toString: () => 'test' } },
    );
    const unsampled = { ...REMOTE, traceFlags: 0, traceState: createTraceState('was=1') };
    tracer.startSpan('s', {}, traceApi.setSpanContext(ROOT_CONTEXT, unsampled));
    decision = 1;
    tracer.startSpan('s', {}, traceApi.setSpanContext(ROOT_CONTEXT, REMOTE));
    expect(seen).toMatchObject([
      { traceFlags: 0, traceState: unsampled.traceState },
      { traceFlags: 1, traceState },
      { traceFlags: 1 },
      { traceFlags: 0, traceState },
    ]);
    expect(seen[2]).toEqual(REMOTE);
  });

  it('sees everything the span was started with', () => {
    let seen: Both | undefined;
    const { tracer } = startedWith({
      onStart(span) {
        seen = span;
        expect(span).toMatchObject({
          name: 's',
          kind: 2,
          startTime: [1_700_000_000, 5],
          endTime: [0, 0],
          duration: [0, 0],
          status: { code: SpanStatusCode.UNSET },
          attributes: { a: 1, list: ['x'] },
          links: [{ context: REMOTE, attributes: { why: 'batch' }, droppedAttributesCount: 0 }],
          events: [],
          ended: false,
          instrumentationScope: { name: 'test' },
        });
        expect(span.isRecording()).toBe(true);
      },
    });
    const span = tracer.startSpan('s', {
      kind: 2,
      startTime: [1_700_000_000, 5],
      attributes: { a: 1, list: ['x'] },
      links: [{ context: REMOTE, attributes: { why: 'batch' } }],
    });
    expect(seen).toBe(span);
    expect.assertions(3);
  });

  it('may change the span', async () => {
    const { arrived, tracer } = startedWith({
      onStart(span) {
        span.setAttribute('tenant', 'acme').setAttributes({ a: 'mine', b: [1] });
        span.addEvent('queued', { position: 3 }).addLink({ context: REMOTE });
        span.updateName(`${span.name}!`);
      },
    });
    tracer.startSpan('s', { attributes: { a: 'theirs' } }).end();
    expect(await arrived()).toMatchObject([
      {
        name: 's!',
        attributes: { a: 'mine', tenant: 'acme', b: [1] },
        events: [{ name: 'queued', attributes: { position: 3 } }],
        links: [{ traceId: TRACE_ID }],
      },
    ]);
  });

  it('may even end the span', async () => {
    const log: string[] = [];
    const { arrived, tracer, traces } = started({
      spanProcessors: [processor({ onStart: (span) => span.end() }), logging('a', log)],
    });
    const span = tracer.startSpan('s');
    expect(span.isRecording()).toBe(false);
    expect(await arrived()).toHaveLength(1);
    expect(traces().recorded).toBe(1);
    expect(log).toContain('a onEnd s');
  });
});

describe('onEnding', () => {
  it('SpanProcessor.OnEnding: the span has its end time and still records', () => {
    let endTime: HrTime | undefined;
    const { tracer } = startedWith({
      onEnding(span) {
        expect(span.isRecording()).toBe(true);
        expect(span.ended).toBe(false);
        expect(span.duration).toEqual([1, 999_999_990]);
        endTime = span.endTime;
      },
    });
    tracer.startSpan('s', { startTime: [100, 20] }).end([102, 10]);
    expect(endTime).toEqual([102, 10]);
    expect.assertions(4);
  });

  it('SpanProcessor.OnEnding: what it changes arrives', async () => {
    const { arrived, tracer } = startedWith({
      onEnding(span) {
        span.setAttribute('a', 2).setAttributes({ b: ['x'] });
        span.setStatus({ code: SpanStatusCode.ERROR, message: 'slow' });
        span.updateName('renamed').addEvent('ending', { why: 'end' }, [100, 5]);
        span.addLink({ context: REMOTE }).addLinks([{ context: REMOTE }]);
        span.recordException(new TypeError('wrong'));
      },
    });
    tracer.startSpan('s', { attributes: { a: 1 }, startTime: [100, 0] }).end([101, 7]);
    expect(await arrived()).toMatchObject([
      {
        name: 'renamed',
        attributes: { a: 2, b: ['x'] },
        status: { code: 2, message: 'slow' },
        events: [
          { name: 'ending', attributes: { why: 'end' }, timeUnixNano: 100_000_000_005n },
          { name: 'exception', attributes: { 'exception.type': 'TypeError' } },
        ],
        links: [{ traceId: TRACE_ID }, { traceId: TRACE_ID }],
        endTimeUnixNano: 101_000_000_007n,
      },
    ]);
  });

  it('SpanProcessor.OnEnding: the next one sees what the one before has changed', () => {
    let seen: unknown;
    const { tracer } = started({
      spanProcessors: [
        processor({ onEnding: (span) => void span.setAttribute('first', true) }),
        processor({
          onEnding(span) {
            seen = span.attributes;
          },
        }),
      ],
    });
    tracer.startSpan('s').end();
    expect(seen).toEqual({ first: true });
  });

  it('SpanProcessor.OnEnding: ending the span there does nothing', async () => {
    const log: string[] = [];
    const { arrived, tracer, traces } = started({
      spanProcessors: [
        logging('a', log),
        processor({
          onEnding(span) {
            span.end();
            span.end([START_SEC + 1000, 0]);
            expect(span.endTime).toEqual([START_SEC + 5, 6]);
            expect(span.isRecording()).toBe(true);
          },
        }),
      ],
    });
    tracer.startSpan('s').end([START_SEC + 5, 6]);
    expect(await arrived()).toMatchObject([
      { endTimeUnixNano: BigInt(START_SEC + 5) * 1_000_000_000n + 6n },
    ]);
    expect(log).toEqual(['a onStart s', 'a onEnding s', 'a onEnd s', 'a forceFlush']);
    expect(traces()).toMatchObject({ recorded: 1, sent: 1, lateCalls: 0 });
    expect.assertions(5);
  });

  it('SpanProcessor.OnEnding: another span may be ended there', async () => {
    const { arrived, tracer } = startedWith({
      onEnding(span) {
        if (span === outer) inner.end();
      },
    });
    const outer = tracer.startSpan('outer');
    const inner = tracer.startSpan('inner');
    outer.end();
    expect((await arrived()).map(({ name }) => name)).toEqual(['inner', 'outer']);
  });

  it('may write to the name itself, as with the SDK; what is no text becomes some', async () => {
    const names = ['written', 42, undefined, null, Symbol('s'), Object.create(null)];
    const { arrived, tracer, traces } = startedWith({
      onEnding: (span) => void Object.assign(span, { name: names[Number(span.attributes['i'])] }),
    });
    for (const i of names.keys()) tracer.startSpan('s', { attributes: { i } }).end();
    expect((await arrived()).map(({ name }) => name)).toEqual([
      'written',
      '42',
      'undefined',
      'null',
      'Symbol(s)',
      '',
    ]);
    expect(unaccounted(traces())).toBe(0);
  });

  it('is not needed', async () => {
    const { arrived, tracer } = startedWith({});
    tracer.startSpan('s').end();
    expect(await arrived()).toHaveLength(1);
  });
});

describe('onEnd', () => {
  it('sees a span that has ended and takes nothing any more', async () => {
    const seen: ReadableSpan[] = [];
    const { arrived, tracer, traces } = startedWith({
      onEnd(span) {
        seen.push(span);
        expect(span.ended).toBe(true);
        expect((span as Both).isRecording()).toBe(false);
        (span as Both).setAttribute('late', 1).updateName('late');
        (span as Both).end();
      },
    });
    tracer.startSpan('s').end();
    expect(await arrived()).toMatchObject([{ name: 's', attributes: {} }]);
    expect(seen).toMatchObject([{ name: 's', attributes: {} }]);
    expect(traces().lateCalls).toBe(3);
    expect.assertions(5);
  });

  it('is called for spans that are recorded but not sampled; the exporter gets none of them', async () => {
    const log: string[] = [];
    const { arrived, tracer, traces } = started({
      sampler: alwaysRecord(alwaysOff()),
      spanProcessors: [logging('a', log)],
    });
    const span = tracer.startSpan('s');
    expect(span.isRecording()).toBe(true);
    expect(span.spanContext().traceFlags & 1).toBe(0);
    span.end();
    expect(await arrived()).toEqual([]);
    expect(traces().recorded).toBe(0);
    expect(log.slice(0, 3)).toEqual(['a onStart s', 'a onEnding s', 'a onEnd s']);
  });

  it('sees what redaction has left', async () => {
    let seen: unknown;
    const { tracer } = startedWith(
      {
        onEnd(span) {
          seen = span.attributes;
        },
      },
      { redact: redaction({ drop: ['secret'], mask: ['card'] }) },
    );
    tracer.startSpan('s', { attributes: { secret: 'x', card: '4111', kept: 1 } }).end();
    expect(seen).toEqual({ card: 'REDACTED', kept: 1 });
  });
});

describe('several processors', () => {
  it('are called in their order, one step after the other', async () => {
    const log: string[] = [];
    const run = started({ spanProcessors: [logging('a', log), logging('b', log)] });
    run.tracer.startSpan('s').end();
    await run.arrived();
    const down = run.telemetry.shutdown();
    await run.host.settle();
    await down;
    expect(log).toEqual(
      ['onStart s', 'onEnding s', 'onEnd s', 'forceFlush', 'shutdown'].flatMap((step) => [
        `a ${step}`,
        `b ${step}`,
      ]),
    );
  });

  it('are those of the start, whatever becomes of the list', () => {
    const log: string[] = [];
    const spanProcessors = [logging('a', log)];
    const { tracer } = started({ spanProcessors });
    spanProcessors.push(logging('b', log));
    tracer.startSpan('s').end();
    expect(log).toEqual(['a onStart s', 'a onEnding s', 'a onEnd s']);
  });

  it('one that throws stops neither the program nor the others, and diag hears of it', async () => {
    const log: string[] = [];
    const all = { onStart: broken, onEnding: broken, onEnd: broken };
    const run = started({
      spanProcessors: [processor(all), logging('after', log)],
    });
    const said = await saidDuring(() => run.tracer.startSpan('s', { attributes: { a: 1 } }).end());
    expect(said.map(({ level, line }) => [level, line])).toEqual(
      ['onStart', 'onEnding', 'onEnd'].map((method) => [
        'error',
        `otlp-wasm: a span processor failed in ${method}`,
      ]),
    );
    expect(said[0]?.more[0]).toMatchObject({ message: 'broken' });
    expect(log).toEqual(['after onStart s', 'after onEnding s', 'after onEnd s']);
    expect(await run.arrived()).toMatchObject([{ name: 's', attributes: { a: 1 } }]);
  });

  it('one that throws while the logger of diag throws too still stops nobody', async () => {
    const { arrived, tracer } = startedWith({ onStart: broken, onEnding: broken, onEnd: broken });
    const span = withBrokenDiag(() => {
      const active = tracer.startSpan('s');
      active.end();
      active.setAttribute('late', 1);
      return active;
    });
    expect(span.isRecording()).toBe(false);
    expect(await arrived()).toHaveLength(1);
  });
});

describe('spans that are not recorded', () => {
  it.each<[string, StartOptions, number]>([
    ['by the sampler', { sampler: alwaysOff() }, 1],
    ['as their parent', {}, 0],
    ['since telemetry is disabled', { disabled: true }, 1],
  ])('never reach a processor: %s', async (_, options, traceFlags) => {
    const log: string[] = [];
    const { arrived, tracer } = started({ ...options, spanProcessors: [logging('a', log)] });
    const context = traceApi.setSpanContext(ROOT_CONTEXT, { ...REMOTE, traceFlags });
    tracer.startActiveSpan('s', {}, context, (span) => span.setAttribute('a', 1).end());
    await arrived();
    expect(log).toEqual(['a forceFlush']);
  });
});

describe('without an exporter', () => {
  it('spans are recorded for the processors alone', async () => {
    const log: string[] = [];
    const host = { ...fakeHost({ engines: engineSources }), exporter: () => 'none' as const };
    const telemetry = startOn(host, { spanProcessors: [logging('a', log)] });
    telemetry.tracer('t').startSpan('s').end();
    const flushed = telemetry.flush();
    await host.settle();
    expect(await flushed).toMatchObject({ complete: true, recorded: 0, sent: 0 });
    expect(log).toEqual(['a onStart s', 'a onEnding s', 'a onEnd s', 'a forceFlush']);
    expect(startOn(host).tracer('t').startSpan('s').isRecording()).toBe(false);
  });
});

describe('flush and shutdown', () => {
  it('wait for the processors', async () => {
    for (const [call, method] of [
      ['flush', 'forceFlush'],
      ['shutdown', 'shutdown'],
    ] as const) {
      let finish = () => {};
      const { host, telemetry } = startedWith({
        [method]: () => new Promise<void>((resolve) => (finish = resolve)),
      });
      const report = telemetry[call]();
      expect(await settledBy(report, () => host.settle())).toEqual({ done: false });
      finish();
      expect(await settledBy(report, () => host.settle())).toMatchObject({
        done: true,
        value: { complete: true },
      });
    }
  });

  it('wait no longer than flushTimeoutMs for processors and delivery together', async () => {
    for (const [call, method] of [
      ['flush', 'forceFlush'],
      ['shutdown', 'shutdown'],
    ] as const) {
      const run = startedWith({ [method]: () => new Promise(() => {}) }, { flushTimeoutMs: 5000 });
      const { host, telemetry, tracer, traces } = run;
      tracer.startSpan('s').end();
      const report = telemetry[call]();
      expect(await settledBy(report, () => host.advance(4999))).toEqual({ done: false });
      expect(await settledBy(report, () => host.advance(1))).toMatchObject({
        done: true,
        value: { complete: false, sent: 1 },
      });
      expect(unaccounted(traces())).toBe(0);
    }
  });

  it('are incomplete when a processor fails, and diag hears of each failure', async () => {
    for (const [call, method] of [
      ['flush', 'forceFlush'],
      ['shutdown', 'shutdown'],
    ] as const) {
      const log: string[] = [];
      const { host, telemetry, tracer, transport } = started({
        spanProcessors: [
          processor({ [method]: () => Promise.reject(new Error('rejected')) }),
          processor({ [method]: broken }),
          logging('after', log),
        ],
      });
      tracer.startSpan('s').end();
      const said = await saidDuring(async () => {
        const report = telemetry[call]();
        await host.settle();
        expect(await report).toMatchObject({ complete: false, sent: 1 });
      });
      expect(said.map(({ line }) => line)).toEqual(
        Array(2).fill(`otlp-wasm: a span processor failed in ${method}`),
      );
      expect(log).toContain(`after ${method}`);
      expect(transport.traces()).toHaveLength(1);
    }
  });

  it('say of a processor that fails at once, though another one hangs', async () => {
    const { host, telemetry } = started({
      spanProcessors: [
        processor({ forceFlush: () => new Promise(() => {}) }),
        processor({ forceFlush: () => Promise.reject(new Error('rejected')) }),
      ],
    });
    const said = await saidDuring(async () => {
      void telemetry.flush();
      await host.settle();
    });
    expect(said).toHaveLength(1);
  });

  it('are complete when a processor answers with no promise', async () => {
    const none = (() => undefined) as unknown as () => Promise<void>;
    const { host, telemetry } = startedWith({ forceFlush: none, shutdown: none });
    for (const call of ['flush', 'shutdown'] as const) {
      const report = telemetry[call]();
      await host.settle();
      expect((await report).complete).toBe(true);
    }
  });

  it('flush at the graceful end of a process flushes the processors', async () => {
    const log: string[] = [];
    const { host } = started({ spanProcessors: [logging('a', log)] });
    const complete = host.exitGracefully();
    await host.settle();
    expect(await complete).toBe(true);
    expect(log).toEqual(['a forceFlush']);
  });

  it('shutdown is called once, and nothing after it', async () => {
    const log: string[] = [];
    const { host, telemetry, tracer } = started({ spanProcessors: [logging('a', log)] });
    const open = tracer.startSpan('open');
    const reports = [telemetry.shutdown(), telemetry.shutdown(), telemetry.flush()];
    open.end();
    tracer.startSpan('after').end();
    await host.settle();
    await Promise.all(reports);
    expect(log).toEqual(['a onStart open', 'a shutdown']);
  });
});

describe('option spanProcessors', () => {
  const methods = ['onStart', 'onEnd', 'forceFlush', 'shutdown'] as const;
  it.each<[string, unknown, string]>([
    ['no array', processor({}), "option 'spanProcessors' is an object; give an array"],
    ['null', null, "option 'spanProcessors' is null; give an array"],
    ['text', 'batch', "option 'spanProcessors' is 'batch'; give an array"],
    ['null in it', [null], "option 'spanProcessors[0]' is null without a method 'onStart'"],
    ['undefined in it', [undefined], "'spanProcessors[0]' is null without a method 'onStart'"],
    ['a number in it', [processor({}), 7], "'spanProcessors[1]' is 7 without a method 'onStart'"],
    ['a hole', new Array(1), "'spanProcessors[0]' is null without a method 'onStart'"],
    ...methods.map(
      (method) =>
        [
          `no ${method}`,
          [processor({}), { ...processor({}), [method]: undefined }],
          `'spanProcessors[1]' is an object without a method '${method}'`,
        ] as [string, unknown, string],
    ),
  ])('%s: invalid_option', (_, spanProcessors, message) => {
    expect(() => started({ spanProcessors } as StartOptions)).toThrow(
      expect.objectContaining({
        code: 'invalid_option',
        message: expect.stringContaining(message),
      }),
    );
  });

  it('may be an empty list', async () => {
    const { arrived, tracer } = started({ spanProcessors: [] });
    tracer.startSpan('s').end();
    expect(await arrived()).toHaveLength(1);
  });
});
