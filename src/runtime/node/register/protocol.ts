import type { Transport } from '../../../deliver/transport.ts';
import { exportersFromEnv } from '../../../options/exporter.ts';
import { grpcTransport } from '../exporter-grpc.ts';

const VARIABLES = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'];

/**
 * The transport of the protocol that the environment names (specification, "OTLP exporter",
 * "Specify Protocol"); undefined for the default, http/protobuf, and where spans do not go to a
 * collector alone.
 */
export function transportOfProtocol(
  env: NodeJS.ProcessEnv,
  warn: (line: string) => void,
): Transport | undefined {
  const variable = VARIABLES.find((name) => env[name]?.trim());
  if (variable === undefined) return undefined;
  const protocol = env[variable]!.trim().toLowerCase();
  if (protocol === 'http/protobuf') return undefined;
  if (protocol !== 'grpc') {
    const seen = JSON.stringify(protocol.slice(0, 80));
    warn(`${variable} is ${seen}, not http/protobuf or grpc; http/protobuf is used.`);
    return undefined;
  }
  const exporters = exportersFromEnv('OTEL_TRACES_EXPORTER', env, () => {});
  if (exporters.length === 1 && exporters[0] === 'otlp') return grpcTransport();
  if (exporters.includes('otlp')) {
    warn(
      `${variable} is grpc, but OTEL_TRACES_EXPORTER has others besides; http/protobuf is used.`,
    );
  }
  return undefined;
}
