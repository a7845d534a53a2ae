import type { Rejection } from './answer.ts';
import type { Decoded, Format } from './decode.ts';
import type { Fault } from './fault.ts';
import type { Encodings } from './inflate.ts';
import type { ReceivedRequest, ReceivedSignal } from './received.ts';

/** What is known of a request on its way through, whichever protocol it came by. */
export interface Exchange {
  readonly protocol: ReceivedRequest['protocol'];
  readonly path: string;
  readonly signal: ReceivedSignal | undefined;
  readonly format: Format | undefined;
  readonly contentType: string;
  contentEncoding: string;
  /** Lower-case names. */
  headers: Readonly<Record<string, unknown>>;
  readonly receivedAtMs: number;
  fault: Fault | undefined;
  /** The body as sent; undefined when it is larger than allowed, or was not read. */
  wire: Uint8Array | undefined;
  raw: Uint8Array | undefined;
  decoded: Decoded;
  /** Records counted without decoding. */
  counted: number;
  /** Records refused by a partial success. */
  rejected: number;
  /** Destroys the connection. */
  cut(): void;
  /** Resets the request's stream, or its connection where there are no streams. */
  reset(errorCode: number | undefined): void;
}

/** What becomes of a request, before its protocol puts it into words. */
export type Verdict =
  /** `status`: 200 to 299. */
  | { readonly kind: 'accepted'; readonly status: number; readonly rejection?: Rejection }
  | ({ readonly kind: 'refused' } & Refusal);

/** A refusal: an HTTP status, and the gRPC code where it is not the one that means the same. */
export interface Refusal {
  readonly status: number;
  readonly grpcStatus?: number;
  readonly message: string;
  readonly retryAfter?: number | Date | string;
}

/** What was answered. `status` is 0 for no answer. */
export type Recorded = Pick<ReceivedRequest, 'status' | 'grpcStatus' | 'error'>;

/** What the collector is to those who receive for it. */
export interface Intake {
  /** Largest body, as sent. */
  readonly maxRequestBytes: number;
  readonly encodings: Encodings;
  /** The fault for the next request, which uses it up. */
  takeFault(): Fault | undefined;
  /**
   * Decides about a request that was read, and decodes it. Throws {@link NoAnswer} when there is to
   * be none.
   */
  judge(exchange: Exchange): Promise<Verdict>;
  /** Counts and stores a request once its answer is known; before the sender can see it. */
  record(exchange: Exchange, answered: Recorded): void;
}

/** The sender went away, or is to go without an answer on purpose. */
export class NoAnswer extends Error {}

export const NOTHING: Decoded = { spans: [], logRecords: [], metrics: [], dataPoints: 0 };

/** A request of which nothing has been read yet. */
export function newExchange(
  known: Pick<
    Exchange,
    'protocol' | 'path' | 'signal' | 'format' | 'contentType' | 'cut' | 'reset'
  >,
): Exchange {
  return {
    ...known,
    contentEncoding: 'identity',
    headers: {},
    receivedAtMs: Date.now(),
    fault: undefined,
    wire: undefined,
    raw: undefined,
    decoded: NOTHING,
    counted: 0,
    rejected: 0,
  };
}
