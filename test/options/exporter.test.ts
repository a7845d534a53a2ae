import { describe, expect, it } from 'vitest';
import { exportersFromEnv } from '../../src/options/exporter.ts';

const VARIABLE = 'OTEL_TRACES_EXPORTER';

function read(value: string | undefined) {
  const warnings: string[] = [];
  const names = exportersFromEnv(VARIABLE, { [VARIABLE]: value }, (line) => warnings.push(line));
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

  it('none wins over others', () => {
    const { names, warnings } = read('console,none');
    expect(names).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining('none beside others')]);
  });
});
