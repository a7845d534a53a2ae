/** Variables of the environment, as they are read everywhere. */

import type { RecordedSignal } from '../deliver/transport.ts';

export type Env = Readonly<Record<string, string | undefined>>;

const GENERAL = 'OTEL_EXPORTER_OTLP_';

/** Those of these variables that are set; empty is unset (specification, "Parsing empty value"). */
export function setVariables(env: Env, names: readonly string[]): { name: string; text: string }[] {
  return names.flatMap((name) => {
    const text = env[name]?.trim();
    return text ? [{ name, text }] : [];
  });
}

/** Names of a variable of the OTLP exporter: for one signal, which wins, and for all. */
export function exporterVariables(
  name: string,
  signal: RecordedSignal,
): readonly [specific: string, general: string] {
  return [`${GENERAL}${signal.toUpperCase()}_${name}`, GENERAL + name];
}
