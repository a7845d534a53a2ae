/** Where telemetry goes, by the names of the specification ("Exporter Selection"). */
export type ExporterName = 'otlp' | 'console' | 'otlp/stdout';

const EXPORTERS: readonly string[] = ['otlp', 'console', 'otlp/stdout'];

/**
 * Reads a list of exporters such as `OTEL_TRACES_EXPORTER`; `otlp` when it is not set. `none`, which
 * wins over others, is an empty list. Names that are not known are reported and left out; when no
 * other is left, `otlp` is used.
 */
export function exportersFromEnv(
  variable: string,
  env: Readonly<Record<string, string | undefined>>,
  warn: (line: string) => void,
): readonly ExporterName[] {
  // Values of this kind are read whatever their case (specification, "Enum").
  const text = env[variable]?.trim().toLowerCase() ?? '';
  const names = text.split(',').flatMap((part) => part.trim() || []);
  if (names.includes('none')) {
    if (names.length > 1) warn(`${variable} has none beside others; nothing is exported.`);
    return [];
  }
  const known = new Set<ExporterName>();
  for (const name of names) {
    if (EXPORTERS.includes(name)) known.add(name as ExporterName);
    else if (name === 'logging') {
      warn(`${variable} has logging, which is deprecated; console is used. Write console.`);
      known.add('console');
    } else {
      const seen = name.slice(0, 80);
      warn(`${variable} has '${seen}', not otlp, console, otlp/stdout or none; it is ignored.`);
    }
  }
  if (known.size === 0) known.add('otlp');
  return [...known];
}
