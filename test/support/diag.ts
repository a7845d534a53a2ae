/** What the product says by `diag` of the API. */

import { type DiagLogger, DiagLogLevel, diag } from '@opentelemetry/api';

export type Level = 'error' | 'warn' | 'info' | 'debug' | 'verbose';

export interface Said {
  readonly level: Level;
  readonly line: string;
  readonly more: readonly unknown[];
}

/** Everything said while `work` runs, ours only. */
export async function saidDuring(work: () => unknown): Promise<Said[]> {
  const said: Said[] = [];
  const hear =
    (level: Level) =>
    (line: string, ...more: unknown[]) => {
      if (line.startsWith('otlp-wasm: ')) said.push({ level, line, more });
    };
  const logger: DiagLogger = {
    error: hear('error'),
    warn: hear('warn'),
    info: hear('info'),
    debug: hear('debug'),
    verbose: hear('verbose'),
  };
  diag.setLogger(logger, { logLevel: DiagLogLevel.ALL, suppressOverrideMessage: true });
  try {
    await work();
  } finally {
    diag.disable();
  }
  return said;
}

/** Runs `work` while the logger of `diag` throws whatever the product says. */
export function withBrokenDiag<T>(work: () => T): T {
  const fail = (line: string) => {
    // The API says by it that it was installed.
    if (line.startsWith('otlp-wasm: ')) throw new Error('no log today');
  };
  const logger = { error: fail, warn: fail, info: fail, debug: fail, verbose: fail };
  diag.setLogger(logger, { logLevel: DiagLogLevel.ALL, suppressOverrideMessage: true });
  try {
    return work();
  } finally {
    diag.disable();
  }
}
