/** An HTTP proxy on loopback: CONNECT, and requests with whole URLs. */

import { once } from 'node:events';
import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import https, { type ServerOptions } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface ProxiedRequest {
  readonly method: string;
  /** As it came: `host:port`, or a whole URL. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
}

export interface ProxyOptions {
  /** Key and certificate: clients come over TLS. */
  readonly tls?: ServerOptions;
  /** Answers a request in place of passing it on; `false` never answers. */
  readonly refuse?: number | false;
}

export interface HttpProxy {
  readonly port: number;
  /** `http://127.0.0.1:…`, or `https:` */
  readonly url: string;
  readonly received: readonly ProxiedRequest[];
  /** Connections of clients that are open. */
  readonly open: () => number;
  /** Waits for so many requests. */
  requested(count: number): Promise<void>;
  close(): Promise<void>;
}

export async function startProxy({ tls, refuse }: ProxyOptions = {}): Promise<HttpProxy> {
  const received: ProxiedRequest[] = [];
  const clients = new Set<Socket>();
  const sockets = new Set<Socket>();
  const waiting: (() => void)[] = [];
  const server = tls === undefined ? http.createServer() : https.createServer(tls);

  server.keepAliveTimeout = 0;
  const receive = ({ method = '', url = '', headers }: IncomingMessage) => {
    received.push({ method, target: url, headers });
    for (const wake of waiting.splice(0)) wake();
  };
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  };
  server.on('connection', keep);
  server.on(tls === undefined ? 'connection' : 'secureConnection', (client: Socket) => {
    clients.add(client);
    client.on('error', () => {});
    client.on('close', () => clients.delete(client));
  });
  server.on('connect', (request: IncomingMessage, client: Socket, head: Buffer) => {
    receive(request);
    if (refuse === false) {
      // or the end would not be seen
      client.on('end', () => client.destroy()).resume();
      return;
    }
    if (refuse !== undefined) {
      client.end(`HTTP/1.1 ${refuse} X\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const { hostname, port } = new URL(`http://${request.url}`);
    const to = connect(Number(port || 80), hostname.replace(/^\[|\]$/g, ''));
    keep(to);
    to.on('connect', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      to.write(head);
      client.pipe(to).pipe(client);
    });
    to.on('close', () => client.destroy());
    client.on('close', () => to.destroy());
  });
  server.on('request', (request, response) => {
    receive(request);
    if (refuse === false) return;
    if (refuse !== undefined) {
      response.writeHead(refuse).end();
      return;
    }
    const { 'proxy-authorization': _, ...headers } = request.headers;
    const onward = http.request(request.url ?? '', { method: request.method ?? '', headers });
    onward.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.writeHead(502).end());
    request.pipe(onward);
  });

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    received,
    open: () => clients.size,
    async requested(count) {
      while (received.length < count) await new Promise<void>((wake) => waiting.push(wake));
    },
    async close() {
      for (const socket of [...clients, ...sockets]) socket.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  };
}
