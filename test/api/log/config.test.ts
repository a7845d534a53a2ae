import { context as contextApi, ROOT_CONTEXT, trace as traceApi } from '@opentelemetry/api';
import { createLoggerConfigurator } from '@opentelemetry/sdk-logs';
import { afterEach, describe, expect, it } from 'vitest';
import type { LoggerConfigurator } from '../../../src/api/log/config.ts';
import type { LogRecord } from '../../../src/api/log/types.ts';
import { AsyncLocalStorageContextManager } from '../../../src/runtime/node/context-manager.ts';
import { saidDuring } from '../../support/diag.ts';
import { logRig } from '../../support/log-rig.ts';

const inTrace = (traceFlags: number) =>
  traceApi.setSpanContext(ROOT_CONTEXT, {
    traceId: 'a'.repeat(32),
    spanId: 'b'.repeat(16),
    traceFlags,
  });

/** The bodies of those records that get through; `enabled` says the same of each. */
function through(configurator: LoggerConfigurator, ...given: LogRecord[]) {
  const rig = logRig('simd', { configurator });
  const logger = rig.logger();
  const expected = given.filter((record) => logger.enabled(record)).length;
  for (const [i, record] of given.entries()) logger.emit({ ...record, body: i });
  const bodies = rig.arrived().map(({ body }) => Number((body as { int: bigint }).int));
  expect(bodies).toHaveLength(expected);
  return bodies;
}

afterEach(() => contextApi.disable());

describe('enabled', () => {
  it('false: nothing gets through', () => {
    expect(through(() => ({ enabled: false }), {}, { severityNumber: 24 })).toEqual([]);
    expect(through(() => ({ enabled: true }), {}, { severityNumber: 1 })).toEqual([0, 1]);
  });
});

describe('minimumSeverity', () => {
  it('leaves out what is below, not what has none', () => {
    const given = [0, 1, 12, 13, 24, undefined].map((severityNumber) => ({ severityNumber }));
    expect(through(() => ({ minimumSeverity: 13 }), ...(given as LogRecord[]))).toEqual([
      0, 3, 4, 5,
    ]);
    expect(through(() => ({ minimumSeverity: 0 }), ...(given as LogRecord[]))).toHaveLength(6);
  });
});

describe('traceBased', () => {
  it('leaves out what belongs to a trace that is not sampled', () => {
    const given = [{ context: inTrace(0) }, { context: inTrace(1) }, { context: ROOT_CONTEXT }, {}];
    expect(through(() => ({ traceBased: true }), ...given)).toEqual([1, 2, 3]);
    expect(through(() => ({ traceBased: false }), ...given)).toEqual([0, 1, 2, 3]);
  });

  it('looks at the active context', () => {
    contextApi.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const rig = logRig('simd', { configurator: () => ({ traceBased: true }) });
    const logger = rig.logger();
    const said = [0, 1].map((flags) =>
      contextApi.with(inTrace(flags), () => {
        logger.emit({ body: flags });
        return logger.enabled();
      }),
    );
    expect(said).toEqual([false, true]);
    expect(rig.arrived()).toHaveLength(1);
  });
});

describe('the configurator', () => {
  it('is asked once for each logger, with its scope', () => {
    const asked: unknown[] = [];
    const rig = logRig('simd', {
      configurator: (scope) => {
        asked.push(scope);
        return { minimumSeverity: scope.name === 'quiet' ? 17 : 0 };
      },
    });
    for (let i = 0; i < 3; i++) {
      rig.logger('quiet', '1', { attributes: { a: 1 } }).emit({ severityNumber: 9, body: 'quiet' });
      rig.logger('loud').emit({ severityNumber: 9, body: 'loud' });
    }
    expect(asked).toEqual([
      { name: 'quiet', version: '1', attributes: { a: 1 } },
      { name: 'loud' },
    ]);
    expect(rig.arrived().map(({ scope }) => scope.name)).toEqual(['loud', 'loud', 'loud']);
  });

  it('may change at run time, for loggers that exist', () => {
    const rig = logRig('simd');
    const logger = rig.logger();
    const emit = () => logger.emit({ severityNumber: 5 });
    emit();
    rig.provider.configureLoggers(() => ({ minimumSeverity: 9 }));
    expect(logger.enabled({ severityNumber: 5 })).toBe(false);
    emit();
    rig.provider.configureLoggers(() => ({ enabled: false }));
    emit();
    expect(logger.enabled()).toBe(false);
    rig.provider.configureLoggers(undefined);
    expect(logger.enabled({ severityNumber: 5 })).toBe(true);
    emit();
    expect(rig.arrived()).toHaveLength(2);
  });

  it('that of the SDK does what it does there', () => {
    const rig = logRig('simd', {
      configurator: createLoggerConfigurator([
        { pattern: 'noisy.*', config: { minimumSeverity: 17 } },
        { pattern: 'off', config: { enabled: false } },
      ]),
    });
    const enabled = (name: string, severityNumber: number) =>
      rig.logger(name).enabled({ severityNumber });
    expect([enabled('noisy.a', 16), enabled('noisy.a', 17), enabled('off', 24)]).toEqual([
      false,
      true,
      false,
    ]);
    expect(enabled('other', 1)).toBe(true);
  });

  it.each<[string, unknown]>([
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    ['says nothing', () => undefined],
    ['says null', () => null],
  ])('that %s leaves the logger open, and is told of', async (_, configurator) => {
    const rig = logRig('simd', { configurator: configurator as LoggerConfigurator });
    const said = await saidDuring(() => {
      rig.logger('lib').emit({ severityNumber: 1 });
      rig.logger('lib').emit({ severityNumber: 1 });
    });
    expect(rig.arrived()).toHaveLength(2);
    expect(said).toMatchObject([
      { level: 'error', line: "otlp-wasm: the logger configurator failed for 'lib'" },
    ]);
  });

  it('that says strange things: what is none of its values is the default', () => {
    const config = { enabled: 0, minimumSeverity: 'high', traceBased: 'yes' } as never;
    expect(through(() => config, {}, { severityNumber: 1 }, { context: inTrace(0) })).toEqual([
      0, 1, 2,
    ]);
  });
});
