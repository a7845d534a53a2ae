import type { Outcome, Payload, Signal, Transport } from '../deliver/transport.ts';
import { jsonBody } from './json-body.ts';

export interface JsonLinesOptions {
  /** What `health()` shows. */
  readonly name: string;
  /**
   * Writes one line, its end included; resolves when it is written. Not called again before that:
   * lines are never mixed.
   */
  readonly append: (line: Uint8Array, signal: Signal) => Promise<void>;
  /** What an error of `append` means. */
  readonly outcomeOf: (error: unknown, signal: Signal) => Outcome;
}

const CLOSED: Outcome = { kind: 'retryable', reason: 'the transport is closed' };

/**
 * OTLP/JSON, one request a line (OpenTelemetry protocol file exporter, "JSON File serialization").
 * A payload is delivered once its line is written.
 */
export function jsonLinesTransport(options: JsonLinesOptions): Transport {
  let last: Promise<unknown> = Promise.resolve();
  let closed = false;

  async function write(payload: Payload): Promise<Outcome> {
    if (closed) return CLOSED;
    let json: Uint8Array;
    try {
      json = jsonBody(payload);
    } catch (error) {
      return { kind: 'rejected', reason: (error as Error).message };
    }
    const line = new Uint8Array(json.length + 1);
    line.set(json);
    line[json.length] = 0x0a;
    try {
      await options.append(line, payload.signal);
      return { kind: 'delivered' };
    } catch (error) {
      return options.outcomeOf(error, payload.signal);
    }
  }

  function send(payload: Payload): Promise<Outcome> {
    const written = last.then(() => write(payload));
    last = written;
    return written;
  }

  return {
    name: options.name,
    compression: 'none',
    send,
    close() {
      closed = true;
    },
  };
}
