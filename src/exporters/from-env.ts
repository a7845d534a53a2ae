import { lateTransport } from '../deliver/late-transport.ts';
import type { Transport } from '../deliver/transport.ts';
import { exportersFromEnv } from '../options/exporter.ts';
import type { Host } from '../runtime/host.ts';

/** How each exporter that the environment may name is had. */
export interface Exporters {
  readonly otlp: () => Transport;
  readonly 'otlp/stdout': () => Promise<Transport>;
}

/**
 * The transport that `OTEL_TRACES_EXPORTER` names: undefined for OTLP, which is the default. What is
 * named is loaded when it is first sent to.
 */
export function exporterFromEnv(
  env: Host['env'],
  warn: (line: string) => void,
  exporters: Exporters,
): Transport | 'none' | undefined {
  const names = exportersFromEnv('OTEL_TRACES_EXPORTER', env, warn);
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
