/** Log records on their way through a whole telemetry: each arrives, or is counted. */

import * as api from '@opentelemetry/api';
import { logs as olderApi } from 'api-logs-0.223';
import { describe, expect, it } from 'vitest';
import type { PortableModule } from '../../../src/engine/select.ts';
import type { StartOptions } from '../../../src/options/options.ts';
import { ENGINE_NAMES, engineSources } from '../../support/engines.ts';
import { started, unaccounted } from '../../support/telemetry.ts';

type Run = ReturnType<typeof started>;

const logsOf = ({ telemetry }: Run) => telemetry.health().signals.logs;

/** Flushes, while the host goes on. */
async function flushed({ telemetry, host }: Run) {
  const report = telemetry.flush();
  await host.settle();
  return report;
}

describe('while the engine is being loaded', () => {
  function loading(options: StartOptions = {}) {
    let loaded: (module: PortableModule) => void = () => {};
    const module = new Promise<PortableModule>((resolve) => {
      loaded = resolve;
    });
    const forbidden = () => {
      throw new Error('blocked by policy');
    };
    const engines = { simd: forbidden, scalar: forbidden, portable: () => module };
    const run = started(options, { engines });
    return { run, load: () => loaded(engineSources.portable() as PortableModule) };
  }

  it('records wait, as they were when they were emitted, 2048 of them', async () => {
    const { run, load } = loading();
    const logger = run.telemetry.logger('l');
    for (let i = 0; i < 2100; i++) {
      logger.emit({
        body: i % 3 === 0 ? undefined : { i },
        severityNumber: i % 25,
        attributes: i % 2 === 0 ? { even: i } : { odd: `${i}`, more: true },
        ...(i % 5 === 0 && { eventName: `e${i}` }),
      });
    }
    expect(logsOf(run)).toMatchObject({ queued: 2048, dropped: { engine_loading: 52 } });
    load();
    await run.host.settle();
    await run.host.advance(1000);
    expect(logsOf(run)).toMatchObject({ recorded: 2100, sent: 2048, queued: 0 });
    const logs = run.transport.logs();
    expect(logs).toHaveLength(2048);
    for (const [i, log] of logs.entries()) {
      expect(log.body).toEqual(i % 3 === 0 ? null : { i });
      expect(log.severityNumber).toBe(i % 25);
      expect(log.attributes).toEqual(i % 2 === 0 ? { even: i } : { odd: `${i}`, more: true });
      expect(log.eventName).toBe(i % 5 === 0 ? `e${i}` : '');
    }
  });
});

describe.each(ENGINE_NAMES)('on the engine %s', (engine) => {
  it('what is too large, or has no room, is counted; the rest arrives in order', async () => {
    const run = started({ engine, ringBytes: 1 << 20 });
    const logger = run.telemetry.logger('l');
    let made = 0;
    for (let round = 0; round < 6; round++) {
      for (let i = 0; i < 1500; i++) {
        logger.emit({ body: `${made}`, attributes: { text: 'x'.repeat((made * 37) % 300), made } });
        made++;
        if (i % 500 === 499) {
          logger.emit({ body: 'y'.repeat(200_000) });
          made++;
        }
      }
      await run.host.settle();
    }
    await flushed(run);
    const logs = logsOf(run);
    expect(logs.recorded).toBe(made);
    expect(logs.dropped.too_large).toBe(18);
    expect(logs.queued).toBe(0);
    expect(unaccounted(logs)).toBe(0);
    const arrived = run.transport.logs().map(({ attributes }) => Number(attributes.made));
    expect(arrived).toHaveLength(logs.sent);
    expect(arrived).toEqual([...arrived].sort((a, b) => a - b));
  });

  it('records and spans that alternate keep apart, and share what they have in common', async () => {
    const run = started({ engine, serviceName: 'shop' });
    for (let i = 0; i < 700; i++) {
      run.tracer.startSpan(`s${i % 9}`, { attributes: { route: `/r${i % 50}`, i } }).end();
      run.telemetry.logger('l').emit({ body: `b${i}`, attributes: { route: `/r${i % 50}`, i } });
    }
    expect(await flushed(run)).toMatchObject({ complete: true, recorded: 1400, sent: 1400 });
    const expected = Array.from({ length: 700 }, (_, i) => ({ route: `/r${i % 50}`, i }));
    expect(run.transport.logs().map(({ attributes }) => attributes)).toEqual(expected);
    expect(run.transport.traces().map(({ attributes }) => attributes)).toEqual(expected);
    for (const { resource } of run.transport.logs()) {
      expect(resource.attributes['service.name']).toBe('shop');
    }
  });
});

describe('register', () => {
  it('makes it the global of either logs API, and gives that back', async () => {
    const run = started();
    run.telemetry.register();
    api.logs.getLogger('new', '1').emit({ body: 'new' });
    olderApi.getLogger('old', '2').emit({ body: 'old' });
    expect(olderApi.getLogger('old').enabled()).toBe(true);
    await flushed(run);
    const bodies = run.transport.logs().map(({ body, scope }) => [body, scope.name, scope.version]);
    expect(bodies).toEqual([
      ['new', 'new', '1'],
      ['old', 'old', '2'],
    ]);
    const down = run.telemetry.shutdown();
    await run.host.settle();
    await down;
    api.logs.getLogger('new', '1').emit({ body: 'late' });
    olderApi.getLogger('old', '2').emit({ body: 'late' });
    expect(logsOf(run).recorded).toBe(2);
  });
});
