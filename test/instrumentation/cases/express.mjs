import { get } from 'node:http';
import express from 'express';
import { finish, inSpan, listening, scenario } from '../scenario.mjs';

const app = express();
app.use(function tag(_request, response, next) {
  response.set('x-tag', 'a');
  next();
});
app.use(express.json());
const router = express.Router();
router.get('/users/:id', async (request, response) => {
  const found = await inSpan('look up', { attributes: { id: request.params.id } }, async () => 1);
  response.json({ found });
});
router.get('/throws', () => {
  throw new RangeError('thrown in a route');
});
router.get('/rejects', async () => {
  await null;
  throw new RangeError('rejected in a route');
});
router.get('/passes', (_request, _response, next) => next(new Error('passed on')));
app.use('/api', router);
app.use(function answerError(error, _request, response, _next) {
  response.status(500).send(error.message);
});
const server = app.listen(0, '127.0.0.1');
const port = server.address()?.port ?? (await listening(server));

function call(path) {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      response.resume().once('end', resolve);
    }).once('error', reject);
  });
}

await scenario('route', { spans: 8 }, () => call('/api/users/7?x=1'));
await scenario('no such route', { spans: 6 }, () => call('/api/nothing'));
await scenario('route throws', { spans: 7 }, () => call('/api/throws'));
await scenario('route rejects', { spans: 7 }, () => call('/api/rejects'));
await scenario('route passes an error on', { spans: 7 }, () => call('/api/passes'));

server.close();
await finish();
