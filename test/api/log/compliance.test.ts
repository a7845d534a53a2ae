/** Rows of the specification's compliance matrix about logs, from `start()` to what arrives. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { context as contextApi, ROOT_CONTEXT, trace as traceApi } from '@opentelemetry/api';
import {
  BatchLogRecordProcessor,
  InMemoryLogRecordExporter,
  SimpleLogRecordProcessor,
} from '@opentelemetry/sdk-logs';
import { afterEach, describe, expect, it } from 'vitest';
import type { LogRecordProcessor } from '../../../src/api/log/processors.ts';
import { SeverityNumber } from '../../../src/api/log/types.ts';
import { SCHEMA_URL } from '../../../src/api/resource/schema-url.ts';
import { fileTransport } from '../../../src/exporters/file.ts';
import type { StartOptions } from '../../../src/options/options.ts';
import { AsyncLocalStorageContextManager } from '../../../src/runtime/node/context-manager.ts';
import { host as nodeHost } from '../../../src/runtime/node/host.ts';
import { start } from '../../../src/runtime/node/index.ts';
import { startOn } from '../../../src/telemetry.ts';
import { startCollector } from '../../../src/workbench/collector/collector.ts';
import { decodeRequest } from '../../../src/workbench/collector/decode.ts';
import { settledBy, started } from '../../support/telemetry.ts';

/** A telemetry, and the log records that arrive. */
function logging(options: StartOptions = {}) {
  const rig = started(options);
  return {
    ...rig,
    logger: rig.telemetry.logger('test'),
    async arrived() {
      await outcome(rig.telemetry.flush(), rig.host.settle);
      return rig.transport.logs();
    },
  };
}

/** What `promise` comes to while its host is told to go on, and files take their real time. */
async function outcome<T>(promise: Promise<T>, goOn: () => Promise<void>): Promise<T> {
  let done = false;
  const settled = promise.finally(() => {
    done = true;
  });
  settled.catch(() => {});
  while (!done) {
    await goOn();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return settled;
}

/** A processor that only does what it is given. */
function processor(parts: Partial<LogRecordProcessor>): LogRecordProcessor {
  return {
    onEmit() {},
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
    ...parts,
  };
}

afterEach(() => contextApi.disable());

describe('LoggerProvider', () => {
  it('LoggerProvider.Get Logger: by name, version and schema URL; the same one for the same scope', async () => {
    const { arrived, telemetry } = logging();
    const provider = telemetry.loggerProvider;
    const schemaUrl = 'https://opentelemetry.io/schemas/1.30.0';
    provider.getLogger('named').emit({ body: 1 });
    provider.getLogger('named', '1.2.3').emit({ body: 2 });
    provider.getLogger('named', '1.2.3', { schemaUrl }).emit({ body: 3 });
    provider.getLogger('').emit({ body: 4 });
    expect(telemetry.logger('named', '1.2.3')).toBe(provider.getLogger('named', '1.2.3'));
    const scopes = (await arrived()).map(({ body, scope }) => [
      body,
      scope.name,
      scope.version,
      scope.schemaUrl,
    ]);
    expect(scopes).toEqual([
      [1, 'named', '', ''],
      [2, 'named', '1.2.3', ''],
      [3, 'named', '1.2.3', schemaUrl],
      [4, 'unknown', '', ''],
    ]);
  });

  it('LoggerProvider.Get Logger accepts attributes: they arrive with the scope, and tell loggers apart', async () => {
    const { arrived, telemetry } = logging();
    const provider = telemetry.loggerProvider;
    const attributes = { 'pool.name': 'main', size: 4, kinds: ['a', 'b'] };
    const logger = provider.getLogger('pool', '1', { attributes });
    logger.emit({ body: 1 });
    provider.getLogger('pool', '1', { attributes: { 'pool.name': 'other' } }).emit({ body: 2 });
    provider.getLogger('pool', '1').emit({ body: 3 });
    expect(provider.getLogger('pool', '1', { attributes: { ...attributes } })).toBe(logger);
    const scopes = (await arrived()).map(({ body, scope }) => [body, scope.attributes]);
    expect(scopes).toEqual([
      [1, attributes],
      [2, { 'pool.name': 'other' }],
      [3, {}],
    ]);
  });

  it('LoggerProvider.Shutdown: exports what there is, shuts processors down once, takes no more', async () => {
    const calls: string[] = [];
    const { host, logger, telemetry, transport } = logging({
      logs: { processors: [processor({ shutdown: async () => void calls.push('shutdown') })] },
    });
    logger.emit({ body: 'before' });
    await outcome(telemetry.loggerProvider.shutdown(), host.settle);
    await outcome(telemetry.loggerProvider.shutdown(), host.settle);
    expect(calls).toEqual(['shutdown']);
    expect(transport.closed).toBe(true);
    expect(logger.enabled()).toBe(false);
    logger.emit({ body: 'after' });
    telemetry.loggerProvider.getLogger('late').emit({ body: 'later' });
    await host.settle();
    expect(transport.logs().map(({ body }) => body)).toEqual(['before']);
    const { recorded, sent, dropped } = telemetry.health().signals.logs;
    expect({ recorded, sent, dropped }).toMatchObject({
      recorded: 3,
      sent: 1,
      dropped: { after_shutdown: 2 },
    });
  });

  it('LoggerProvider.ForceFlush: resolves when processors and exporter are done, and says whether they were', async () => {
    let release = () => {};
    const flushed = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { host, logger, telemetry, transport } = logging({
      logs: { processors: [processor({ forceFlush: () => flushed })] },
    });
    logger.emit({ body: 'b' });
    const flush = telemetry.loggerProvider.forceFlush();
    expect((await settledBy(flush, host.settle)).done).toBe(false);
    expect(transport.logs()).toHaveLength(1);
    release();
    await outcome(flush, host.settle);

    const failing = logging({
      logs: { processors: [processor({ forceFlush: () => Promise.reject(new Error('no')) })] },
    });
    const failed = failing.telemetry.loggerProvider.forceFlush().then(
      () => 'done',
      (error: Error) => error.message,
    );
    expect(await outcome(failed, failing.host.settle)).toContain('forceFlush is not complete');
  });
});

describe('Logger', () => {
  it('Logger.Emit(LogRecord): every field arrives', async () => {
    const { arrived, telemetry } = logging({ serviceName: 'shop' });
    telemetry.logger('cart', '1').emit({
      timestamp: [1_700_000_000, 5],
      observedTimestamp: [1_700_000_001, 7],
      severityNumber: SeverityNumber.ERROR,
      severityText: 'ERR',
      body: { message: 'm', list: [1, 'two', null, new Uint8Array([3])] },
      attributes: { a: 'x', n: 1, nested: { b: true } },
      context: traceApi.setSpanContext(ROOT_CONTEXT, {
        traceId: 'a'.repeat(32),
        spanId: 'b'.repeat(16),
        traceFlags: 1,
      }),
    });
    const logs = await arrived();
    expect(logs).toMatchObject([
      {
        timeUnixNano: 1_700_000_000_000_000_005n,
        observedTimeUnixNano: 1_700_000_001_000_000_007n,
        severityNumber: 17,
        severityText: 'ERR',
        body: { message: 'm', list: [1, 'two', null, new Uint8Array([3])] },
        attributes: { a: 'x', n: 1, nested: { b: true } },
        traceId: 'a'.repeat(32),
        spanId: 'b'.repeat(16),
        flags: 1,
        scope: { name: 'cart', version: '1' },
      },
    ]);
    expect(logs[0]!.resource.attributes['service.name']).toBe('shop');
  });

  it('Logger.Emit(LogRecord) with Exception parameter: becomes attributes, of which those of the user win', async () => {
    const { arrived, logger } = logging();
    const exception = new TypeError('boom', { cause: new Error('deeper') });
    logger.emit({ exception });
    logger.emit({ exception, attributes: { 'exception.message': 'mine' } });
    logger.emit({ exception: 'only text' });
    const attributes = (await arrived()).map((log) => log.attributes);
    expect(attributes[0]).toMatchObject({
      'exception.type': 'TypeError',
      'exception.message': 'boom',
      'exception.stacktrace': expect.stringContaining('Caused by: Error: deeper'),
    });
    expect(attributes[1]).toEqual({ ...attributes[0], 'exception.message': 'mine' });
    expect(attributes[2]).toEqual({ 'exception.message': 'only text' });
  });

  it('LogRecord.Set EventName: arrives as the event’s name, and a processor may set it', async () => {
    const { arrived, logger } = logging({
      logs: {
        processors: [
          processor({ onEmit: (log) => void (log.body === 2 && log.setEventName('set.later')) }),
        ],
      },
    });
    logger.emit({ eventName: 'cart.abandoned', body: 1 });
    logger.emit({ body: 2 });
    logger.emit({ body: 3 });
    expect((await arrived()).map(({ eventName }) => eventName)).toEqual([
      'cart.abandoned',
      'set.later',
      '',
    ]);
  });

  it('Logger.Enabled: says what emit would let through, by severity, trace and configuration', async () => {
    const { arrived, logger, telemetry } = logging({
      logs: { configurator: () => ({ minimumSeverity: SeverityNumber.WARN, traceBased: true }) },
    });
    const inTrace = (traceFlags: number) =>
      traceApi.setSpanContext(ROOT_CONTEXT, {
        traceId: 'a'.repeat(32),
        spanId: 'b'.repeat(16),
        traceFlags,
      });
    const records = [
      { severityNumber: SeverityNumber.INFO },
      { severityNumber: SeverityNumber.WARN },
      {},
      { context: inTrace(0), severityNumber: SeverityNumber.ERROR },
      { context: inTrace(1), severityNumber: SeverityNumber.ERROR },
    ];
    expect(records.map((record) => logger.enabled(record))).toEqual([
      false,
      true,
      true,
      false,
      true,
    ]);
    records.forEach((record, i) => void logger.emit({ ...record, body: i }));
    telemetry.loggerProvider.configureLoggers(() => ({ enabled: false }));
    expect(logger.enabled({ severityNumber: SeverityNumber.FATAL })).toBe(false);
    logger.emit({ body: 'disabled' });
    telemetry.loggerProvider.configureLoggers(undefined);
    expect(logger.enabled(records[0]!)).toBe(true);
    expect((await arrived()).map(({ body }) => body)).toEqual([1, 2, 4]);
    expect(logging({ disabled: true }).logger.enabled()).toBe(false);
  });

  it('Trace Context Injection: records belong to the active span, or to that of their context', async () => {
    contextApi.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const { arrived, logger, tracer } = logging();
    const spans = await tracer.startActiveSpan('outer', async (outer) => {
      logger.emit({ body: 'outer' });
      const inner = tracer.startSpan('inner');
      logger.emit({ body: 'inner', context: traceApi.setSpan(contextApi.active(), inner) });
      await Promise.resolve();
      logger.emit({ body: 'later' });
      return [outer, inner, outer].map((span) => span.spanContext());
    });
    logger.emit({ body: 'outside' });
    const ids = (await arrived()).map(({ traceId, spanId, flags }) => [traceId, spanId, flags]);
    expect(ids).toEqual([
      ...spans.map(({ traceId, spanId, traceFlags }) => [traceId, spanId, traceFlags]),
      ['', '', 0],
    ]);
  });
});

describe('LogRecordProcessor', () => {
  it('SimpleLogRecordProcessor: that of the SDK hands our records to its exporter, each by itself', async () => {
    const exporter = new InMemoryLogRecordExporter();
    const { host, logger, telemetry } = logging({
      serviceName: 'shop',
      logs: { processors: [new SimpleLogRecordProcessor({ exporter })] },
    });
    logger.emit({ body: { a: [1] }, severityNumber: 9, attributes: { x: 1 } });
    await outcome(telemetry.flush(), host.settle);
    const [log] = exporter.getFinishedLogRecords();
    expect(log).toMatchObject({ body: { a: [1] }, severityNumber: 9, attributes: { x: 1 } });
    expect(log!.resource.attributes['service.name']).toBe('shop');
    expect(log!.instrumentationScope).toEqual({ name: 'test' });
  });

  it('BatchLogRecordProcessor: 512 records make a batch, fewer wait for a second', async () => {
    const { host, logger, transport } = logging();
    for (let i = 0; i < 511; i++) logger.emit({ body: i });
    await host.settle();
    expect(transport.logs()).toHaveLength(0);
    logger.emit({ body: 511 });
    await host.settle();
    expect(transport.logs()).toHaveLength(512);
    logger.emit({ body: 512 });
    await host.advance(999);
    expect(transport.logs()).toHaveLength(512);
    await host.advance(1);
    expect(transport.logs()).toHaveLength(513);
  });

  it('BatchLogRecordProcessor: that of the SDK works besides', async () => {
    const exporter = new InMemoryLogRecordExporter();
    const { arrived, logger } = logging({
      logs: { processors: [new BatchLogRecordProcessor({ exporter })] },
    });
    for (let i = 0; i < 20; i++) logger.emit({ body: i });
    expect(await arrived()).toHaveLength(20);
    expect(exporter.getFinishedLogRecords().map(({ body }) => body)).toEqual([...Array(20).keys()]);
  });

  it('Can plug custom LogRecordProcessor: sees and changes every record, in the order of the list', async () => {
    const { arrived, logger } = logging({
      logs: {
        processors: [
          processor({ onEmit: (log) => void log.setAttribute('order', [1]) }),
          processor({
            onEmit(log) {
              log.setAttribute('order', [...(log.attributes.order as number[]), 2]);
              log.setBody(`<${log.body}>`).setSeverityNumber(21).setSeverityText('FATAL');
            },
          }),
        ],
      },
    });
    logger.emit({ body: 'b', severityNumber: 1 });
    expect(await arrived()).toMatchObject([
      { body: '<b>', severityNumber: 21, severityText: 'FATAL', attributes: { order: [1, 2] } },
    ]);
  });

  it('LogRecordProcessor.Enabled: is asked where only processors take records', async () => {
    const asked: unknown[] = [];
    const willing = processor({
      enabled(options) {
        asked.push(options);
        return options.eventName === 'wanted';
      },
    });
    const telemetry = startOn(
      { ...nodeHost, env: { OTEL_LOGS_EXPORTER: 'none' } },
      { logs: { processors: [willing] }, detectors: [], flushOnExit: false },
    );
    const logger = telemetry.logger('lib', '1');
    const answers = [
      logger.enabled({ eventName: 'wanted', severityNumber: 9 }),
      logger.enabled({ eventName: 'other' }),
    ];
    await telemetry.shutdown();
    expect(answers).toEqual([true, false]);
    expect(asked).toEqual([
      {
        context: ROOT_CONTEXT,
        instrumentationScope: { name: 'lib', version: '1' },
        eventName: 'wanted',
        severityNumber: 9,
      },
      {
        context: ROOT_CONTEXT,
        instrumentationScope: { name: 'lib', version: '1' },
        eventName: 'other',
      },
    ]);
    // What is exported besides is wanted in any case.
    expect(logging({ logs: { processors: [willing] } }).logger.enabled()).toBe(true);
  });
});

describe('Exporters', () => {
  it.each([
    ['OTLP/gRPC exporter', 'grpc', 'grpc'],
    ['OTLP/HTTP exporter', 'http/protobuf', 'http'],
    ['OTLP/HTTP exporter', 'http/json', 'http'],
  ] as const)('%s: records arrive at a collector, by %s', async (_row, protocol, sentBy) => {
    const collector = await startCollector({ port: 0, grpcPort: 0 });
    try {
      const telemetry = start({
        protocol,
        endpoint: protocol === 'grpc' ? collector.grpcUrl! : collector.url,
        serviceName: 'shop',
        detectors: [],
        flushOnExit: false,
      });
      const logger = telemetry.logger('cart', '2');
      for (let i = 0; i < 600; i++) {
        logger.emit({
          body: { i },
          eventName: 'e',
          severityNumber: 9,
          attributes: { text: `t${i}` },
        });
      }
      expect(await telemetry.shutdown()).toMatchObject({ complete: true, sent: 600 });
      expect(telemetry.health().signals.logs).toMatchObject({ recorded: 600, sent: 600 });
      const logs = collector.logs();
      expect(logs.map(({ body }) => body)).toEqual(Array.from({ length: 600 }, (_, i) => ({ i })));
      expect(logs[7]).toMatchObject({
        eventName: 'e',
        severityNumber: 9,
        attributes: { text: 't7' },
        scope: { name: 'cart', version: '2' },
      });
      expect(logs[7]!.resource.attributes['service.name']).toBe('shop');
      for (const request of collector.requests()) {
        expect(request).toMatchObject({ signal: 'logs', protocol: sentBy });
      }
    } finally {
      await collector.close();
    }
  });

  it('OTLP File exporter: a line of OTLP/JSON per request', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'otlp-wasm-logs-'));
    try {
      const path = join(folder, '{signal}.jsonl');
      const { host, telemetry, logger } = logging({ transport: fileTransport({ path }) });
      for (const body of ['a', 'b']) {
        logger.emit({ body, timestamp: [1, 0], eventName: 'e' });
        const report = await outcome(telemetry.flush(), host.settle);
        expect(report).toMatchObject({ complete: true });
      }
      const lines = readFileSync(join(folder, 'logs.jsonl'), 'utf8').trimEnd().split('\n');
      const bodies = lines.map((line) => {
        expect(Object.keys(JSON.parse(line))).toEqual(['resourceLogs']);
        const { logRecords } = decodeRequest('logs', 'json', Buffer.from(line));
        return logRecords.map(({ body, eventName }) => [body, eventName]);
      });
      expect(bodies).toEqual([[['a', 'e']], [['b', 'e']]]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('Can plug custom LogRecordExporter: a transport of one’s own gets the requests, those of the SDK the records', async () => {
    const requests: { signal: string; records: number }[] = [];
    const { host, telemetry, logger } = logging({
      transport: {
        name: 'own',
        async send({ signal, records }) {
          requests.push({ signal, records });
          return { kind: 'delivered' };
        },
        close: async () => {},
      },
    });
    for (let i = 0; i < 3; i++) logger.emit({ body: i });
    const report = await outcome(telemetry.flush(), host.settle);
    expect(report).toMatchObject({ complete: true, sent: 3 });
    expect(requests).toEqual([{ signal: 'logs', records: 3 }]);

    const seen: unknown[] = [];
    const own = logging({
      logs: {
        processors: [
          new SimpleLogRecordProcessor({
            exporter: {
              export(logs, done) {
                for (const { body } of logs) seen.push(body);
                done({ code: 0 });
              },
              forceFlush: async () => {},
              shutdown: async () => {},
            },
          }),
        ],
      },
    });
    own.logger.emit({ body: 'seen' });
    await own.arrived();
    expect(seen).toEqual(['seen']);
  });

  it('SchemaURL in ResourceLogs and ScopeLogs: the detectors’ and the logger’s, each its own', async () => {
    const { arrived, telemetry } = logging();
    const schemaUrl = 'https://opentelemetry.io/schemas/1.30.0';
    telemetry.loggerProvider.getLogger('t', '1', { schemaUrl }).emit({});
    telemetry.logger('none').emit({});
    const urls = (await arrived()).map(({ resource, scope }) => [
      resource.schemaUrl,
      scope.schemaUrl,
    ]);
    expect(urls).toEqual([
      [SCHEMA_URL, schemaUrl],
      [SCHEMA_URL, ''],
    ]);
  });
});
