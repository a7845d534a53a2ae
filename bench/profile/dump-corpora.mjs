// node bench/profile/dump-corpora.mjs <folder>
//
// Writes what compressors are measured on (bench/corpora.ts) as files: traces-512.bin …

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const folder = process.argv[2];
if (!folder) {
  process.stderr.write('usage: node bench/profile/dump-corpora.mjs <folder>\n');
  process.exit(1);
}
const root = fileURLToPath(new URL('../..', import.meta.url));
const out = join(root, 'build/bench', `corpora-${process.pid}`);
try {
  const outfile = join(out, 'corpora.mjs');
  await build({
    entryPoints: [join(root, 'bench/corpora.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'error',
  });
  const { CORPORA } = await import(pathToFileURL(outfile).href);
  mkdirSync(folder, { recursive: true });
  for (const { name, bytes } of CORPORA) {
    const file = join(resolve(folder), `${name}.bin`);
    const content = bytes();
    writeFileSync(file, content);
    process.stdout.write(`${file}: ${content.length} bytes\n`);
  }
} finally {
  rmSync(out, { recursive: true, force: true });
}
