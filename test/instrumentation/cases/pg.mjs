import assert from 'node:assert/strict';
import { trace } from '@opentelemetry/api';
import pg from 'pg';
import {
  closedPort,
  failure,
  finish,
  inSpan,
  scenario,
  server,
  traceparent,
} from '../scenario.mjs';

const where = { host: '127.0.0.1', port: server.port, user: 'postgres', database: 'postgres' };

const client = new pg.Client(where);
await scenario('connect', { spans: 2 }, () => client.connect());
await scenario('create and insert', { spans: 4 }, async () => {
  await client.query('DROP TABLE IF EXISTS item');
  await client.query(
    'CREATE TABLE item (id int PRIMARY KEY, name text, price float8, tags text[])',
  );
  await client.query('INSERT INTO item VALUES ($1, $2, $3, $4)', [1, 'Zoë', 1.5, ['a', 'b']]);
});
await scenario('select, in a span of its own', { spans: 3 }, () =>
  inSpan('inner', {}, async () => {
    const { rows } = await client.query('SELECT name FROM item WHERE id = $1', [1]);
    assert.deepEqual(rows, [{ name: 'Zoë' }]);
  }),
);
await scenario(
  'prepared, with a callback',
  { spans: 3 },
  () =>
    new Promise((resolve, reject) => {
      const query = { name: 'by-id', text: 'SELECT * FROM item WHERE id = $1', values: [1] };
      client.query(query, (error) => {
        // The callback runs in the context of the call.
        if (error) reject(error);
        else inSpan('in the callback', {}, async () => {}).then(resolve, reject);
      });
    }),
);
await scenario('context reaches the server in a comment', { spans: 2 }, async () => {
  const { rows } = await client.query(
    'SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()',
  );
  const [traceId] = traceparent(rows[0].query);
  assert.equal(traceId, trace.getActiveSpan().spanContext().traceId);
});
await scenario('no such table', { spans: 2 }, () =>
  failure(() => client.query('SELECT * FROM nothing')),
);
await scenario('duplicate key', { spans: 2 }, () =>
  failure(() => client.query('INSERT INTO item (id) VALUES ($1)', [1])),
);
const pool = new pg.Pool({ ...where, max: 2 });
await scenario('pool', { spans: 9 }, () =>
  Promise.all([
    inSpan('a', {}, () => pool.query('SELECT 1')),
    inSpan('b', {}, () => pool.query('SELECT 2')),
  ]),
);
const refusing = await closedPort();
await scenario('connection refused', { spans: 2 }, () =>
  failure(() => new pg.Client({ ...where, port: refusing }).connect()),
);

await pool.end();
await client.end();
await finish();
