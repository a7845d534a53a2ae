import {
  type Context,
  context as contextApi,
  createTraceState,
  ROOT_CONTEXT,
  trace as traceApi,
} from '@opentelemetry/api';
import {
  BatchLogRecordProcessor,
  InMemoryLogRecordExporter,
  SimpleLogRecordProcessor,
} from '@opentelemetry/sdk-logs';
import { afterEach, describe, expect, it } from 'vitest';
import type { LogEnabledOptions, LogRecordProcessor } from '../../../src/api/log/processors.ts';
import type { ReadWriteLogRecord } from '../../../src/api/log/readable.ts';
import { redaction } from '../../../src/redaction.ts';
import { AsyncLocalStorageContextManager } from '../../../src/runtime/node/context-manager.ts';
import { saidDuring } from '../../support/diag.ts';
import { plain, record } from '../../support/log-model.ts';
import { logRig } from '../../support/log-rig.ts';

/** A processor that only does what it is given. */
function processor(parts: Partial<LogRecordProcessor>): LogRecordProcessor {
  return {
    onEmit() {},
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
    ...parts,
  };
}

/** Keeps what it sees. */
function keeping() {
  const seen: ReadWriteLogRecord[] = [];
  const contexts: (Context | undefined)[] = [];
  const kept = processor({
    onEmit(log, context) {
      seen.push(log);
      contexts.push(context);
    },
  });
  return { seen, contexts, kept };
}

const SPAN = {
  traceId: 'a'.repeat(32),
  spanId: 'b'.repeat(16),
  traceFlags: 1,
  traceState: createTraceState('a=1'),
};

afterEach(() => contextApi.disable());

describe('what a processor reads', () => {
  it('is the record, with its scope and resource', () => {
    const { seen, contexts, kept } = keeping();
    const rig = logRig('simd', { processors: [kept], resource: { attributes: { r: 1 } } });
    const context = traceApi.setSpanContext(ROOT_CONTEXT, SPAN);
    rig.logger('lib', '1', { schemaUrl: 'u', attributes: { s: 1 } }).emit({
      timestamp: [5, 6],
      observedTimestamp: [7, 8],
      severityNumber: 9,
      severityText: 'INFO',
      eventName: 'e',
      body: { a: [1, new Uint8Array([2])] },
      attributes: { x: 'y', map: { m: 1 } },
      context,
    });
    const [log] = seen;
    expect(log).toMatchObject({
      hrTime: [5, 6],
      hrTimeObserved: [7, 8],
      severityNumber: 9,
      severityText: 'INFO',
      eventName: 'e',
      body: { a: [1, new Uint8Array([2])] },
      attributes: { x: 'y', map: { m: 1 } },
      droppedAttributesCount: 0,
      spanContext: SPAN,
      instrumentationScope: { name: 'lib', version: '1', schemaUrl: 'u', attributes: { s: 1 } },
    });
    expect(log!.resource.attributes).toEqual({ r: 1 });
    expect(contexts).toEqual([context]);
  });

  it('has nothing where nothing was said', () => {
    const { seen, contexts, kept } = keeping();
    const rig = logRig('simd', { processors: [kept] });
    rig.logger().emit({});
    const [log] = seen;
    for (const field of ['severityNumber', 'severityText', 'eventName', 'body', 'spanContext']) {
      expect(log![field as keyof typeof log], field).toBeUndefined();
    }
    expect(log!.attributes).toEqual({});
    expect(log!.hrTime).toEqual(log!.hrTimeObserved);
    expect(contexts).toEqual([ROOT_CONTEXT]);
  });

  it('stays as it was, whatever comes after it', () => {
    const { seen, kept } = keeping();
    const rig = logRig('simd', { processors: [kept] });
    const logger = rig.logger();
    for (let i = 0; i < 100; i++) {
      logger.emit({ body: i, attributes: { [`k${i % 7}`]: i, last: `v${i}` } });
      if (i % 9 === 0) rig.encode();
    }
    for (const [i, log] of seen.entries()) {
      expect(log.body).toBe(i);
      expect(log.attributes).toEqual({ [`k${i % 7}`]: i, last: `v${i}` });
    }
  });

  it('is the active context where the record has none', () => {
    contextApi.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const { seen, contexts, kept } = keeping();
    const rig = logRig('simd', { processors: [kept] });
    const context = traceApi.setSpanContext(ROOT_CONTEXT, SPAN);
    contextApi.with(context, () => rig.logger().emit({}));
    expect(contexts).toEqual([context]);
    expect(seen[0]!.spanContext).toEqual(SPAN);
  });

  it('is without what redaction keeps back', () => {
    const { seen, kept } = keeping();
    const redacted = redaction({ drop: ['user.*'], mask: ['secret'] })();
    const rig = logRig('simd', { processors: [kept], redaction: redacted });
    rig.logger().emit({ body: { secret: 1 }, attributes: { 'user.id': 1, a: 1 } });
    seen[0]!.setAttribute('too', 'late');
    expect(seen[0]!.body).toEqual({ secret: 'REDACTED' });
    expect(seen[0]!.attributes).toEqual({ a: 1 });
  });
});

describe('what a processor changes', () => {
  it('arrives, and processors behind it see it', () => {
    const { seen, kept } = keeping();
    const changing = processor({
      onEmit(log) {
        log
          .setAttribute('added', 1)
          .setAttribute('given', 'changed')
          .setAttributes({ more: [true], 'user.id': 'u' })
          .setBody({ message: log.body })
          .setEventName('renamed')
          .setSeverityNumber(17)
          .setSeverityText('ERROR');
        log.hrTime = [1, 2];
        log.hrTimeObserved = [3, 4];
        log.spanContext = SPAN;
      },
    });
    const rig = logRig('simd', {
      processors: [changing, kept],
      redaction: redaction({ drop: ['user.*'] })(),
    });
    rig.logger().emit({ body: 'text', severityNumber: 1, attributes: { given: 'g' } });
    const [log] = rig.arrived();
    expect(log).toMatchObject({
      eventName: 'renamed',
      severityNumber: 17,
      severityText: 'ERROR',
      timeUnixNano: 1_000_000_002n,
      observedTimeUnixNano: 3_000_000_004n,
      traceId: SPAN.traceId,
      spanId: SPAN.spanId,
      flags: 1,
    });
    expect(plain(log!.body)).toEqual({ message: 'text' });
    expect(record(log!.attributes)).toEqual({ given: 'changed', added: 1, more: [true] });
    expect(seen[0]).toMatchObject({
      eventName: 'renamed',
      severityNumber: 17,
      hrTime: [1, 2],
      spanContext: SPAN,
      body: { message: 'text' },
    });
  });

  it('can be taken back', () => {
    const clearing = processor({
      onEmit(log) {
        Object.assign(log, {
          body: undefined,
          eventName: undefined,
          severityText: undefined,
          severityNumber: undefined,
          spanContext: undefined,
        });
      },
    });
    const rig = logRig('simd', { processors: [clearing] });
    rig.logger().emit({
      body: 'b',
      eventName: 'e',
      severityText: 'INFO',
      severityNumber: 9,
      context: traceApi.setSpanContext(ROOT_CONTEXT, SPAN),
    });
    expect(rig.arrived()).toMatchObject([
      { body: undefined, eventName: '', severityText: '', severityNumber: 0, traceId: '' },
    ]);
  });

  it('is bounded, too', () => {
    const { seen, kept } = keeping();
    const adding = processor({
      onEmit(log) {
        for (let i = 0; i < 5; i++) log.setAttribute(`k${i}`, i);
      },
    });
    const rig = logRig('simd', { processors: [adding, kept], bounds: { count: 3 } });
    rig.logger().emit({ attributes: { a: 1 } });
    expect(seen[0]!.droppedAttributesCount).toBe(3);
    expect(rig.arrived()[0]).toMatchObject({ droppedAttributes: 3 });
  });

  it('comes too late after onEmit, and is said to diag', async () => {
    const { seen, kept } = keeping();
    const rig = logRig('simd', { processors: [kept] });
    rig.logger().emit({ body: 'b' });
    const said = await saidDuring(() => {
      seen[0]!.setBody('late').setAttribute('late', 1);
      seen[0]!.severityNumber = 24;
    });
    expect(said.map(({ level }) => level)).toEqual(['debug', 'debug', 'debug']);
    expect(seen[0]).toMatchObject({ body: 'b', attributes: {} });
    expect(rig.arrived()).toMatchObject([{ severityNumber: 0, attributes: [] }]);
  });

  it('of strange kinds never throws', () => {
    const boom = () => {
      throw new Error('boom');
    };
    const trap = new Proxy({}, { get: boom, ownKeys: boom }) as never;
    const strange = processor({
      onEmit(log) {
        for (const value of [trap, null, undefined, Symbol('s'), 1, [], {}] as never[]) {
          log.setAttributes(value).setAttribute(value, value).setAttribute('a', value);
          log.setBody(value).setEventName(value).setSeverityText(value).setSeverityNumber(value);
          log.hrTime = value;
          log.hrTimeObserved = value;
        }
        log.setBody('end');
      },
    });
    const rig = logRig('simd', { processors: [strange] });
    rig.logger().emit({});
    expect(rig.arrived()).toMatchObject([{ body: { string: 'end' } }]);
  });
});

describe('processors', () => {
  it('run in their order, and one that fails stops nobody', async () => {
    const order: string[] = [];
    const rig = logRig('simd', {
      processors: [
        processor({ onEmit: () => void order.push('first') }),
        processor({
          onEmit() {
            throw new Error('no');
          },
        }),
        processor({ onEmit: () => void order.push('last') }),
      ],
    });
    const said = await saidDuring(() => rig.logger().emit({ body: 'b' }));
    expect(order).toEqual(['first', 'last']);
    expect(rig.arrived()).toHaveLength(1);
    expect(said).toMatchObject([
      { level: 'error', line: 'otlp-wasm: a log record processor failed in onEmit' },
    ]);
  });

  it('are not asked about what a logger does not let through', () => {
    const { seen, kept } = keeping();
    const rig = logRig('simd', {
      processors: [kept],
      configurator: () => ({ minimumSeverity: 9 }),
    });
    for (const severityNumber of [5, 9]) rig.logger().emit({ severityNumber });
    expect(seen.map(({ severityNumber }) => severityNumber)).toEqual([9]);
  });

  it('are flushed and shut down once, and not called afterwards', async () => {
    const calls: string[] = [];
    const counting = processor({
      onEmit: () => void calls.push('onEmit'),
      forceFlush: async () => void calls.push('forceFlush'),
      shutdown: async () => void calls.push('shutdown'),
    });
    const failing = processor({ forceFlush: () => Promise.reject(new Error('no')) });
    const rig = logRig('simd', { processors: [counting] });
    expect(await rig.processors!.flushed()).toBe(true);
    expect(await logRig('simd', { processors: [failing, counting] }).processors!.flushed()).toBe(
      false,
    );
    expect(await rig.processors!.shutdown()).toBe(true);
    rig.logger().emit({});
    expect(calls).toEqual(['forceFlush', 'forceFlush', 'shutdown']);
  });

  it('may log themselves', () => {
    let depth = 0;
    const logging = processor({
      onEmit() {
        if (depth++ < 2) rig.logger('inner').emit({ body: depth });
      },
    });
    const rig = logRig('simd', { processors: [logging] });
    rig.logger('outer').emit({ body: 0 });
    expect(rig.arrived().map(({ body }) => plain(body))).toEqual([0, 1, 2].reverse());
  });
});

describe('enabled of processors', () => {
  const asking = (...answers: (boolean | undefined)[]) => {
    const asked: LogEnabledOptions[] = [];
    const processors = answers.map((answer) =>
      processor(
        answer === undefined
          ? {}
          : {
              enabled(options) {
                asked.push(options);
                return answer;
              },
            },
      ),
    );
    return { asked, processors };
  };

  it('counts where nothing is exported besides: one that says yes, or nothing, is enough', () => {
    const says = (...answers: (boolean | undefined)[]) =>
      logRig('simd', { exported: false, processors: asking(...answers).processors })
        .logger()
        .enabled();
    expect([says(false), says(true), says(undefined)]).toEqual([false, true, true]);
    expect([says(false, true), says(false, false), says(false, undefined)]).toEqual([
      true,
      false,
      true,
    ]);
    expect(logRig('simd', { exported: false }).logger().enabled()).toBe(false);
  });

  it('gets what is known of the record', () => {
    const { asked, processors } = asking(true);
    const rig = logRig('simd', { exported: false, processors });
    const context = traceApi.setSpanContext(ROOT_CONTEXT, SPAN);
    rig.logger('lib', '1').enabled({ context, severityNumber: 9, eventName: 'e' });
    rig.logger('lib', '1').enabled();
    const instrumentationScope = { name: 'lib', version: '1' };
    expect(asked).toEqual([
      { context, instrumentationScope, severityNumber: 9, eventName: 'e' },
      { context: ROOT_CONTEXT, instrumentationScope },
    ]);
  });

  it('false of all of them: what nobody wants is not made, unless it is exported', () => {
    const { seen, kept } = keeping();
    const unwilling = { ...kept, enabled: () => false };
    logRig('simd', { exported: false, processors: [unwilling] })
      .logger()
      .emit({});
    expect(seen).toEqual([]);
    const rig = logRig('simd', { processors: [unwilling] });
    expect(rig.logger().enabled()).toBe(true);
    rig.logger().emit({});
    expect(rig.arrived()).toHaveLength(1);
  });

  it('that throws means yes', () => {
    const failing = processor({
      enabled() {
        throw new Error('no');
      },
    });
    expect(
      logRig('simd', { exported: false, processors: [failing] })
        .logger()
        .enabled(),
    ).toBe(true);
  });

  it('is false once the telemetry is shut down', () => {
    const rig = logRig('simd');
    expect(rig.logger().enabled()).toBe(true);
    rig.sink.closed = true;
    expect(rig.logger().enabled()).toBe(false);
  });
});

describe('processors of the SDK', () => {
  it('work as they are', async () => {
    const simple = new InMemoryLogRecordExporter();
    const batched = new InMemoryLogRecordExporter();
    const rig = logRig('simd', {
      processors: [
        new SimpleLogRecordProcessor({ exporter: simple }),
        new BatchLogRecordProcessor({ exporter: batched }),
      ],
    });
    for (let i = 0; i < 3; i++) {
      rig.logger().emit({ body: { i }, attributes: { i }, severityNumber: 9 });
    }
    expect(await rig.processors!.flushed()).toBe(true);
    for (const exporter of [simple, batched]) {
      const logs = exporter.getFinishedLogRecords();
      expect(logs.map(({ body, attributes }) => [body, attributes])).toEqual(
        [0, 1, 2].map((i) => [{ i }, { i }]),
      );
      expect(new Set(logs.map((log) => log.instrumentationScope)).size).toBe(1);
    }
    expect(await rig.processors!.shutdown()).toBe(true);
    expect(rig.arrived()).toHaveLength(3);
  });
});
