import assert from 'node:assert/strict';
import * as grpc from '@grpc/grpc-js';
import { propagation, trace } from '@opentelemetry/api';
import { closedPort, failure, finish, inSpan, scenario } from '../scenario.mjs';

const asIs = { serialize: (value) => value, deserialize: (value) => value };
const method = (path, requestStream, responseStream) => ({
  path: `/test.Echo/${path}`,
  requestStream,
  responseStream,
  requestSerialize: asIs.serialize,
  requestDeserialize: asIs.deserialize,
  responseSerialize: asIs.serialize,
  responseDeserialize: asIs.deserialize,
});
const echo = {
  Say: method('Say', false, false),
  Repeat: method('Repeat', false, true),
  Collect: method('Collect', true, false),
  Chat: method('Chat', true, true),
};

const server = new grpc.Server();
server.addService(echo, {
  async Say({ request, metadata }, answer) {
    const text = request.toString();
    if (text === 'nothing') {
      answer({ code: grpc.status.NOT_FOUND, details: 'nothing there' });
      return;
    }
    assert.equal(metadata.get('traceparent').length, 1);
    const tenant = propagation.getActiveBaggage()?.getEntry('tenant')?.value;
    await inSpan('work', { attributes: tenant ? { tenant } : {} }, async () => {});
    answer(null, request);
  },
  Repeat(call) {
    if (call.request.toString() === 'fail') {
      call.emit('error', { code: grpc.status.INTERNAL, details: 'in the middle' });
      return;
    }
    call.write(call.request);
    call.write(call.request);
    call.end();
  },
  Collect(call, answer) {
    const parts = [];
    call.on('data', (part) => parts.push(part));
    call.on('end', () => answer(null, Buffer.concat(parts)));
  },
  Chat(call) {
    call.on('data', (part) => call.write(part));
    call.on('end', () => call.end());
  },
});
const port = await new Promise((resolve, reject) => {
  server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
    error ? reject(error) : resolve(bound),
  );
});

const Client = grpc.makeGenericClientConstructor(echo, 'test.Echo');
const connectTo = (to) => new Client(`127.0.0.1:${to}`, grpc.credentials.createInsecure());
const client = connectTo(port);
const say = (to, text) =>
  new Promise((resolve, reject) => {
    to.Say(Buffer.from(text), (error, reply) => (error ? reject(error) : resolve(reply)));
  });
const drain = (stream) =>
  new Promise((resolve, reject) => {
    stream.on('data', () => {});
    stream.once('error', reject);
    stream.once('end', resolve);
  });

await scenario('unary', { spans: 4 }, async () => {
  const { traceId } = trace.getActiveSpan().spanContext();
  assert.match(traceId, /[1-9a-f]/);
  await say(client, 'hello');
});
await scenario('unary error', { spans: 3 }, () => failure(() => say(client, 'nothing')));
await scenario('server stream', { spans: 3 }, () => drain(client.Repeat(Buffer.from('a'))));
await scenario('server stream error', { spans: 3 }, () =>
  failure(() => drain(client.Repeat(Buffer.from('fail')))),
);
await scenario('client stream', { spans: 3 }, () =>
  new Promise((resolve, reject) => {
    const call = client.Collect((error, reply) => (error ? reject(error) : resolve(reply)));
    call.write(Buffer.from('a'));
    call.end(Buffer.from('b'));
  }).then(() => undefined),
);
await scenario('both ways', { spans: 3 }, async () => {
  const call = client.Chat();
  call.write(Buffer.from('a'));
  call.end();
  await drain(call);
});
const nobody = connectTo(await closedPort());
await scenario('connection refused', { spans: 2 }, () => failure(() => say(nobody, 'hello')));

nobody.close();
client.close();
await new Promise((resolve) => server.tryShutdown(resolve));
await finish();
