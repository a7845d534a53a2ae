/** The server of a case that delivers, seen from the process that measures. */

import assert from 'node:assert/strict';
import { type Child, start } from '../harness/child.ts';
import type {
  Arrived,
  Protocol,
  ServerMessage,
  ServerOrder,
  ServerRequest,
} from '../servers/otlp-server.ts';

export interface Collector {
  readonly protocol: Protocol;
  /** What exporters of its protocol are given. */
  readonly url: string;
  /** From now on it takes so long to answer. */
  answerAfter(delayMs: number): void;
  /** Refuses connections, or accepts them again. */
  setAway(away: boolean): Promise<void>;
  /** What has arrived since the last call; `before` as of ServerRequest. */
  arrived(before?: number): Promise<Arrived>;
  stop(): void;
}

export async function startCollector(protocol: Protocol): Promise<Collector> {
  const order: ServerOrder = { protocol };
  const server: Child<ServerRequest, ServerMessage> = start('servers/otlp-server', order);
  const message = await server.next();
  assert('port' in message);
  const base = `http://127.0.0.1:${message.port}`;
  return {
    protocol,
    url: protocol === 'grpc' ? base : `${base}/v1/traces`,
    answerAfter: (delayMs) => server.send({ delayMs }),
    async setAway(away) {
      server.send({ away });
      assert.deepEqual(await server.next(), { away });
    },
    async arrived(before) {
      server.send({ take: true, ...(before !== undefined && { before }) });
      const answer = await server.next();
      assert('arrived' in answer);
      return answer.arrived;
    },
    stop: () => server.stop(),
  };
}
