// No instrumentation to test: what one would do, with the API alone. Context travels in the
// user properties of MQTT 5.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { context, propagation, SpanKind, trace } from '@opentelemetry/api';
import mqtt from 'mqtt';
import { closedPort, failure, finish, inSpan, scenario, server } from '../scenario.mjs';

const about = (kind, topic) => ({
  kind,
  attributes: { 'messaging.system': 'mqtt', 'messaging.destination.name': topic },
});
const version = { protocolVersion: 5, reconnectPeriod: 0 };

const connectTo = (port, clientId) =>
  mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { ...version, clientId }, false);

const publisher = await connectTo(server.port, 'publisher');
const subscriber = await connectTo(server.port, 'subscriber');

function publish(topic, body) {
  return inSpan(`${topic} publish`, about(SpanKind.PRODUCER, topic), () => {
    const userProperties = { tag: ['a', 'b'] };
    propagation.inject(context.active(), userProperties);
    return publisher.publishAsync(topic, body, { qos: 1, properties: { userProperties } });
  });
}

/** Subscribes, sends with `send` and handles the message that arrives with `run`. */
async function delivered(topic, send, run) {
  await subscriber.subscribeAsync(topic, { qos: 1 });
  const arrival = once(subscriber, 'message');
  await send();
  const [, body, { properties }] = await arrival;
  const remote = propagation.extract(context.active(), properties.userProperties);
  assert.equal(trace.getSpanContext(remote).isRemote, true);
  await context
    .with(remote, () =>
      inSpan(`${topic} process`, about(SpanKind.CONSUMER, topic), () => run(body.toString())),
    )
    .finally(() => subscriber.unsubscribeAsync(topic));
}

await scenario('publish and subscribe', { spans: 4 }, () => {
  const baggage = propagation.createBaggage({ tenant: { value: 'Zoë' }, plan: { value: 'a b' } });
  return delivered(
    'sensors/heat',
    () =>
      context.with(propagation.setBaggage(context.active(), baggage), () =>
        publish('sensors/heat', '21.5'),
      ),
    (body) => {
      const tenant = propagation.getActiveBaggage().getEntry('tenant').value;
      const attributes = { tenant, celsius: Number(body), whole: 21 };
      return inSpan('work', { attributes }, async () => {});
    },
  );
});
await scenario('the subscriber fails', { spans: 3 }, () =>
  failure(() =>
    delivered(
      'sensors/bad',
      () => publish('sensors/bad', '?'),
      async () => {
        throw new TypeError('cannot be read');
      },
    ),
  ),
);
const refusing = await closedPort();
await scenario('connection refused', { spans: 2 }, () =>
  failure(() => inSpan('connect', { kind: SpanKind.CLIENT }, () => connectTo(refusing, 'nobody'))),
);

await publisher.endAsync();
await subscriber.endAsync();
await finish();
