import { tracesToJson } from '../codec/json.ts';
import type { Payload } from '../deliver/transport.ts';
import { OtlpError } from '../errors.ts';

/**
 * A payload as OTLP/JSON, on one line.
 *
 * @throws OtlpError `invalid_data` when the body is compressed, or no OTLP.
 */
export function jsonBody({ body, encoding }: Payload): Uint8Array<ArrayBuffer> {
  if (encoding !== 'identity') {
    throw new OtlpError(
      'invalid_data',
      `the body is compressed (${encoding}); start with compression: 'none' where this transport is wrapped in another one.`,
    );
  }
  return tracesToJson(body);
}
