// What `npm pack` would ship, looked at as a consumer's tools do: publint and
// are-the-types-wrong on the tarball.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = mkdtempSync(join(tmpdir(), 'otlp-wasm-pack-'));
let failures = 0;
const fail = (line) => {
  failures++;
  console.error(line);
};
try {
  // The build is current already: `npm run check:exports` made it so.
  const packed = execFileSync(
    'npm',
    ['pack', '--ignore-scripts', '--json', '--pack-destination', folder],
    { cwd: root, encoding: 'utf8' },
  );
  const [{ filename, files, unpackedSize }] = JSON.parse(packed);
  const tarball = readFileSync(join(folder, filename));

  const { messages } = await publint({
    pack: {
      tarball: tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.length),
    },
  });
  for (const message of messages) {
    if (message.type !== 'suggestion')
      fail(`publint: ${message.code} at ${message.path.join('.')}`);
  }
  const { problems = [] } = await checkPackage(createPackageFromTarballData(tarball));
  for (const problem of problems) {
    // ESM only (design: house style): CommonJS consumers load it by `import()`, and
    // `moduleResolution: node10`, which ignores `exports`, is not supported.
    const expected = problem.resolutionKind === 'node10' || problem.kind === 'CJSResolvesToESM';
    if (!expected)
      fail(`types: ${problem.kind} ${problem.entrypoint ?? ''} ${problem.resolutionKind ?? ''}`);
  }
  console.log(`${files.length} files, ${(unpackedSize / 1024).toFixed(0)} KiB unpacked`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (failures > 0) process.exit(1);
console.log('exports: ok');
