import type { LogRecord } from '../../src/api/log/types.ts';

/** A logger provider that keeps what is emitted, with the scope it was emitted under. */
export function recorder(least = 0) {
  const records: LogRecord[] = [];
  const scopes: string[] = [];
  return {
    records,
    scopes,
    getLogger(name: string, version?: string) {
      scopes.push(`${name} ${version}`);
      return {
        emit: (record: LogRecord) => void records.push(record),
        enabled: ({ severityNumber = 0 }: { severityNumber?: number } = {}) =>
          severityNumber >= least,
      };
    },
  };
}
