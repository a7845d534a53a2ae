import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { bundle, ROOT, temporaryFolder } from '../../../support/bundle.ts';

const PROBE = join(ROOT, 'test/support/import-probe.mjs');

it('importing otlp-wasm/samplers calls nothing of its host', async () => {
  const folder = temporaryFolder();
  try {
    const file = fileURLToPath(await bundle('src/samplers.ts', folder.path));
    const flags = ['--no-warnings', '--experimental-vm-modules'];
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, PROBE, file]);
    const { called, exports, error } = JSON.parse(stdout);
    expect(error).toBeUndefined();
    expect(exports).toContain('parentBased');
    expect(called).toEqual([]);
  } finally {
    folder.remove();
  }
});
