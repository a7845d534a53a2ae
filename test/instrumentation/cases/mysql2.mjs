import assert from 'node:assert/strict';
import { trace } from '@opentelemetry/api';
import mysql from 'mysql2';
import promises from 'mysql2/promise';
import {
  closedPort,
  failure,
  finish,
  inSpan,
  scenario,
  server,
  traceparent,
} from '../scenario.mjs';

const where = { host: '127.0.0.1', port: server.port, user: 'root' };

const connection = await promises.createConnection(where);
await scenario('choose a database', { spans: 3 }, async () => {
  await connection.query('DROP DATABASE IF EXISTS program');
  await connection.query('CREATE DATABASE program');
  await connection.changeUser({ database: 'program' });
});
await scenario('create and insert', { spans: 3 }, async () => {
  await connection.query('CREATE TABLE item (id int PRIMARY KEY, name text)');
  await connection.query('INSERT INTO item VALUES (?, ?)', [1, 'Zoë']);
});
await scenario('select, in a span of its own', { spans: 3 }, () =>
  inSpan('inner', {}, async () => {
    const [rows] = await connection.query({ sql: 'SELECT name FROM item WHERE id = ?' }, [1]);
    assert.deepEqual(
      rows.map(({ name }) => name),
      ['Zoë'],
    );
  }),
);
await scenario('prepared', { spans: 2 }, () =>
  connection.execute('SELECT * FROM item WHERE id = ?', [1]),
);
const plain = mysql.createConnection({ ...where, database: 'program' });
// The library calls back from its socket's context, so the callback's span is a root.
await scenario(
  'with a callback',
  { spans: 3, traces: 2 },
  () =>
    new Promise((resolve, reject) => {
      plain.query('SELECT 1', (error) => {
        if (error) reject(error);
        else inSpan('in the callback', {}, async () => {}).then(resolve, reject);
      });
    }),
);
await scenario('context reaches the server in a comment', { spans: 2 }, async () => {
  const [rows] = await connection.query(
    'SELECT info FROM information_schema.processlist WHERE id = CONNECTION_ID()',
  );
  const [traceId] = traceparent(rows[0].info);
  assert.equal(traceId, trace.getActiveSpan().spanContext().traceId);
});
await scenario('no such table', { spans: 2 }, () =>
  failure(() => connection.query('SELECT * FROM nothing')),
);
const pool = promises.createPool({ ...where, database: 'program', connectionLimit: 2 });
await scenario('pool', { spans: 5 }, () =>
  Promise.all([
    inSpan('a', {}, () => pool.query('SELECT 1')),
    inSpan('b', {}, () => pool.query('SELECT 2')),
  ]),
);
const refused = mysql.createConnection({ ...where, port: await closedPort() });
refused.on('error', () => {});
await scenario('connection refused', { spans: 2 }, () =>
  failure(
    () =>
      new Promise((resolve, reject) => {
        refused.query('SELECT 1', (error) => (error ? reject(error) : resolve()));
      }),
  ),
);

await pool.end();
await new Promise((resolve) => plain.end(resolve));
await connection.end();
await finish();
