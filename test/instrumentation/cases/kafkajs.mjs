import assert from 'node:assert/strict';
import { trace } from '@opentelemetry/api';
import kafkajs from 'kafkajs';
import { startBroker } from '../kafka-broker.mjs';
import { failure, finish, inSpan, scenario, traceparent } from '../scenario.mjs';

const broker = await startBroker();
const kafka = new kafkajs.Kafka({
  clientId: 'program',
  brokers: [`127.0.0.1:${broker.port}`],
  logLevel: kafkajs.logLevel.NOTHING,
  retry: { initialRetryTime: 10, retries: 3 },
});
const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
await producer.connect();

/** Consumes `topic` while `send` runs and until `handled` says so. */
async function consumed(topic, send, config) {
  const consumer = kafka.consumer({ groupId: `readers-of-${topic}`, maxWaitTimeInMs: 1000 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const handled = new Promise((resolve) => {
    consumer.run(config(resolve));
  });
  await send();
  await handled;
  await consumer.disconnect();
}

await scenario('send and consume', { spans: 4 }, () =>
  consumed(
    'orders',
    () => producer.send({ topic: 'orders', messages: [{ key: 'k', value: 'hello' }] }),
    (done) => ({
      async eachMessage({ message }) {
        const [traceId] = traceparent(message.headers.traceparent.toString());
        assert.equal(trace.getActiveSpan().spanContext().traceId, traceId);
        assert.equal(message.value.toString(), 'hello');
        await inSpan('work', {}, async () => {});
        done();
      },
    }),
  ),
);
await scenario('two messages, consumed as a batch', { spans: 7, traces: 2 }, () =>
  consumed(
    'batches',
    () => producer.send({ topic: 'batches', messages: [{ value: 'a' }, { value: 'b' }] }),
    (done) => ({
      async eachBatch({ batch }) {
        assert.equal(batch.messages.length, 2);
        await inSpan('work', {}, async () => {});
        done();
      },
    }),
  ),
);
await scenario('the consumer fails', { spans: 3 }, () =>
  consumed(
    'refused',
    () => producer.send({ topic: 'refused', messages: [{ value: 'hello' }] }),
    (done) => ({
      // An error of no known kind ends the consumer.
      async eachMessage() {
        done();
        throw new TypeError('cannot be read');
      },
    }),
  ),
);
await scenario('a batch of topics, headers of its own', { spans: 3 }, () =>
  producer.sendBatch({
    topicMessages: ['a', 'b'].map((topic) => ({
      topic,
      messages: [{ value: 'x', headers: { own: 'kept' } }],
    })),
  }),
);
await producer.disconnect();
await scenario('the producer is not connected', { spans: 2 }, () =>
  failure(() => producer.send({ topic: 'orders', messages: [{ value: 'hello' }] })),
);

broker.close();
await finish();
