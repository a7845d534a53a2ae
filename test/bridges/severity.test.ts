import { describe, expect, it } from 'vitest';
import { severityOfLevel } from '../../src/bridges/severity.ts';
import { severityOfName } from '../../src/bridges/winston.ts';

describe('the severity number of a level of pino or bunyan', () => {
  it.each([
    ['trace', 10, 1],
    ['debug', 20, 5],
    ['info', 30, 9],
    ['warn', 40, 13],
    ['error', 50, 17],
    ['fatal', 60, 21],
  ])('%s, %d, is %d', (_name, level, severity) => {
    expect(severityOfLevel(level)).toBe(severity);
  });

  it('lies, for all other levels, in between and never on a named one', () => {
    const named = [1, 5, 9, 13, 17, 21];
    const others = [];
    for (let level = -5; level < 200; level += 0.5) {
      if ([10, 20, 30, 40, 50, 60].includes(level)) continue;
      const severity = severityOfLevel(level)!;
      expect(named).not.toContain(severity);
      others.push(severity);
    }
    expect(others).toEqual([...others].sort((a, b) => a - b));
    expect(new Set(others).size).toBe(18);
  });

  it.each([
    [0, 2],
    [11, 2],
    [25, 7],
    [35, 11],
    [45, 15],
    [66, 23],
    [70, 24],
    [1000, 24],
    [Number.POSITIVE_INFINITY, 24],
  ])('%d is %d', (level, severity) => {
    expect(severityOfLevel(level)).toBe(severity);
  });

  it('is left open for what is no number', () => {
    expect(severityOfLevel(Number.NaN)).toBeUndefined();
  });
});

describe('the severity number of a level of winston', () => {
  it.each([
    ['error', 17],
    ['warn', 13],
    ['info', 9],
    ['http', 7],
    ['verbose', 6],
    ['debug', 5],
    ['silly', 1],
    ['emerg', 23],
    ['alert', 22],
    ['crit', 21],
    ['warning', 13],
    ['notice', 10],
    ['help', 11],
    ['data', 10],
    ['prompt', 4],
    ['input', 2],
    ['fatal', 21],
    ['trace', 1],
  ])('%s is %d', (name, severity) => {
    expect(severityOfName(name, undefined, undefined)).toBe(severity);
  });

  const levels = { panic: 0, error: 1, warn: 2, info: 3, audit: 4, click: 5, debug: 6, dust: 7 };

  it('lies between those of the neighbours that have one', () => {
    expect(severityOfName('audit', levels, undefined)).toBe(8);
    expect(severityOfName('click', levels, undefined)).toBe(6);
  });

  it('is next to the last that has one', () => {
    expect(severityOfName('panic', levels, undefined)).toBe(18);
    expect(severityOfName('dust', levels, undefined)).toBe(4);
    expect(severityOfName('less', { silly: 0, less: 1 }, undefined)).toBe(1);
  });

  it('is what was given before it is anything else, and counts for the neighbours', () => {
    expect(severityOfName('info', levels, { info: 12 })).toBe(12);
    expect(severityOfName('audit', levels, { info: 20, click: 6 })).toBe(13);
  });

  it('is left open where nothing is known', () => {
    expect(severityOfName('one', { one: 0, two: 1 }, undefined)).toBeUndefined();
    expect(severityOfName('constructor', undefined, undefined)).toBeUndefined();
    expect(severityOfName('constructor', levels, {})).toBeUndefined();
  });
});
