// A small shop on Express. It knows nothing of telemetry, `otlp-wasm/register` brings that:
//
//   node --require otlp-wasm/register express.cjs
//   curl http://127.0.0.1:8080/carts/7

const { get } = require('node:http');
const { json } = require('node:stream/consumers');
const express = require('express');

const books = new Map([
  ['1', { title: 'Solaris', cents: 1150 }],
  ['2', { title: 'Roadside Picnic', cents: 990 }],
]);

const app = express();
app.use(express.json());

app.get('/books/:id', (request, response) => {
  const book = books.get(request.params.id);
  if (book) response.json(book);
  else response.status(404).json({ error: 'no such book' });
});

// What is in a cart costs what the route above says: asked with node:http, and with fetch.
app.get('/carts/:id', async (request, response) => {
  const first = await getBook('1');
  const second = await fetchBook('2');
  response.json({ cart: request.params.id, cents: first.cents + second.cents });
});

app.post('/carts', (request, response) => {
  response.status(201).json({ books: request.body.books.length });
});

app.get('/broken', () => {
  throw new Error('the till is stuck');
});

app.use((error, _request, response, _next) => {
  response.status(500).json({ error: error.message });
});

const urlOf = (id) => `http://127.0.0.1:${server.address().port}/books/${id}`;

function getBook(id) {
  return new Promise((resolve, reject) => {
    get(urlOf(id), (response) => resolve(json(response))).once('error', reject);
  });
}

async function fetchBook(id) {
  const response = await fetch(urlOf(id));
  return response.json();
}

const server = app.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});

// Requests under way are answered, then there is nothing left to do and the process ends.
process.once('SIGTERM', () => {
  console.log('stopping');
  server.close();
});
