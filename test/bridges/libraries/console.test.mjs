import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startCollector } from 'otlp-wasm/collector';
import { described } from './journey.mjs';

const program = fileURLToPath(new URL('../programs/console.mjs', import.meta.url));

/** Runs the program, and gives what it printed and what arrived. */
async function printed(t, way) {
  const collector = await startCollector({ port: 0 });
  t.after(() => collector.close());
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    program,
    way,
    collector.url,
  ]);
  const records = collector.logs().map(described);
  for (const { attributes } of records) {
    const stack = attributes['code.stacktrace'];
    if (stack) attributes['code.stacktrace'] = /^ +(at \w+) .*console\.mjs/.exec(stack)?.[1];
  }
  return { stdout, stderr, records };
}

const record = (severity, body, attributes = {}) => ({
  scope: 'otlp-wasm/bridges/console',
  time: 'now',
  severity,
  body,
  attributes,
});

const SAID = [
  record('5 debug', 'debug'),
  record('9 log', "hello world { a: { b: [ 1, 'x' ] } }"),
  record('9 info', 'Map(1) { 1 => Set(1) { 2 } }'),
  record('13 warn', '100%'),
  record('17 error', 'failed: TypeError: no { status: 500 }', {
    'exception.type': 'TypeError',
    'exception.message': 'no',
    'exception.stacktrace': 'TypeError: no',
  }),
  record('17 assert', 'Assertion failed: 1 < 2'),
  record('1 trace', 'at x', { 'code.stacktrace': 'at say' }),
  record('9 log', 'times: 1'),
];

describe(`the console of Node.js ${process.version}`, () => {
  it('prints what it printed, and all of it arrives', async (t) => {
    const plain = await printed(t, 'plain');
    const bridged = await printed(t, 'bridged');
    assert.deepEqual(plain.records, []);
    assert.match(plain.stdout, /^debug\nhello world/);
    assert.equal(bridged.stdout, plain.stdout);
    const frames = /^ +at .*\n/gm;
    assert.equal(bridged.stderr.replace(frames, ''), plain.stderr.replace(frames, ''));
    assert.deepEqual(bridged.records, SAID);
  });

  it('prints nothing when it is silent', async (t) => {
    const { stdout, stderr, records } = await printed(t, 'silent');
    assert.equal(stdout + stderr, '');
    assert.deepEqual(records, SAID);
  });

  it('is not gone round by an exporter that prints', async (t) => {
    for (const way of ['exporter', 'printing']) {
      const { stdout } = await printed(t, way);
      assert.match(stdout, way === 'exporter' ? /^span "printed"$/m : /^sending$/m);
      assert.match(stdout, /^recorded 1$/m, stdout);
    }
  });
});
