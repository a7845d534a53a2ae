import { lateTransport } from '../deliver/late-transport.ts';
import type { RecordedSignal, Transport } from '../deliver/transport.ts';
import { exportersFromEnv, exporterVariable } from '../options/exporter.ts';
import type { Host, WiredExporters } from '../runtime/host.ts';

/** How each exporter that the environment may name is had. */
export interface Exporters extends WiredExporters {
  readonly 'otlp/stdout': () => Promise<Transport>;
}

/**
 * The transport that `OTEL_TRACES_EXPORTER`, `OTEL_LOGS_EXPORTER` or `OTEL_METRICS_EXPORTER` names:
 * undefined for OTLP, which is the default, `none` where nothing is to be sent. What is named is
 * loaded when it is first sent to.
 */
export function exporterFromEnv(
  signal: RecordedSignal,
  env: Host['env'],
  warn: (line: string) => void,
  exporters: Exporters,
): Transport | 'none' | undefined {
  const chosen = exportersFromEnv(signal, env, warn);
  const names = chosen.filter((name) => name !== 'prometheus');
  if (names.length < chosen.length) {
    if (exporters.prometheus === undefined) {
      warn(`${exporterVariable(signal)} has prometheus, which cannot be had here; it is ignored.`);
      if (names.length === 0) return undefined;
    } else exporters.prometheus();
  }
  if (names.length === 0) return 'none';
  if (names.length === 1 && names[0] === 'otlp') return undefined;
  const loaders = {
    otlp: async () => exporters.otlp(),
    console: () => import('./console.ts').then(({ consoleTransport }) => consoleTransport()),
    'otlp/stdout': exporters['otlp/stdout'],
  };
  const load = async () => {
    if (names.length === 1) return loaders[names[0]!]();
    const { fanOutTransport } = await import('./fan-out.ts');
    const members = names.map(async (name) => ({ name, transport: await loaders[name]() }));
    return fanOutTransport(await Promise.all(members));
  };
  const name = names.join(',');
  const late = lateTransport(load, (error) => ({
    kind: 'rejected',
    reason: `the exporter ${name} cannot be loaded: ${error}`,
  }));
  return { ...late, name, compression: 'none' };
}
