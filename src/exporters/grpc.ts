/** `otlp-wasm/exporters/grpc`, which is not there yet. */

import { OtlpError } from '../errors.ts';

export { isOtlpError, OtlpError, type OtlpErrorCode } from '../errors.ts';

function missing(): never {
  throw new OtlpError(
    'not_supported',
    "'otlp-wasm/exporters/grpc' is not there yet: this version sends OTLP over HTTP. Import " +
      "OTLPTraceExporter from 'otlp-wasm/exporters/proto' instead, and give it the collector's " +
      "OTLP/HTTP endpoint (port 4318 by default, not 4317); or keep '@opentelemetry/exporter-trace-otlp-grpc'.",
  );
}

/** Importing this entry throws an OtlpError `not_supported`. */
export const OTLPTraceExporter: never = missing();
