import { describe, expect, it } from 'vitest';
import { lossReporter } from '../../src/health/losses.ts';
import type { SignalHealth } from '../../src/health/report.ts';

function reporter() {
  const dropped: Record<string, number> = { queue_full: 0, exit: 0, unheard_of: 0 };
  const state = { rejected: 0, lastError: undefined as string | undefined, nowMs: 0 };
  const lines: string[] = [];
  const losses = lossReporter(
    () => ({
      traces: { dropped, rejected: state.rejected } as unknown as SignalHealth,
      lastError: state.lastError,
    }),
    () => state.nowMs,
    (line) => void lines.push(line),
  );
  return { dropped, state, lines, losses };
}

describe('lossReporter', () => {
  it('says nothing while nothing is lost', () => {
    const { lines, losses } = reporter();
    losses.always();
    losses.sometimes();
    expect(lines).toEqual([]);
  });

  it('says each loss once, by cause, with what to do and the last error', () => {
    const { dropped, state, lines, losses } = reporter();
    dropped['queue_full'] = 7;
    state.rejected = 1;
    state.lastError = 'HTTP 503';
    losses.always();
    losses.always();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('8 spans lost (queue_full 7, rejected 1)');
    expect(lines[0]).toContain('queue.maxBytes');
    expect(lines[0]).toContain('last error: HTTP 503');
    dropped['exit'] = 1;
    losses.always();
    expect(lines[1]).toContain('1 span lost (exit 1)');
  });

  it('points to health() where there is nothing better to say', () => {
    const { dropped, lines, losses } = reporter();
    dropped['unheard_of'] = 2;
    losses.always();
    expect(lines).toEqual(['2 spans lost (unheard_of 2): see health()']);
  });

  it('does not repeat itself more often than every 30 s while running', () => {
    const { dropped, state, lines, losses } = reporter();
    losses.sometimes();
    dropped['queue_full'] = 1;
    losses.sometimes();
    expect(lines).toHaveLength(0);
    state.nowMs = 30_000;
    losses.sometimes();
    dropped['queue_full'] = 5;
    state.nowMs = 59_999;
    losses.sometimes();
    expect(lines).toHaveLength(1);
    state.nowMs = 60_000;
    losses.sometimes();
    expect(lines[1]).toContain('4 spans lost');
  });
});
