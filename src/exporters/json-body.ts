import type { Payload } from '../deliver/transport.ts';
import { OtlpError } from '../errors.ts';
import { toJson } from './json-format.ts';

/**
 * A payload as OTLP/JSON, on one line.
 *
 * @throws OtlpError `invalid_data` when the body is compressed, or no OTLP, or of profiles.
 */
export function jsonBody({ signal, body, encoding }: Payload): Uint8Array<ArrayBuffer> {
  if (encoding !== 'identity') {
    throw new OtlpError(
      'invalid_data',
      `the body is compressed (${encoding}); start with compression: 'none' where this transport is wrapped in another one.`,
    );
  }
  if (signal === 'profiles') {
    throw new OtlpError(
      'invalid_data',
      'the payload is of profiles, which this transport has no JSON for; send traces, logs and metrics to it.',
    );
  }
  return toJson(signal, body);
}
