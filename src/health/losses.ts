import type { RecordedSignal } from '../deliver/transport.ts';

/** What is read of a signal's health. */
interface Losses {
  readonly rejected: number;
  readonly dropped: Readonly<Record<string, number>>;
}

type Advice = Readonly<Record<string, string>>;

/** While records are being lost, how often that is said at most, milliseconds. */
const EVERY_MS = 30_000;

/** What to do about a loss, where there is something. */
const ADVICE: Advice = {
  exit: "the process ended first: 'await telemetry.shutdown()' waits",
  queue_full: 'the collector has been away or slow for longer than queue.maxBytes lasts',
  ring_full: 'they come faster than they can be encoded; raise ringBytes',
  too_large: 'one is larger than a sixteenth of ringBytes or than batch.maxRequestBytes',
  rejected: 'the collector refused them for good',
};

/** What messages call one record. */
export const RECORDS = { traces: 'span', logs: 'log record', metrics: 'data point' } as const;

export function counted(count: number, signal: RecordedSignal): string {
  return `${count} ${RECORDS[signal]}${count === 1 ? '' : 's'}`;
}

/**
 * Says what was lost, each loss once, so that none is silent for those who do not look at
 * `health()`.
 *
 * @param read the counts of this moment by signal, and the last error.
 * @param now monotonic milliseconds.
 * @param advice what to do about causes, where it is not what users of `start()` can do.
 */
export function lossReporter(
  read: () => Readonly<Partial<Record<RecordedSignal, Losses>>> & {
    readonly lastError: string | undefined;
  },
  now: () => number,
  warn: (line: string) => void,
  advice: Advice = {},
): { sometimes(): void; always(): void } {
  const said: Record<string, number> = {};
  let nextAt = Number.NEGATIVE_INFINITY;

  function always(): void {
    const { lastError, ...signals } = read();
    for (const [signal, losses] of Object.entries(signals)) {
      tell(signal as RecordedSignal, losses, lastError);
    }
  }

  function tell(signal: RecordedSignal, counts: Losses, lastError: string | undefined): void {
    const losses: string[] = [];
    const advised: string[] = [];
    let total = 0;
    for (const [cause, count] of Object.entries({ ...counts.dropped, rejected: counts.rejected })) {
      const key = `${signal} ${cause}`;
      const fresh = count - (said[key] ?? 0);
      if (fresh <= 0) continue;
      said[key] = count;
      total += fresh;
      losses.push(`${cause} ${fresh}`);
      const toDo = advice[cause] ?? ADVICE[cause];
      if (toDo !== undefined) advised.push(toDo);
    }
    if (total === 0) return;
    const why = [...advised, lastError === undefined ? '' : `last error: ${lastError}`];
    warn(
      `${counted(total, signal)} lost (${losses.join(', ')}): ${why.filter(Boolean).join('; ') || 'see health()'}`,
    );
  }

  function sometimes(): void {
    if (now() < nextAt) return;
    nextAt = now() + EVERY_MS;
    always();
  }

  return { sometimes, always };
}
