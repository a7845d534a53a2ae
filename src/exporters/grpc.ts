/** `otlp-wasm/exporters/grpc` on hosts that cannot have it. */

import { OtlpError } from '../errors.ts';

function missing(): never {
  throw new OtlpError(
    'not_supported',
    "'otlp-wasm/exporters/grpc' needs an HTTP/2 client, which this host has not: browsers and " +
      'workers reach gRPC through a proxy only. Import its exporters from ' +
      "'otlp-wasm/exporters/proto' instead, and give it the collector's OTLP/HTTP endpoint (port " +
      '4318 by default, not 4317).',
  );
}

/** Importing this entry throws an OtlpError `not_supported`. */
export const OTLPTraceExporter: never = missing();
export const OTLPLogExporter: never = OTLPTraceExporter;
export const OTLPMetricExporter: never = OTLPTraceExporter;
export { isOtlpError, OtlpError, type OtlpErrorCode } from '../errors.ts';
