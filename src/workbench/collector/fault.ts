import { OtlpError } from '../../errors.ts';
import { LAST_GRPC_STATUS } from './grpc-status.ts';

/** Something that goes wrong on purpose. */
export type Fault = FaultKind & {
  /** How many requests it applies to. Default: all, until another call of `fault`. */
  readonly times?: number;
  /** Milliseconds to wait before acting, once the request has been read. Default 0. */
  readonly delayMs?: number;
};

export type FaultKind =
  /** Answers as usual, `delayMs` later. */
  | { readonly kind: 'delay' }
  /**
   * Answers with an HTTP status, or with a gRPC status, 0 to 16. One of the two is enough: a request
   * that comes by the other protocol gets what means the same. Errors (from 300 up, from 1 up) come
   * with a google.rpc.Status, and nothing is stored.
   */
  | {
      readonly kind: 'status';
      readonly status?: number;
      readonly grpcStatus?: number;
      /**
       * The Retry-After header: seconds, a Date, or any text; over gRPC a RetryInfo in
       * `grpc-status-details-bin`, from seconds or a Date. Default: none.
       */
      readonly retryAfter?: number | Date | string;
      readonly message?: string;
    }
  /** Answers 200 with a partial success; the request's last `rejected` spans are not stored. */
  | { readonly kind: 'partial'; readonly rejected: number; readonly message?: string }
  /** Closes the listening ports and all connections. Cannot have `times` or `delayMs`. */
  | { readonly kind: 'refuse' }
  /**
   * Destroys the socket: `connection` as soon as it is accepted (or, on one that was kept alive,
   * when a request arrives), `headers` before the body is read, `body` after it is read (nothing
   * stored), `answer` in the middle of the answer (the request has been accepted and stored).
   */
  | { readonly kind: 'cut'; readonly when: 'connection' | 'headers' | 'body' | 'answer' }
  /**
   * Resets the request once it has been read, nothing is stored: gRPC's stream with RST_STREAM and this
   * HTTP/2 error code (default 2, INTERNAL_ERROR; 7 is REFUSED_STREAM, 8 CANCEL), HTTP's connection.
   */
  | { readonly kind: 'reset'; readonly errorCode?: number }
  /** Accepts, stores, and answers 200 with bytes that are no OTLP answer. */
  | { readonly kind: 'garbage'; readonly body?: string | Uint8Array }
  /** Accepts, stores, and answers 200 with a valid answer of about `sizeBytes` (default 5 MiB). */
  | {
      readonly kind: 'oversized';
      readonly sizeBytes?: number;
      /** `gzip` compresses the answer: small on the wire, large once inflated. */
      readonly contentEncoding?: 'gzip';
    }
  /** Reads the request and never answers; nothing is stored. */
  | { readonly kind: 'hang' };

/** The faults still to come. Taken from the front, one per request. */
export interface FaultQueue {
  replace(faults: readonly Fault[]): void;
  /** The fault for the next request, without using it up. */
  peek(): Fault | undefined;
  take(): Fault | undefined;
}

export function createFaultQueue(): FaultQueue {
  let queue: { fault: Fault; left: number }[] = [];
  return {
    replace(faults) {
      faults.forEach((fault, i) => {
        checkFault(fault, i, i === faults.length - 1);
      });
      queue = faults.map((fault) => ({
        fault,
        left: fault.times ?? Number.POSITIVE_INFINITY,
      }));
    },
    peek: () => queue[0]?.fault,
    take() {
      const head = queue[0];
      if (head === undefined) return undefined;
      if (--head.left === 0) queue.shift();
      return head.fault;
    },
  };
}

function checkFault(fault: Fault, index: number, last: boolean): void {
  const { kind, times, delayMs } = fault;
  const invalid = (what: string) => {
    throw new OtlpError('invalid_option', `fault ${index} (${kind}): ${what}`);
  };
  if (times !== undefined && !(Number.isInteger(times) && times > 0)) {
    invalid(`times must be a whole number above 0, got ${times}`);
  }
  if (times === undefined && !last) {
    invalid('would never end, so those after it never begin: give it times');
  }
  if (delayMs !== undefined && !(delayMs >= 0)) invalid(`delayMs must be at least 0`);
  if (kind === 'delay' && delayMs === undefined) invalid('needs delayMs');
  if (kind === 'refuse') {
    if (times !== undefined || delayMs !== undefined || index > 0) {
      invalid('must be the only fault, without times and delayMs: a closed port sees no requests');
    }
  }
  if (kind === 'reset') {
    const { errorCode = 0 } = fault;
    if (!(Number.isInteger(errorCode) && errorCode >= 0 && errorCode <= 13)) {
      invalid(`errorCode must be one of HTTP/2, from 0 to 13, got ${errorCode}`);
    }
  }
  if (kind === 'status') {
    const { status, grpcStatus } = fault;
    if (status === undefined && grpcStatus === undefined) invalid('needs status or grpcStatus');
    if (status !== undefined && !(status >= 200 && status <= 599)) {
      invalid(`status must be from 200 to 599, got ${status}`);
    }
    const known = Number.isInteger(grpcStatus) && grpcStatus! >= 0;
    if (grpcStatus !== undefined && !(known && grpcStatus <= LAST_GRPC_STATUS)) {
      invalid(`grpcStatus must be from 0 to ${LAST_GRPC_STATUS}, got ${grpcStatus}`);
    }
    if (status !== undefined && grpcStatus !== undefined && status < 300 !== (grpcStatus === 0)) {
      invalid(`status ${status} and grpcStatus ${grpcStatus}: one is a success, one an error`);
    }
  }
}

/** The connection is cut before anything of the body is read. */
export function cutsUnread(fault: Fault | undefined): boolean {
  return fault?.kind === 'cut' && (fault.when === 'connection' || fault.when === 'headers');
}
