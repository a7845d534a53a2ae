import type { RecordedSignal } from '../../deliver/transport.ts';
import { type Env, exporterVariables, setVariables } from '../../options/variables.ts';
import { builtin } from './builtin.ts';

/** Variables that name files in PEM, and the options of `https.Agent` they are for. */
const FILES = {
  ca: 'CERTIFICATE',
  cert: 'CLIENT_CERTIFICATE',
  key: 'CLIENT_KEY',
} as const;

/** Reads the TLS variables of the specification ("OTLP exporter", "Configuration Options"). */
export function tlsFromEnv(
  env: Env,
  warn: (line: string) => void,
  signal: RecordedSignal = 'traces',
): Partial<Record<keyof typeof FILES, Uint8Array>> {
  const tls: Partial<Record<keyof typeof FILES, Uint8Array>> = {};
  for (const [option, variable] of Object.entries(FILES)) {
    const [found] = setVariables(env, exporterVariables(variable, signal));
    if (found === undefined) continue;
    const { name, text } = found;
    try {
      tls[option as keyof typeof FILES] = builtin('node:fs').readFileSync(text);
    } catch (error) {
      const { code = 'unreadable' } = error as { code?: string };
      warn(`${name} names a file that cannot be read (${code}); it is ignored.`);
    }
  }
  return tls;
}
