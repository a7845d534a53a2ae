import { describe, expect, it } from 'vitest';
import { exportersFromEnv, exporterVariable } from '../../src/options/exporter.ts';

const VARIABLE = 'OTEL_TRACES_EXPORTER';

function read(value: string | undefined, signal: 'traces' | 'logs' | 'metrics' = 'traces') {
  const warnings: string[] = [];
  const env = { [exporterVariable(signal)]: value };
  const names = exportersFromEnv(signal, env, (line) => warnings.push(line));
  return { names, warnings };
}

describe('OTEL_TRACES_EXPORTER', () => {
  it.each([
    [undefined, ['otlp']],
    ['', ['otlp']],
    ['  ', ['otlp']],
    [',', ['otlp']],
    ['otlp', ['otlp']],
    [' Otlp ', ['otlp']],
    ['console', ['console']],
    ['CONSOLE', ['console']],
    ['otlp/stdout', ['otlp/stdout']],
    ['none', []],
    ['otlp,console', ['otlp', 'console']],
    ['console, otlp,, console', ['console', 'otlp']],
  ])('%j selects %j', (value, expected) => {
    expect(read(value)).toEqual({ names: expected, warnings: [] });
  });

  it('logging, which is deprecated, selects console with a warning', () => {
    const { names, warnings } = read('logging');
    expect(names).toEqual(['console']);
    expect(warnings).toEqual([expect.stringContaining('logging, which is deprecated')]);
  });

  it('what is unknown is reported; otlp is used when nothing else is left', () => {
    expect(read('zipkin')).toEqual({
      names: ['otlp'],
      warnings: [
        `${VARIABLE} has 'zipkin', not otlp, console, otlp/stdout or none; it is ignored.`,
      ],
    });
    const { names, warnings } = read('zipkin,console,prometheus');
    expect(names).toEqual(['console']);
    expect(warnings).toHaveLength(2);
    // What is foreign is shown in part.
    expect(read('x'.repeat(5000)).warnings[0]!.length).toBeLessThan(300);
  });

  it('is of its signal; prometheus is for metrics alone', () => {
    expect(
      ['traces', 'logs', 'metrics'].map((signal) => exporterVariable(signal as 'logs')),
    ).toEqual([...['OTEL_TRACES_EXPORTER', 'OTEL_LOGS_EXPORTER', 'OTEL_METRICS_EXPORTER']]);
    expect(read('console', 'logs')).toEqual({ names: ['console'], warnings: [] });
    expect(read('prometheus, otlp', 'metrics')).toEqual({
      names: ['prometheus', 'otlp'],
      warnings: [],
    });
    expect(read('prometheus', 'logs')).toEqual({
      names: ['otlp'],
      warnings: [
        expect.stringMatching(/^OTEL_LOGS_EXPORTER has 'prometheus', not otlp, console, /),
      ],
    });
    expect(read('statsd', 'metrics').warnings).toEqual([
      "OTEL_METRICS_EXPORTER has 'statsd', not otlp, console, otlp/stdout, prometheus or none; it is ignored.",
    ]);
  });

  it('none wins over others', () => {
    const { names, warnings } = read('console,none');
    expect(names).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining('none beside others')]);
  });
});
