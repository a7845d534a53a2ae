// The service customers talk to: a product page made of what the inventory knows, asked by
// node:http for the stock and by fetch for the price, both at once.

import { Agent, createServer, get } from 'node:http';
import { SpanStatusCode, trace } from '@opentelemetry/api';
import { announce } from './control.mjs';

const tracer = trace.getTracer('demo.gateway', '1.0.0');
const inventory = process.env.DEMO_INVENTORY;
const agent = new Agent({ keepAlive: true });

const server = createServer(async (request, response) => {
  const route = '/products/:sku';
  const sku = request.url.split('/')[2];
  trace.getActiveSpan()?.updateName(`${request.method} ${route}`).setAttribute('http.route', route);
  try {
    answer(response, 200, render(await loadProduct(sku)));
  } catch (error) {
    answer(response, 503, { error: error.message });
  }
});

function loadProduct(sku) {
  return tracer.startActiveSpan('load product', async (span) => {
    span.setAttribute('product.sku', sku);
    try {
      const asked = [stockOf(sku), priceOf(sku)];
      await Promise.allSettled(asked);
      const [stock, price] = await Promise.all(asked);
      span.setAttributes({ 'product.pieces': stock.pieces, 'product.price': price.amount });
      return { sku, ...stock, ...price };
    } catch (error) {
      span.recordException(error);
      span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
      throw error;
    } finally {
      span.end();
    }
  });
}

async function priceOf(sku) {
  const answer = await fetch(`${inventory}/prices/${sku}`);
  return await answer.json();
}

function stockOf(sku) {
  return new Promise((resolve, reject) => {
    const request = get(`${inventory}/stock/${sku}`, { agent }, async (answer) => {
      let body = '';
      for await (const chunk of answer.setEncoding('utf8')) body += chunk;
      if (answer.statusCode === 200) resolve(JSON.parse(body));
      else reject(new Error(`no stock for ${sku}: ${JSON.parse(body).error}`));
    });
    request.on('error', reject);
  });
}

function render(product) {
  return tracer.startActiveSpan('render', (span) => {
    span.addEvent('template loaded', { 'template.name': 'product' });
    const page = {
      title: `Product ${product.sku}`,
      available: product.pieces > 0,
      price: `${product.amount.toFixed(2)} ${product.currency}`,
      warehouses: product.warehouses,
    };
    span.addEvent('rendered', { 'page.available': page.available });
    span.setAttribute('page.warehouses', product.warehouses);
    span.end();
    return page;
  });
}

function answer(response, status, body) {
  const { traceId = '' } = trace.getActiveSpan()?.spanContext() ?? {};
  response.writeHead(status, { 'content-type': 'application/json', 'x-trace-id': traceId });
  response.end(JSON.stringify(body));
}

await announce(server);
