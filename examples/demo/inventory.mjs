// The service behind the gateway: stock and prices, from a database that takes a moment and has
// one warehouse that does not answer.

import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { announce } from './control.mjs';

const tracer = trace.getTracer('demo.inventory', '1.0.0');

const server = createServer(async (request, response) => {
  const [, what, sku] = request.url.split('/');
  const route = `/${what}/:sku`;
  trace.getActiveSpan()?.updateName(`${request.method} ${route}`).setAttribute('http.route', route);
  try {
    answer(response, 200, what === 'stock' ? await queryStock(sku) : priceOf(sku));
  } catch (error) {
    answer(response, 500, { error: error.message });
  }
});

function queryStock(sku) {
  const options = {
    kind: SpanKind.CLIENT,
    attributes: {
      'db.system.name': 'postgresql',
      'db.namespace': 'inventory',
      'db.operation.name': 'SELECT',
      'db.query.text': 'SELECT warehouse, pieces FROM stock WHERE sku = $1',
      'db.query.parameter.1': sku,
    },
  };
  return tracer.startActiveSpan('SELECT inventory.stock', options, async (span) => {
    try {
      span.addEvent('connection acquired', { 'pool.idle': 3 });
      await sleep(1);
      const number = numberOf(sku);
      if (isUnreachable(number)) throw new WarehouseOffline(`warehouse ${number % 7} is offline`);
      const warehouses = ['north', 'south', 'harbour'].slice(number % 3);
      span.setAttribute('db.response.returned_rows', warehouses.length);
      return { pieces: (number * 31) % 90, warehouses };
    } catch (error) {
      span.recordException(error);
      span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
      throw error;
    } finally {
      span.end();
    }
  });
}

function priceOf(sku) {
  return tracer.startActiveSpan('compute price', (span) => {
    const number = numberOf(sku);
    const amount = 5 + (number % 1000) / 10;
    span.setAttributes({ 'price.list': 'retail', 'price.amount': amount, 'price.rebated': false });
    span.end();
    return { amount, currency: 'EUR' };
  });
}

class WarehouseOffline extends Error {
  name = 'WarehouseOffline';
}

function numberOf(sku) {
  return Number(sku.slice(sku.indexOf('-') + 1));
}

/** One product in forty lies in the warehouse that does not answer. */
function isUnreachable(number) {
  return number % 40 === 7;
}

function answer(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

await announce(server);
