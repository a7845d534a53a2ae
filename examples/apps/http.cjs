// A small shop on node:http alone. It knows nothing of telemetry, `otlp-wasm/register` brings that:
//
//   node --require otlp-wasm/register http.cjs
//   curl http://127.0.0.1:8080/carts/7

const { createServer, get } = require('node:http');
const { json } = require('node:stream/consumers');

const books = new Map([
  ['1', { title: 'Solaris', cents: 1150 }],
  ['2', { title: 'Roadside Picnic', cents: 990 }],
]);

const server = createServer(async (request, response) => {
  try {
    const [status, body] = await route(request);
    answer(response, status, body);
  } catch (error) {
    answer(response, 500, { error: error.message });
  }
});

async function route(request) {
  const [, what, id] = request.url.split('/');
  switch (`${request.method} ${what}`) {
    case 'GET books':
      return books.has(id) ? [200, books.get(id)] : [404, { error: 'no such book' }];
    // What is in a cart costs what the route above says: asked with node:http, and with fetch.
    case 'GET carts': {
      const first = await getBook('1');
      const second = await fetchBook('2');
      return [200, { cart: id, cents: first.cents + second.cents }];
    }
    case 'POST carts': {
      const cart = await json(request);
      return [201, { books: cart.books.length }];
    }
    case 'GET broken':
      throw new Error('the till is stuck');
    default:
      return [404, { error: 'no such page' }];
  }
}

function answer(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

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

server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});

// Requests under way are answered, then there is nothing left to do and the process ends.
process.once('SIGTERM', () => {
  console.log('stopping');
  server.close();
});
