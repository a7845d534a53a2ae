import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import { OtlpError } from '../../errors.ts';

/** A port of this machine, which can be closed and opened again. */
export interface Port {
  readonly number: number;
  /** `127.0.0.1:4318` */
  readonly authority: string;
  /** Listens there again after `stop`. */
  reopen(): Promise<void>;
  /** Stops listening and destroys all connections. */
  stop(): Promise<void>;
}

/** Has the server listen. Throws an {@link OtlpError} (`listen_failed`) when it cannot. */
export async function openPort(server: Server, host: string, port: number): Promise<Port> {
  const sockets = new Set<Socket>();
  server.prependListener('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });

  async function listen(number: number): Promise<void> {
    server.listen({ port: number, host });
    try {
      await once(server, 'listening');
    } catch (cause) {
      throw listenFailure(cause as NodeJS.ErrnoException, host, number);
    }
  }

  await listen(port);
  const { address, family, port: number } = server.address() as AddressInfo;
  return {
    number,
    authority: `${family === 'IPv6' ? `[${address}]` : address}:${number}`,
    async reopen() {
      if (!server.listening) await listen(number);
    },
    async stop() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function listenFailure(cause: NodeJS.ErrnoException, host: string, port: number): OtlpError {
  const where = `${host}:${port}`;
  const messages: Record<string, string> = {
    EADDRINUSE: `port ${port} on ${host} is in use, perhaps by another collector: stop it, or choose another port (0 takes any that is free)`,
    EACCES: `not allowed to listen on ${where}: choose a port from 1024 up`,
    EADDRNOTAVAIL: `${host} is no address of this machine: use 127.0.0.1 for this machine only, 0.0.0.0 for all its addresses`,
    ENOTFOUND: `${host} is not a known host name: use 127.0.0.1 for this machine only`,
  };
  const message = messages[cause.code ?? ''] ?? `cannot listen on ${where}: ${cause.message}`;
  return new OtlpError('listen_failed', message, { cause });
}
