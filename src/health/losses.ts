/** What is read of a signal's health. */
interface Losses {
  readonly rejected: number;
  readonly dropped: Readonly<Record<string, number>>;
}

type Advice = Readonly<Record<string, string>>;

/** While spans are being lost, how often that is said at most, milliseconds. */
const EVERY_MS = 30_000;

/** What to do about a loss, where there is something. */
const ADVICE: Advice = {
  exit: "the process ended first: 'await telemetry.shutdown()' waits",
  queue_full: 'the collector has been away or slow for longer than queue.maxBytes lasts',
  ring_full: 'spans end faster than they can be encoded; raise ringBytes',
  too_large: 'a span is larger than a sixteenth of ringBytes or than batch.maxRequestBytes',
  rejected: 'the collector refused them for good',
};

function counted(count: number): string {
  return `${count} ${count === 1 ? 'span' : 'spans'}`;
}

/**
 * Says what was lost, each loss once, so that none is silent for those who do not look at
 * `health()`.
 *
 * @param read the counts and the last error of this moment.
 * @param now monotonic milliseconds.
 * @param advice what to do about causes, where it is not what users of `start()` can do.
 */
export function lossReporter(
  read: () => { traces: Losses; lastError: string | undefined },
  now: () => number,
  warn: (line: string) => void,
  advice: Advice = {},
): { sometimes(): void; always(): void } {
  const said: Record<string, number> = {};
  let nextAt = Number.NEGATIVE_INFINITY;

  function always(): void {
    const { traces, lastError } = read();
    const losses: string[] = [];
    const advised: string[] = [];
    let total = 0;
    for (const [cause, count] of Object.entries({ ...traces.dropped, rejected: traces.rejected })) {
      const fresh = count - (said[cause] ?? 0);
      if (fresh <= 0) continue;
      said[cause] = count;
      total += fresh;
      losses.push(`${cause} ${fresh}`);
      const toDo = advice[cause] ?? ADVICE[cause];
      if (toDo !== undefined) advised.push(toDo);
    }
    if (total === 0) return;
    const why = [...advised, lastError === undefined ? '' : `last error: ${lastError}`];
    warn(
      `${counted(total)} lost (${losses.join(', ')}): ${why.filter(Boolean).join('; ') || 'see health()'}`,
    );
  }

  function sometimes(): void {
    if (now() < nextAt) return;
    nextAt = now() + EVERY_MS;
    always();
  }

  return { sometimes, always };
}
