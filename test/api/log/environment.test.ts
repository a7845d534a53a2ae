/** Variables of the specification about logs, from `start()` to what arrives. */

import { describe, expect, it } from 'vitest';
import type { StartOptions } from '../../../src/options/options.ts';
import { host as nodeHost } from '../../../src/runtime/node/host.ts';
import { startOn } from '../../../src/telemetry.ts';
import { started } from '../../support/telemetry.ts';

/** A telemetry with these variables and no others. */
const withVariables = (env: Record<string, string>, options: StartOptions = {}) =>
  started(options, { env });

describe('OTEL_BLRP_*', () => {
  it('OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: so many records make a batch', async () => {
    const { host, telemetry, transport } = withVariables({ OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: '3' });
    for (let i = 0; i < 2; i++) telemetry.logger('l').emit({ body: i });
    await host.settle();
    expect(transport.logs()).toHaveLength(0);
    telemetry.logger('l').emit({ body: 2 });
    await host.settle();
    expect(transport.logs()).toHaveLength(3);
  });

  it('OTEL_BLRP_SCHEDULE_DELAY: so long a record waits for its batch', async () => {
    const { host, telemetry, transport } = withVariables({ OTEL_BLRP_SCHEDULE_DELAY: '250' });
    telemetry.logger('l').emit({});
    await host.advance(249);
    expect(transport.logs()).toHaveLength(0);
    await host.advance(1);
    expect(transport.logs()).toHaveLength(1);
  });
});

describe('OTEL_LOGRECORD_*', () => {
  const emitted = async (env: Record<string, string>, options: StartOptions = {}) => {
    const { host, telemetry, transport } = withVariables(env, options);
    telemetry.logger('l').emit({ body: 'abcdef', attributes: { a: 'abcdef', b: 2, c: 3 } });
    const flush = telemetry.flush();
    await host.settle();
    await flush;
    const [log] = transport.logs();
    return { ...log!.attributes, body: log!.body, dropped: log!.droppedAttributesCount };
  };

  it('OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT: so many attributes, the rest is counted', async () => {
    const env = { OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT: '2', OTEL_ATTRIBUTE_COUNT_LIMIT: '1' };
    expect(await emitted(env)).toEqual({ a: 'abcdef', b: 2, body: 'abcdef', dropped: 1 });
    // The general one counts where there is none of its own, an option before either.
    const general = await emitted({ OTEL_ATTRIBUTE_COUNT_LIMIT: '1' });
    expect(general).toEqual({ a: 'abcdef', body: 'abcdef', dropped: 2 });
    const option = await emitted(env, { logs: { limits: { attributes: 3 } } });
    expect(option).toEqual({ a: 'abcdef', b: 2, c: 3, body: 'abcdef', dropped: 0 });
  });

  it('OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT: longer values are cut, bodies are not', async () => {
    const env = {
      OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT: '4',
      OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '1',
    };
    expect(await emitted(env)).toEqual({ a: 'abcd', b: 2, c: 3, body: 'abcdef', dropped: 0 });
    const general = await emitted({ OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '1' });
    expect(general).toMatchObject({ a: 'a', body: 'abcdef' });
    const option = await emitted(env, { logs: { limits: { attributeValueLength: 5 } } });
    expect(option).toMatchObject({ a: 'abcde', body: 'abcdef' });
  });
});

describe('OTEL_LOGS_EXPORTER', () => {
  it('OTEL_LOGS_EXPORTER: none exports nothing, and loggers say so; spans go on', async () => {
    const telemetry = startOn(
      { ...nodeHost, env: { OTEL_LOGS_EXPORTER: 'none' } },
      { detectors: [], flushOnExit: false },
    );
    expect(telemetry.logger('l').enabled()).toBe(false);
    telemetry.logger('l').emit({ body: 'b' });
    expect(telemetry.health().signals.logs.recorded).toBe(0);
    expect(telemetry.tracer('t').startSpan('s').isRecording()).toBe(true);
    expect(await telemetry.shutdown()).toMatchObject({ recorded: 0 });
  });
});
