import type { Outcome, Payload, Transport } from '../deliver/transport.ts';
import { decodeRequest } from '../workbench/collector/decode.ts';
import type {
  ReceivedLogRecord,
  ReceivedMetric,
  ReceivedRecords,
  ReceivedSignal,
  ReceivedSpan,
} from '../workbench/collector/received.ts';
import { inflated } from './inflated.ts';

/** How an attempt ends: an outcome, a promise of one (a slow server), or what decides. */
export type Answer =
  | Outcome
  | Promise<Outcome>
  | ((payload: Payload) => Outcome | Promise<Outcome>);

/** A transport that keeps what it is given and answers by script: `start({ transport })`. */
export interface InMemoryTransport extends Transport {
  /** One per attempt, in order: a payload sent again is here again. */
  readonly payloads: readonly Payload[];
  /** Attempts that wait for their answer. */
  readonly inFlight: number;
  /** Whether the telemetry has closed it. */
  readonly closed: boolean;
  /** How the next attempts end, one answer each; then it is as before. */
  next(...answers: readonly Answer[]): void;
  /** How all attempts end for which there is no answer of `next`. At first: delivered. */
  always(answer: Answer): void;
  /** The spans of all accepted requests, decoded, in the order they arrived. */
  traces(): ReceivedSpan[];
  /** The same of log records. */
  logs(): ReceivedLogRecord[];
  /** The same of metrics, with their data points. */
  metrics(): ReceivedMetric[];
  /** Forgets payloads and what was in them; answers stay. */
  clear(): void;
}

const CLOSED: Outcome = { kind: 'retryable', reason: 'the transport was closed' };

/** A transport in memory, for tests of programs that record telemetry. Nothing leaves the process. */
export function inMemoryTransport(): InMemoryTransport {
  const payloads: Payload[] = [];
  const accepted: Payload[] = [];
  const script: Answer[] = [];
  const cuts = new Set<(outcome: Outcome) => void>();
  let fallback: Answer = { kind: 'delivered' };
  let closed = false;

  async function send(payload: Payload): Promise<Outcome> {
    if (closed) return CLOSED;
    payloads.push(payload);
    const answer = script.shift() ?? fallback;
    let cut: (outcome: Outcome) => void = () => {};
    const wasCut = new Promise<Outcome>((resolve) => {
      cut = resolve;
    });
    cuts.add(cut);
    try {
      const answered = typeof answer === 'function' ? answer(payload) : answer;
      const outcome = await Promise.race([answered, wasCut]);
      if (outcome.kind === 'delivered' || outcome.kind === 'partial') accepted.push(payload);
      return outcome;
    } finally {
      cuts.delete(cut);
    }
  }

  return {
    send,
    close() {
      closed = true;
      for (const cut of cuts) cut(CLOSED);
    },
    payloads,
    get inFlight() {
      return cuts.size;
    },
    get closed() {
      return closed;
    },
    next: (...answers) => void script.push(...answers),
    always: (answer) => {
      fallback = answer;
    },
    traces: () => accepted.flatMap((payload) => receivedIn(payload, 'traces').spans),
    logs: () => accepted.flatMap((payload) => receivedIn(payload, 'logs').logRecords),
    metrics: () => accepted.flatMap((payload) => receivedIn(payload, 'metrics').metrics),
    clear() {
      payloads.length = 0;
      accepted.length = 0;
    },
  };
}

function receivedIn(payload: Payload, wanted: ReceivedSignal): ReceivedRecords {
  const { signal, body, encoding, contentType } = payload;
  if (signal !== wanted) return { spans: [], logRecords: [], metrics: [] };
  const raw = inflated(body, encoding);
  const format = contentType === 'application/json' ? 'json' : 'protobuf';
  return decodeRequest(wanted, format, raw);
}
