// A small shop on Fastify. It knows nothing of telemetry, `otlp-wasm/register` brings that:
//
//   node --import otlp-wasm/register fastify.mjs
//   curl http://127.0.0.1:8080/carts/7

import { get } from 'node:http';
import { json } from 'node:stream/consumers';
import fastify from 'fastify';

const books = new Map([
  ['1', { title: 'Solaris', cents: 1150 }],
  ['2', { title: 'Roadside Picnic', cents: 990 }],
]);

const app = fastify();

app.get('/books/:id', async (request, reply) => {
  return books.get(request.params.id) ?? reply.code(404).send({ error: 'no such book' });
});

// What is in a cart costs what the route above says: asked with node:http, and with fetch.
app.get('/carts/:id', async (request) => {
  const first = await getBook('1');
  const second = await fetchBook('2');
  return { cart: request.params.id, cents: first.cents + second.cents };
});

app.post('/carts', async (request, reply) => {
  reply.code(201);
  return { books: request.body.books.length };
});

app.get('/broken', async () => {
  throw new Error('the till is stuck');
});

const urlOf = (id) => `http://127.0.0.1:${app.server.address().port}/books/${id}`;

function getBook(id) {
  return new Promise((resolve, reject) => {
    get(urlOf(id), (response) => resolve(json(response))).once('error', reject);
  });
}

async function fetchBook(id) {
  const response = await fetch(urlOf(id));
  return response.json();
}

app.listen({ port: Number(process.env.PORT ?? 8080), host: '127.0.0.1' }, (error, address) => {
  if (error) throw error;
  console.log(`listening on ${address}`);
});

// Requests under way are answered, then there is nothing left to do and the process ends.
process.once('SIGTERM', () => {
  console.log('stopping');
  app.close();
});
