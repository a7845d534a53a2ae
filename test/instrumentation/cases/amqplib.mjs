import assert from 'node:assert/strict';
import { once } from 'node:events';
import { trace } from '@opentelemetry/api';
import amqp from 'amqplib';
import {
  closedPort,
  failure,
  finish,
  inSpan,
  scenario,
  server,
  traceparent,
} from '../scenario.mjs';

const url = `amqp://guest:guest@127.0.0.1:${server.port}`;
const connection = await amqp.connect(url);
const channel = await connection.createConfirmChannel();
const plain = await connection.createChannel();
const { queue } = await channel.assertQueue('work', { exclusive: true });

/** Sends with `send` and resolves once `receive(message)` has run for what arrives. */
async function delivered(send, receive, options = {}) {
  const { promise, resolve, reject } = deferred();
  const consuming = channel.consume(
    queue,
    (message) => Promise.resolve(message).then(receive).then(resolve, reject),
    options,
  );
  const { consumerTag } = await consuming;
  await send();
  await promise;
  await channel.cancel(consumerTag);
}

function deferred() {
  let settle;
  const promise = new Promise((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...settle };
}

await scenario('publish and consume', { spans: 4 }, () =>
  delivered(
    () => plain.sendToQueue(queue, Buffer.from('hello'), { headers: { tag: 'a' } }),
    async (message) => {
      const [traceId] = traceparent(message.properties.headers.traceparent);
      assert.equal(trace.getActiveSpan()?.spanContext().traceId ?? traceId, traceId);
      await inSpan('work', {}, async () => {});
      channel.ack(message);
    },
  ),
);
await scenario('publish with a confirmation', { spans: 3 }, () =>
  delivered(
    () =>
      new Promise((resolve, reject) => {
        channel.publish('', queue, Buffer.from('hello'), {}, (error) =>
          error ? reject(error) : resolve(),
        );
      }),
    (message) => channel.ack(message),
  ),
);
await scenario('consume without acknowledgement', { spans: 3 }, () =>
  delivered(
    () => plain.sendToQueue(queue, Buffer.from('hello')),
    () => {},
    { noAck: true },
  ),
);
await scenario('refused by the consumer', { spans: 3 }, () =>
  delivered(
    () => plain.sendToQueue(queue, Buffer.from('hello')),
    (message) => channel.nack(message, false, false),
  ),
);
await scenario('no such exchange', { spans: 2 }, async () => {
  const doomed = await connection.createConfirmChannel();
  const closed = once(doomed, 'error');
  await failure(
    () =>
      new Promise((resolve, reject) => {
        doomed.publish('nowhere', 'key', Buffer.from('hello'), {}, (error) =>
          error ? reject(error) : resolve(),
        );
      }),
  );
  await closed;
});
const refusing = await closedPort();
await scenario('connection refused', { spans: 1 }, () =>
  failure(() => amqp.connect(`amqp://127.0.0.1:${refusing}`)),
);

await connection.close();
await finish();
