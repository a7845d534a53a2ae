/** What can go wrong at the edges of the product; recording never throws. */
export type OtlpErrorCode =
  /** An option has a value that cannot be used. */
  | 'invalid_option'
  /** The engine asked for cannot be had on this host. */
  | 'engine_unavailable'
  /** Bytes that were to be decoded or inflated are not what they should be. */
  | 'invalid_data'
  /** The embedded collector, or a Prometheus reader, cannot listen where it was told to. */
  | 'listen_failed'
  /** A wait reached its deadline. */
  | 'timeout'
  /** Spans handed to an exporter are lost, or not delivered yet; the message says which. */
  | 'not_delivered'
  /** What is asked for is not part of this version. */
  | 'not_supported';

/**
 * The one error class of the product. `code` is stable and meant for programs; `message` says
 * what was wrong, what was seen and what to do. Never contains header values or credentials.
 */
export class OtlpError extends Error {
  override readonly name = 'OtlpError';
  readonly code: OtlpErrorCode;

  constructor(code: OtlpErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** Whether `value` is an {@link OtlpError}, also one from another copy of the package. */
export function isOtlpError(value: unknown): value is OtlpError {
  return value instanceof Error && value.name === 'OtlpError' && 'code' in value;
}
