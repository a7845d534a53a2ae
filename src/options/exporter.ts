import type { RecordedSignal } from '../deliver/transport.ts';

/** Where telemetry goes, by the names of the specification ("Exporter Selection"). */
export type ExporterName = 'otlp' | 'console' | 'otlp/stdout' | 'prometheus';

const EXPORTERS: readonly ExporterName[] = ['otlp', 'console', 'otlp/stdout'];
/** Metrics may be asked for, too. */
const METRIC_EXPORTERS: readonly ExporterName[] = [...EXPORTERS, 'prometheus'];

/** The variable that lists a signal's exporters. */
export function exporterVariable(signal: RecordedSignal): string {
  return `OTEL_${signal.toUpperCase()}_EXPORTER`;
}

/**
 * Reads the list of exporters of a signal, such as `OTEL_TRACES_EXPORTER`; `otlp` when it is not set.
 * `none`, which wins over others, is an empty list. Names that are not known are reported and left
 * out; when no other is left, `otlp` is used.
 */
export function exportersFromEnv(
  signal: RecordedSignal,
  env: Readonly<Record<string, string | undefined>>,
  warn: (line: string) => void,
): readonly ExporterName[] {
  const variable = exporterVariable(signal);
  const names: readonly string[] = signal === 'metrics' ? METRIC_EXPORTERS : EXPORTERS;
  // Values of this kind are read whatever their case (specification, "Enum").
  const text = env[variable]?.trim().toLowerCase() ?? '';
  const asked = text.split(',').flatMap((part) => part.trim() || []);
  if (asked.includes('none')) {
    if (asked.length > 1) warn(`${variable} has none beside others; nothing is exported.`);
    return [];
  }
  const known = new Set<ExporterName>();
  for (const name of asked) {
    if (names.includes(name)) known.add(name as ExporterName);
    else if (name === 'logging') {
      warn(`${variable} has logging, which is deprecated; console is used. Write console.`);
      known.add('console');
    } else {
      const seen = name.slice(0, 80);
      warn(`${variable} has '${seen}', not ${names.join(', ')} or none; it is ignored.`);
    }
  }
  if (known.size === 0) known.add('otlp');
  return [...known];
}
