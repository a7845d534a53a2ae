// The same calls through upstream's bridges and ours, record by record.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const program = fileURLToPath(new URL('../programs/upstream.cjs', import.meta.url));

async function recorded(library, subject) {
  const { stdout } = await promisify(execFile)(process.execPath, [program, library, subject]);
  return JSON.parse(stdout);
}

for (const [library, ways] of Object.entries({
  pino: ['hook', 'stream'],
  winston: ['transport'],
  bunyan: ['stream'],
})) {
  describe(`${library}: as with upstream's bridge`, async () => {
    for (const way of ways) {
      it(way, async () => {
        const upstream = await recorded(library, 'upstream');
        const ours = await recorded(library, way);
        assert.ok(upstream.length > 10);
        assert.deepEqual(ours, upstream);
      });
    }
  });
}
