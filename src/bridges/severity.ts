/** Levels of pino and bunyan, by name. */
export const LEVELS: Readonly<Record<string, number>> = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  fatal: 60,
};

const LOWEST = LEVELS['trace']!;
const STEP = 10;

/** 24 severity numbers, four to each of the six ranges (OpenTelemetry log data model, "SeverityNumber"). */
const RANGES = 6;

/**
 * The severity number of a level of pino or bunyan. The six named levels get the first number of their
 * range; levels of the user's own are spread, by size, over the eighteen numbers that are left.
 */
export function severityOfLevel(level: number): number | undefined {
  const range = (level - LOWEST) / STEP;
  if (Number.isNaN(range)) return undefined;
  if (Number.isInteger(range) && range >= 0 && range < RANGES) return 1 + 4 * range;
  const others = 3 * RANGES;
  const index = Math.min(others - 1, Math.max(0, Math.floor((range / RANGES) * others)));
  return 2 + index + Math.floor(index / 3);
}
