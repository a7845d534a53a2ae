import { createServer, type Server } from 'node:net';
import {
  GARBAGE,
  OVERSIZED_BYTES,
  oversizedAnswer,
  retryDetails,
  successAnswer,
} from './answer.ts';
import { ENVELOPES } from './decode.ts';
import { type Exchange, type Intake, NoAnswer, newExchange, type Verdict } from './exchange.ts';
import { cutsUnread } from './fault.ts';
import type { GrpcReply, GrpcService } from './grpc-calls.ts';
import { GRPC_OK, grpcStatusOf, httpStatusOf, INTERNAL } from './grpc-status.ts';
import { encodingComplaint } from './inflate.ts';
import type { ReceivedSignal } from './received.ts';

const SIGNALS = new Map(
  (Object.keys(ENVELOPES) as ReceivedSignal[]).map((signal) => [ENVELOPES[signal].grpc, signal]),
);

/** A server that speaks gRPC, not listening yet, and the end of its calls. */
export interface GrpcReceiver {
  readonly server: Server;
  close(): void;
}

/** Loads the gRPC library, which is why this is asynchronous. */
export async function createGrpcReceiver(intake: Intake): Promise<GrpcReceiver> {
  const { serveGrpc } = await import('./grpc-calls.ts');
  const recorded = new WeakSet<Exchange>();

  function record(exchange: Exchange, grpcStatus: number | undefined, error?: string): void {
    // What happens to a call once it is answered, or cut, changes nothing.
    if (recorded.has(exchange)) return;
    recorded.add(exchange);
    const answered =
      grpcStatus === undefined ? { status: 0 } : { status: httpStatusOf(grpcStatus), grpcStatus };
    intake.record(exchange, { ...answered, ...(error !== undefined && { error }) });
  }

  const service: GrpcService<Exchange> = {
    methods: [...SIGNALS.keys()],
    acceptEncoding: [...intake.encodings.grpc, 'identity'],
    maxMessageBytes: intake.maxRequestBytes,
    open({ path, cut, reset }) {
      const exchange = newExchange({
        ...{ protocol: 'grpc', path, contentType: 'application/grpc' },
        ...{ signal: SIGNALS.get(path), format: 'protobuf', cut, reset },
      });
      const fault = (exchange.fault = intake.takeFault());
      if (cutsUnread(fault)) {
        record(exchange, undefined);
        cut();
      }
      return exchange;
    },
    async receive(exchange, { bytes, encoding, headers }) {
      const { signal } = exchange;
      exchange.headers = headers;
      exchange.contentEncoding = encoding;
      exchange.wire = bytes;
      try {
        const complaint = encodingComplaint(encoding, intake.encodings.grpc);
        const verdict: Verdict =
          complaint === undefined
            ? await intake.judge(exchange)
            : { kind: 'refused', status: 415, message: complaint };
        const reply = replyTo(exchange, signal!, verdict);
        record(exchange, reply.code, reply.code === GRPC_OK ? undefined : reply.message);
        return reply;
      } catch (error) {
        if (error instanceof NoAnswer) {
          record(exchange, undefined);
          return undefined;
        }
        // A defect of the collector itself.
        return { code: INTERNAL, message: String((error as Error)?.message ?? error) };
      }
    },
    failed: (exchange, code, message) => record(exchange, code, message),
    gone: (exchange) => record(exchange, undefined),
  };

  const calls = serveGrpc(service);
  return { server: createServer((socket) => calls.accept(socket)), close: calls.close };
}

function replyTo({ fault }: Exchange, signal: ReceivedSignal, verdict: Verdict): GrpcReply {
  if (verdict.kind === 'refused') {
    const { status, grpcStatus: code = grpcStatusOf(status), message, retryAfter } = verdict;
    return { code, message, details: retryDetails(code, message, retryAfter) };
  }
  const accepted = { code: GRPC_OK, message: 'OK', cut: fault?.kind === 'cut' };
  if (fault?.kind === 'garbage') {
    const { body = GARBAGE } = fault;
    return { ...accepted, body: typeof body === 'string' ? Buffer.from(body, 'latin1') : body };
  }
  if (fault?.kind === 'oversized') {
    const { sizeBytes = OVERSIZED_BYTES, contentEncoding } = fault;
    const { body } = oversizedAnswer(signal, 'protobuf', sizeBytes, contentEncoding);
    return { ...accepted, body, encoding: contentEncoding };
  }
  return { ...accepted, body: successAnswer(signal, 'protobuf', verdict.rejection).body };
}
