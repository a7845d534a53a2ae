import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { context, propagation, trace } from '@opentelemetry/api';
import {
  closedPort,
  failure,
  finish,
  inSpan,
  listening,
  scenario,
  traceparent,
} from '../scenario.mjs';

const server = http.createServer(async (request, response) => {
  if (request.url.startsWith('/work')) {
    const tenant = propagation.getActiveBaggage()?.getEntry('tenant')?.value;
    const [traceId] = traceparent(request.headers.traceparent);
    assert.equal(trace.getActiveSpan().spanContext().traceId, traceId);
    await inSpan('work', { attributes: { tenant } }, () => new Promise(setImmediate));
  }
  response.statusCode = Number(new URL(request.url, 'http://x').searchParams.get('status') ?? 200);
  response.setHeader('content-type', 'text/plain');
  response.end('answer');
});
const port = await listening(server);

async function call(path, options = {}) {
  const request = http.request({ host: '127.0.0.1', port, path, agent: false, ...options });
  request.end(options.method === 'POST' ? 'body' : undefined);
  const [response] = await once(request, 'response');
  response.resume();
  await once(response, 'end');
  return response.statusCode;
}

await scenario('get', { spans: 4 }, () => {
  const baggage = propagation.createBaggage({ tenant: { value: 'Zoë & co' } });
  return context.with(propagation.setBaggage(context.active(), baggage), () =>
    call('/work?q=1', { headers: { 'x-tag': 'a' } }),
  );
});
await scenario('post', { spans: 3 }, () => call('/items', { method: 'POST' }));
await scenario('not found', { spans: 3 }, () => call('/missing?status=404'));
await scenario('server error', { spans: 3 }, () => call('/broken?status=500'));
await scenario('three at once, one after the other in each', { spans: 16 }, () =>
  Promise.all(
    ['a', 'b', 'c'].map((name) =>
      inSpan(name, {}, async () => {
        await call(`/${name}/1`);
        await call(`/${name}/2`);
      }),
    ),
  ).then(() => undefined),
);
const refusing = await closedPort();
await scenario('connection refused', { spans: 2 }, () =>
  failure(() => call('/', { port: refusing })),
);
await scenario('remote sampling decision: not sampled', { spans: 1, traces: 1 }, async () => {
  const unsampled = trace.setSpanContext(context.active(), {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    traceFlags: 0,
    isRemote: true,
  });
  await context.with(unsampled, () => call('/quiet'));
});

server.close();
await finish();
