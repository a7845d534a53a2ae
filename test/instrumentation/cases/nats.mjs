// No instrumentation to test: what one would do, with the API alone.

import assert from 'node:assert/strict';
import { connect, headers } from '@nats-io/transport-node';
import { context, propagation, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { closedPort, failure, finish, inSpan, scenario, server } from '../scenario.mjs';

const carrier = {
  get: (held, key) => held?.get(key) || undefined,
  keys: (held) => held?.keys() ?? [],
  set: (held, key, value) => held.set(key, value),
};
const about = (kind, subject) => ({
  kind,
  attributes: { 'messaging.system': 'nats', 'messaging.destination.name': subject },
});

const connection = await connect({ servers: `127.0.0.1:${server.port}` });

/** Publishes in a producer span, its context in the message's headers. */
function publish(subject, body, reply) {
  return inSpan(`${subject} publish`, about(SpanKind.PRODUCER, subject), async () => {
    const held = headers();
    propagation.inject(context.active(), held, carrier);
    connection.publish(subject, body, { headers: held, reply });
  });
}

/** Handles one message in a consumer span, a child of what its headers say. */
function handle(message, run) {
  const remote = propagation.extract(context.active(), message.headers, carrier);
  return context.with(remote, () =>
    inSpan(`${message.subject} process`, about(SpanKind.CONSUMER, message.subject), run),
  );
}

/** Subscribes for one message; `done` resolves when it is handled, or rejects with its failure. */
function handleOne(subject, run) {
  const subscription = connection.subscribe(subject, { max: 1 });
  const done = (async () => {
    for await (const message of subscription) await handle(message, () => run(message));
  })();
  return { done };
}

await scenario('publish and subscribe', { spans: 4 }, async () => {
  const { done } = handleOne('orders.new', (message) => {
    assert.equal(message.string(), 'hello');
    const tenant = propagation.getActiveBaggage()?.getEntry('tenant')?.value;
    return inSpan('work', { attributes: { tenant } }, async () => {});
  });
  const baggage = propagation.createBaggage({ tenant: { value: 'Zoë' } });
  await context.with(propagation.setBaggage(context.active(), baggage), () =>
    publish('orders.new', 'hello'),
  );
  await done;
});
await scenario('request and reply', { spans: 4 }, async () => {
  const { done } = handleOne('sum', async (message) => message.respond('3'));
  await inSpan('sum request', about(SpanKind.CLIENT, 'sum'), async (span) => {
    const held = headers();
    propagation.inject(context.active(), held, carrier);
    const reply = await connection.request('sum', '1 2', { headers: held, timeout: 10_000 });
    span.setAttribute('answer', reply.string());
    await inSpan('after the reply', {}, async () => {});
  });
  await done;
});
await scenario('the subscriber fails', { spans: 3 }, async () => {
  const { done } = handleOne('orders.bad', async () => {
    throw new TypeError('cannot be read');
  });
  const failed = failure(() => done);
  await publish('orders.bad', '?');
  await failed;
});
await scenario('nobody answers', { spans: 2 }, () =>
  inSpan('nobody request', about(SpanKind.CLIENT, 'nobody'), async (span) => {
    const error = await failure(() => connection.request('nobody', '', { timeout: 10_000 }));
    span.recordException({ name: error.name, message: error.message });
    span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
  }),
);
const refusing = await closedPort();
await scenario('connection refused', { spans: 2 }, () =>
  failure(() =>
    inSpan('connect', { kind: SpanKind.CLIENT }, () =>
      connect({ servers: `127.0.0.1:${refusing}`, reconnect: false, maxReconnectAttempts: 0 }),
    ),
  ),
);

await connection.close();
await finish();
