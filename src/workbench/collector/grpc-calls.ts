/**
 * The collector's gRPC server: connections, framing, metadata and statuses are grpc-js's. A file of
 * its own, because it is large and loaded only when gRPC is asked for.
 */

import type { ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import {
  Metadata,
  ResponderBuilder,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  ServerListenerBuilder,
  type ServerUnaryCall,
  type ServiceDefinition,
} from '@grpc/grpc-js';

/** A call whose headers have arrived. */
export interface OpenCall {
  readonly path: string;
  /** Destroys the connection. */
  readonly cut: () => void;
  /** Sends RST_STREAM. Default INTERNAL_ERROR (2). */
  readonly reset: (errorCode: number | undefined) => void;
}

export interface GrpcMessage {
  /** As sent, without its prefix. */
  readonly bytes: Uint8Array;
  /** `identity` when the message's flag says so, whatever the headers say. */
  readonly encoding: string;
  /** The call's metadata. */
  readonly headers: Readonly<Record<string, unknown>>;
}

export interface GrpcReply {
  /** The status: 0 to 16. */
  readonly code: number;
  readonly message: string;
  /** A google.rpc.Status. */
  readonly details?: Uint8Array | undefined;
  /** The answer's message; none without it. */
  readonly body?: Uint8Array;
  /** What `body` is compressed with already. */
  readonly encoding?: string | undefined;
  /** The connection is cut after the message, before the status. */
  readonly cut?: boolean;
}

/** What the server's unary methods do; `C` is what its owner knows of a call. */
export interface GrpcService<C> {
  readonly methods: readonly string[];
  /** Told to senders. */
  readonly acceptEncoding: readonly string[];
  /** As sent; more is RESOURCE_EXHAUSTED. */
  readonly maxMessageBytes: number;
  open(call: OpenCall): C;
  /** Undefined: there is to be no answer. */
  receive(call: C, message: GrpcMessage): Promise<GrpcReply | undefined>;
  /** The library refused the call: its message is too large, torn, or missing. */
  failed(call: C, code: number, message: string): void;
  /** The stream is closed; may follow any of the others. */
  gone(call: C): void;
}

export interface GrpcCalls {
  accept(socket: Socket): void;
  close(): void;
}

/**
 * What grpc-js keeps to itself of a call. The collector inflates by itself, since it shows and hashes
 * a message as it was sent, and takes encodings that the library does not know.
 */
interface CallInside {
  readonly stream: ServerHttp2Stream;
  decompressMessage(framed: Buffer, encoding: string): unknown;
  serializeMessage(reply: GrpcReply): Buffer;
}

type Intercepted = ServerInterceptingCallInterface & CallInside;

/** A request message on its way through the library. */
interface Taken<C> {
  readonly call: C;
  readonly wire: Intercepted;
  readonly cut: () => void;
  readonly bytes: Uint8Array;
  readonly encoding: string;
  /** From now on the service alone answers. */
  taken(): void;
}

const PREFIX_BYTES = 5;
const INTERNAL_ERROR = 2;

/** What a sender may have under way before it is told to go on; HTTP/2's default is 64 KiB. */
const WINDOW_BYTES = 1024 * 1024;

export function serveGrpc<C>(service: GrpcService<C>): GrpcCalls {
  const sockets = new Map<string, Socket>();

  const intercept: ServerInterceptor = (method, given) => {
    const wire = given as Intercepted;
    const { remoteAddress, remotePort } = given.getConnectionInfo();
    const cut = () => void sockets.get(`${remoteAddress} ${remotePort}`)?.destroy();
    const call = service.open({
      path: method.path,
      cut,
      reset: (errorCode = INTERNAL_ERROR) => wire.stream.close(errorCode),
    });
    let taken = false;
    const message = { call, wire, cut, taken: () => (taken = true) };
    wire.decompressMessage = (framed, encoding) => {
      return { ...message, bytes: framed.subarray(PREFIX_BYTES), encoding };
    };
    wire.serializeMessage = ({ body = new Uint8Array(), encoding }) => {
      const prefix = Buffer.alloc(PREFIX_BYTES);
      prefix[0] = encoding === undefined ? 0 : 1;
      prefix.writeUInt32BE(body.length, 1);
      return Buffer.concat([prefix, body]);
    };
    const sendStatus = wire.sendStatus.bind(wire);
    wire.sendStatus = (status) => {
      // Its own clock must not answer a call that is to hang, or to be answered late.
      if (taken && !answering.has(wire)) return;
      // An aborted stream ends, too, which reads as if the message were missing.
      const aborted = wire.stream.aborted || wire.stream.destroyed;
      if (!taken && !aborted) service.failed(call, status.code ?? 2, status.details ?? '');
      sendStatus(status);
    };
    const listener = new ServerListenerBuilder()
      .withOnCancel(() => {
        if (!taken) service.gone(call);
      })
      .build();
    return new ServerInterceptingCall(
      given,
      new ResponderBuilder().withStart((next) => next(listener)).build(),
    );
  };

  const answering = new WeakSet<ServerInterceptingCallInterface>();

  async function take({ metadata, request }: ServerUnaryCall<Taken<C>, GrpcReply>): Promise<void> {
    const { call, wire, bytes, encoding } = request;
    request.taken();
    const headers = metadata.toHttp2Headers();
    const reply = await service.receive(call, { bytes, encoding, headers });
    if (reply === undefined) return;
    answering.add(wire);
    answer(request, reply);
  }

  function answer({ wire, cut }: Taken<C>, reply: GrpcReply): void {
    const { code, message, details, body } = reply;
    const headers = new Metadata();
    headers.set('grpc-accept-encoding', service.acceptEncoding.join(','));
    // Without a message the trailers are headers, too.
    const trailers = body === undefined ? headers : new Metadata();
    if (details !== undefined) trailers.set('grpc-status-details-bin', Buffer.from(details));
    const end = () => wire.sendStatus({ code, details: message, metadata: trailers });
    if (body === undefined) {
      end();
      return;
    }
    if (reply.encoding !== undefined) headers.set('grpc-encoding', reply.encoding);
    wire.sendMetadata(headers);
    // Written before the cut, so that the sender sees an answer that stops.
    wire.sendMessage(reply, reply.cut ? cut : end);
  }

  const server = new Server({
    interceptors: [intercept],
    'grpc.enable_channelz': 0,
    'grpc.max_receive_message_length': service.maxMessageBytes,
    'grpc-node.flow_control_window': WINDOW_BYTES,
  });
  server.addService(definitionOf(service.methods), {
    ...Object.fromEntries(
      service.methods.map((path) => [
        path,
        (call: ServerUnaryCall<Taken<C>, GrpcReply>) => void take(call),
      ]),
    ),
  });
  const connections = server.createConnectionInjector(ServerCredentials.createInsecure());

  return {
    accept(socket) {
      const remote = `${socket.remoteAddress} ${socket.remotePort}`;
      sockets.set(remote, socket);
      socket.once('close', () => sockets.delete(remote));
      connections.injectConnection(socket);
    },
    close() {
      for (const socket of sockets.values()) socket.destroy();
      server.forceShutdown();
    },
  };
}

function definitionOf(paths: readonly string[]): ServiceDefinition {
  // Messages stay as they are on both ways: `decompressMessage` and `serializeMessage` above.
  const same = (value: unknown) => value as never;
  const method = (path: string) => ({
    path,
    ...{ requestStream: false as const, responseStream: false as const },
    ...{ requestSerialize: same, requestDeserialize: same },
    ...{ responseSerialize: same, responseDeserialize: same },
  });
  return Object.fromEntries(paths.map((path) => [path, method(path)])) as ServiceDefinition;
}
