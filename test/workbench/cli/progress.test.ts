import { describe, expect, it } from 'vitest';
import { startProgress } from '../../../src/workbench/cli/progress.ts';

function output(isTTY: boolean, columns = 80) {
  const written: string[] = [];
  return { written, isTTY, columns, write: (text: string) => written.push(text) };
}

describe('not on a terminal', () => {
  it('writes a line at every quarter, and no control characters', () => {
    const out = output(false);
    const progress = startProgress(out, { label: 'requests', total: 1000 });
    for (let done = 0; done <= 1000; done++) progress.update(done);
    progress.end();
    progress.update(1000);
    expect(out.written).toEqual([
      'requests   0%  0/1 000\n',
      'requests  25%  250/1 000\n',
      'requests  50%  500/1 000\n',
      'requests  75%  750/1 000\n',
      'requests 100%  1 000/1 000\n',
    ]);
  });

  it('says how far it came when it ends early', () => {
    const out = output(false);
    const progress = startProgress(out, { label: 'requests', total: 10 });
    progress.update(3);
    progress.end('gave up');
    expect(out.written.at(-1)).toBe('requests  30%  3/10  gave up\n');
  });
});

describe('on a terminal', () => {
  it('redraws one line and ends with a full bar', () => {
    const out = output(true);
    const progress = startProgress(out, { label: 'requests', total: 100 });
    for (let done = 0; done <= 100; done++) progress.update(done, '9 per s');
    progress.end();
    const last = out.written.at(-2)!;
    expect(out.written.every((text) => text === '\n' || text.startsWith('\r\u001b[2K'))).toBe(true);
    expect(last).toContain('100%  100/100  9 per s');
    expect(last).not.toContain('░');
    expect(out.written.length).toBeLessThan(50);
  });

  it('fits a narrow one', () => {
    const out = output(true, 24);
    startProgress(out, { label: 'requests', total: 0 }).update(0);
    expect(out.written).toEqual(['\r\u001b[2Krequests ███ 100%  0/0']);
  });
});
