import { painter } from './color.ts';
import { formatCount } from './text.ts';

/** Where lines are written: `process.stdout` or something like it. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface Progress {
  /** `note` follows the counts, e.g. a rate. */
  update(done: number, note?: string): void;
  /** Draws the last state and goes to the next line. */
  end(note?: string): void;
}

export interface ProgressOptions {
  readonly label: string;
  readonly total: number;
  readonly color?: boolean;
}

/** On a terminal drawn at most this often. */
const REDRAW_MS = 80;

/**
 * A progress bar. On a terminal one line is redrawn; elsewhere (a file, a CI log) a line is
 * written at every quarter.
 */
export function startProgress(output: Output, options: ProgressOptions): Progress {
  const { label, total } = options;
  const paint = painter(options.color ?? false);
  let done = 0;
  let note = '';
  let drawnAtMs = Number.NEGATIVE_INFINITY;
  let quarter = -1;
  let ended = false;

  const share = () => (total > 0 ? Math.min(1, done / total) : 1);

  function counts(): string {
    const percent = `${Math.floor(share() * 100)}%`.padStart(4);
    return `${percent}  ${formatCount(done)}/${formatCount(total)}${note && `  ${note}`}`;
  }

  function redraw(): void {
    const text = counts();
    const width = Math.max(
      0,
      Math.min(40, (output.columns ?? 80) - label.length - text.length - 4),
    );
    const filled = Math.round(share() * width);
    const bar = paint('cyan', '█'.repeat(filled)) + paint('dim', '░'.repeat(width - filled));
    output.write(`\r\u001b[2K${label} ${bar} ${text}`);
  }

  return {
    update(nowDone, nowNote = note) {
      if (ended) return;
      done = nowDone;
      note = nowNote;
      if (output.isTTY) {
        const now = performance.now();
        if (now - drawnAtMs < REDRAW_MS && done < total) return;
        drawnAtMs = now;
        redraw();
      } else if (Math.floor(share() * 4) > quarter) {
        quarter = Math.floor(share() * 4);
        output.write(`${label} ${counts()}\n`);
      }
    },
    end(lastNote = note) {
      if (ended) return;
      ended = true;
      const changed = lastNote !== note;
      note = lastNote;
      if (output.isTTY) {
        redraw();
        output.write('\n');
      } else if (quarter < 4 || changed) {
        output.write(`${label} ${counts()}\n`);
      }
    },
  };
}
