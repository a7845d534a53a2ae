import { OtlpError } from '../../errors.ts';

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
  /** Answers with an HTTP status; from 300 up with a google.rpc.Status, and nothing is stored. */
  | {
      readonly kind: 'status';
      readonly status: number;
      /** The Retry-After header: seconds, a Date, or any text. Default: no such header. */
      readonly retryAfter?: number | Date | string;
      readonly message?: string;
    }
  /** Answers 200 with a partial success; the request's last `rejected` spans are not stored. */
  | { readonly kind: 'partial'; readonly rejected: number; readonly message?: string }
  /** Closes the listening port and all connections. Cannot have `times` or `delayMs`. */
  | { readonly kind: 'refuse' }
  /**
   * Destroys the socket: `connection` as soon as it is accepted (or, on one that was kept alive,
   * when a request arrives), `headers` before the body is read, `body` after it is read (nothing
   * stored), `answer` in the middle of the answer (the request has been accepted and stored).
   */
  | { readonly kind: 'cut'; readonly when: 'connection' | 'headers' | 'body' | 'answer' }
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
  if (kind === 'status' && !(fault.status >= 200 && fault.status <= 599)) {
    invalid(`status must be from 200 to 599, got ${fault.status}`);
  }
}
