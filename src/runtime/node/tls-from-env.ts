import { builtin } from './builtin.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Variables that name files in PEM, and the options of `https.Agent` they are for. */
const FILES = {
  ca: 'CERTIFICATE',
  cert: 'CLIENT_CERTIFICATE',
  key: 'CLIENT_KEY',
} as const;

/** Reads the TLS variables of the specification ("OTLP exporter", "Configuration Options") for traces. */
export function tlsFromEnv(
  env: Env,
  warn: (line: string) => void,
): Partial<Record<keyof typeof FILES, Uint8Array>> {
  const tls: Partial<Record<keyof typeof FILES, Uint8Array>> = {};
  for (const [option, variable] of Object.entries(FILES)) {
    const names = [`OTEL_EXPORTER_OTLP_TRACES_${variable}`, `OTEL_EXPORTER_OTLP_${variable}`];
    const name = names.find((each) => env[each]?.trim());
    if (name === undefined) continue;
    try {
      tls[option as keyof typeof FILES] = builtin('node:fs').readFileSync(env[name]!.trim());
    } catch (error) {
      const { code = 'unreadable' } = error as { code?: string };
      warn(`${name} names a file that cannot be read (${code}); it is ignored.`);
    }
  }
  return tls;
}
