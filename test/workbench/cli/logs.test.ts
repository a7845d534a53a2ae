import { describe, expect, it } from 'vitest';
import { pickLogs, renderLogs } from '../../../src/workbench/cli/logs.ts';
import { textWidth } from '../../../src/workbench/cli/text.ts';
import type { ReceivedLogRecord } from '../../../src/workbench/collector/index.ts';
import { receivedLog } from './received-log.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';

const lines = (records: readonly ReceivedLogRecord[], options = {}) =>
  renderLogs(pickLogs(records, 50), options).split('\n');

describe('a log record', () => {
  it('is a line: time, severity, body, event name, the first digits of its trace', () => {
    const [line] = lines([
      receivedLog('order 17 accepted', { eventName: 'order.accepted', traceId: TRACE_ID }),
    ]);
    expect(line).toMatch(
      /^\d\d:\d\d:20\.250 {2}INFO {3}order 17 accepted {2,}order\.accepted {2}0af76519$/,
    );
    expect(textWidth(line!)).toBe(100);
  });

  it('has the time when it was observed where it has none of its own, or neither', () => {
    const observedTimeUnixNano = 1_700_000_001_500_000_000n;
    expect(lines([receivedLog('x', { timeUnixNano: 0n, observedTimeUnixNano })])[0]).toMatch(
      /^\d\d:\d\d:21\.500 {2}INFO/,
    );
    expect(lines([receivedLog('x', { timeUnixNano: 2n ** 64n - 1n })])[0]).toContain('INFO');
  });

  it.each([
    [1, 'TRACE', '\u001b[2mTRACE'],
    [8, 'DEBUG', '\u001b[34mDEBUG'],
    [9, 'INFO', '\u001b[32mINFO '],
    [13, 'WARN', '\u001b[33mWARN '],
    [17, 'ERROR', '\u001b[31mERROR'],
    [24, 'FATAL', '\u001b[35mFATAL'],
  ])('of severity %i is %s in its colour, whatever its text says', (severityNumber, name, ink) => {
    const record = receivedLog('x', { severityNumber, severityText: 'whatever' });
    expect(lines([record])[0]).toContain(`  ${name}`);
    expect(lines([record], { color: true })[0]).toContain(ink);
  });

  it('without a number has the text of its severity', () => {
    const severity = (severityText: string) =>
      lines([receivedLog('x', { severityNumber: 0, severityText })])[0]!.slice(14, 19);
    expect(severity('note')).toBe('NOTE ');
    expect(severity('')).toBe('–    ');
    expect(severity('\u001b[2Jinformation')).toBe('␛[2J…');
  });

  it.each([
    ['first\nsecond\nthird', 'first  ⏎ 2 more lines'],
    ['ends with a line\n', 'ends with a line'],
    [42, '42'],
    [true, 'true'],
    [2n ** 62n, '4611686018427387904'],
    [['a', 1, null], '["a", 1, null]'],
    [
      { order: 17, tags: ['x'], raw: new Uint8Array(3) },
      '{ order: 17, tags: ["x"], raw: <3 bytes> }',
    ],
    [{}, '{}'],
  ])('has its body in one line (%#)', (body, text) => {
    expect(lines([receivedLog(body)])[0]!.slice(21)).toBe(text);
  });

  it('without a body says which exception it is of; with one both', () => {
    const attributes = { 'exception.type': 'RangeError', 'exception.message': 'too far' };
    expect(lines([receivedLog(null, { attributes })])[0]).toContain('  RangeError: too far');
    expect(lines([receivedLog('failed', { attributes })])[0]).toContain(
      'failed  RangeError: too far',
    );
    expect(lines([receivedLog('RangeError: too far', { attributes })])[0]).toMatch(
      / {2}RangeError: too far$/,
    );
    expect(lines([receivedLog(null)])[0]).toMatch(/INFO$/);
  });

  it('has the name of its service where there are several', () => {
    const drawn = lines([
      receivedLog('a'),
      receivedLog('b', { service: 'stock' }),
      receivedLog('c', { service: '' }),
    ]);
    expect(drawn.map((line) => line.slice(21).trimEnd())).toEqual([
      'shop     a',
      'stock    b',
      'unknown  c',
    ]);
    expect(lines([receivedLog('a')])[0]).not.toContain('shop');
  });

  it.each([24, 47, 48, 63, 64, 100, 250])('fits %i columns', (width) => {
    const long = { eventName: '漢字.'.repeat(40), traceId: TRACE_ID };
    const drawn = lines(
      [receivedLog('漢字 '.repeat(200), long), receivedLog('b', { service: 's'.repeat(99) })],
      { width },
    );
    for (const line of drawn) expect(textWidth(line)).toBeLessThanOrEqual(width);
    expect(drawn[0]!.includes('0af76519')).toBe(width >= 48);
  });

  it('has the same text in colour', () => {
    const records = [receivedLog('a', { severityNumber: 17 }), receivedLog('b', { service: 's' })];
    const colored = renderLogs(pickLogs(records, 9), { color: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are made of them.
    expect(colored.replace(/\u001b\[\d+m/g, '')).toBe(renderLogs(pickLogs(records, 9)));
    expect(renderLogs(pickLogs(records, 9))).not.toContain('\u001b');
  });

  it('does not let what was sent reach the terminal', () => {
    const evil = '\u001b]0;title\u0007\r\u009b31m\u202e';
    const drawn = lines([
      receivedLog(evil, { eventName: evil, severityNumber: 0, severityText: evil, service: evil }),
      receivedLog({ [evil]: evil }, { traceId: TRACE_ID }),
      receivedLog(null, { attributes: { 'exception.message': evil } }),
    ]);
    expect(drawn).toHaveLength(3);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
    expect(drawn.join('')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
  });
});

describe('log records that are too many', () => {
  const many = Array.from({ length: 100 }, (_, i) =>
    receivedLog(`line ${i}`, { severityNumber: i % 50 === 7 ? 17 : i % 25 === 3 ? 13 : 9 }),
  );

  it('are the most severe and then the newest, in the order they came', () => {
    const { shown, others } = pickLogs(many, 8);
    expect(shown.map(({ body }) => body)).toEqual(
      [3, 7, 28, 53, 57, 78, 98, 99].map((i) => `line ${i}`),
    );
    expect(others).toEqual(new Map([['INFO', 92]]));
  });

  it('are counted, those that are no small matter by their severity', () => {
    const first = pickLogs(many, 1);
    expect(renderLogs(first).split('\n').at(-1)).toBe('… 99 more log records, 4 WARN, 1 ERROR');
    const again = pickLogs([...first.shown, ...many], 1, first.others);
    expect(renderLogs(again).split('\n').at(-1)).toBe('… 199 more log records, 8 WARN, 3 ERROR');
  });

  it('may be none', () => {
    expect(renderLogs(pickLogs([], 5))).toBe('');
  });
});
