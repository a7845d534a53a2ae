import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import {
  closedPort,
  failure,
  finish,
  inSpan,
  listening,
  scenario,
  traceparent,
} from '../scenario.mjs';

const server = createServer(async (request, response) => {
  const [traceId] = traceparent(request.headers.traceparent);
  assert.match(traceId, /[1-9a-f]/);
  if (request.url === '/work') await inSpan('work', {}, () => new Promise(setImmediate));
  response.statusCode = request.url === '/broken' ? 500 : 200;
  response.setHeader('content-type', 'application/json');
  response.end('{}');
});
const port = await listening(server);
const call = async (path, init) => (await fetch(`http://127.0.0.1:${port}${path}`, init)).text();

await scenario('get', { spans: 4 }, () => call('/work'));
await scenario('post', { spans: 3 }, () => call('/items?a=b', { method: 'POST', body: 'x' }));
await scenario('server error', { spans: 3 }, () => call('/broken'));
const refusing = await closedPort();
await scenario('connection refused', { spans: 2 }, () =>
  failure(() => fetch(`http://127.0.0.1:${refusing}/`)),
);

server.close();
server.closeIdleConnections();
await finish();
