// `npm test`, closing with `N passed, N failed` alone on a line, for .ci/run.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'otlp-wasm-test-'));
const report = join(folder, 'report.json');
const reporters = ['--reporter=dot', '--reporter=json', `--outputFile.json=${report}`];
const child = spawn('npm', ['test', '--', ...reporters], { stdio: 'inherit' });
child.on('close', (code) => {
  let counts = { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0 };
  try {
    counts = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    console.error('the test runner left no report');
  }
  rmSync(folder, { recursive: true, force: true });
  const { numPassedTests, numPendingTests } = counts;
  // A file that cannot be loaded fails without a test of its own.
  const numFailedTests = counts.numFailedTests || (code === 0 ? 0 : 1);
  const skipped = numPendingTests > 0 ? `, ${numPendingTests} skipped` : '';
  console.log(`${numPassedTests} passed, ${numFailedTests} failed${skipped}`);
  process.exit(code ?? 1);
});
