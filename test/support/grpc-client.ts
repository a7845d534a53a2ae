/** A gRPC client of another make than ours: grpc-js, which frames and compresses by itself. */

import * as grpc from '@grpc/grpc-js';

export const TRACE_EXPORT = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';

export interface Answer {
  readonly code: number;
  readonly details: string;
  readonly trailers: grpc.Metadata;
  /** The answer's message; undefined with an error. */
  readonly body: Buffer | undefined;
}

export interface GrpcClient {
  /** One unary call. Never rejects: a call without an answer has the code that grpc-js makes of it. */
  call(message: Uint8Array, options?: CallOptions): Promise<Answer>;
  close(): void;
}

export interface CallOptions {
  readonly path?: string;
  readonly gzip?: boolean;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly deadlineMs?: number;
}

const GZIP = 2;

/** `url`: as collectors say where they listen. grpc-js's own retries are off. */
export function grpcClient(url: string): GrpcClient {
  const clients = new Map<boolean, grpc.Client>();
  const clientOf = (gzip: boolean) => {
    const known = clients.get(gzip);
    if (known !== undefined) return known;
    const made = new grpc.Client(new URL(url).host, grpc.credentials.createInsecure(), {
      'grpc.enable_retries': 0,
      'grpc.max_receive_message_length': -1,
      'grpc.use_local_subchannel_pool': 1,
      ...(gzip && { 'grpc.default_compression_algorithm': GZIP }),
    });
    clients.set(gzip, made);
    return made;
  };
  const same = (bytes: Buffer) => bytes;
  return {
    call(message, { path = TRACE_EXPORT, gzip = false, metadata = {}, deadlineMs = 20_000 } = {}) {
      return new Promise((resolve) => {
        const headers = grpc.Metadata.fromHttp2Headers({ ...metadata });
        let status: grpc.StatusObject | undefined;
        let body: Buffer | undefined;
        let answered = false;
        const settle = () => {
          if (status === undefined || !answered) return;
          const { code, details, metadata: trailers } = status;
          resolve({ code, details, trailers, body });
        };
        clientOf(gzip)
          .makeUnaryRequest(
            path,
            same,
            same,
            Buffer.from(message),
            headers,
            { deadline: Date.now() + deadlineMs },
            (_error, value) => {
              body = value;
              answered = true;
              settle();
            },
          )
          .on('status', (ended) => {
            status = ended;
            settle();
          });
      });
    },
    close() {
      for (const client of clients.values()) client.close();
    },
  };
}
