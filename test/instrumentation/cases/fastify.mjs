import { get } from 'node:http';
import fastify from 'fastify';
import { finish, inSpan, scenario } from '../scenario.mjs';

const app = fastify();
app.addHook('preHandler', async function tag(_request, reply) {
  reply.header('x-tag', 'a');
});
app.get('/users/:id', async (request) => {
  const found = await inSpan('look up', { attributes: { id: request.params.id } }, async () => 1);
  return { found };
});
app.get('/throws', async () => {
  throw new RangeError('thrown in a route');
});
app.get('/answers-500', (_request, reply) => {
  reply.code(500).send({ wrong: true });
});
await app.listen({ port: 0, host: '127.0.0.1' });
const { port } = app.server.address();

function call(path) {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      response.resume().once('end', resolve);
    }).once('error', reject);
  });
}

await scenario('route', { spans: 7 }, () => call('/users/7?x=1'));
await scenario('no such route', { spans: 5 }, () => call('/nothing'));
await scenario('route throws', { spans: 6 }, () => call('/throws'));
await scenario('route answers 500', { spans: 6 }, () => call('/answers-500'));

await app.close();
await finish();
