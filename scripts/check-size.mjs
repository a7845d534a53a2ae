// The sizes we promise. A change that grows past one must say why in its commit and here.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Limits in bytes; `gzip` measures level 9. */
const LIMITS = [
  { file: 'src/engine/generated/core-simd.wasm', raw: 12 * 1024 },
  { file: 'src/engine/generated/core-scalar.wasm', raw: 13 * 1024 },
  { file: 'dist/browser.js', raw: 100 * 1024, gzip: 34 * 1024 },
  { file: 'dist/workerd.js', gzip: 20 * 1024 },
  { file: 'dist/node.js', gzip: 40 * 1024 },
];

let failures = 0;
for (const { file, ...limits } of LIMITS) {
  const bytes = readFileSync(join(root, file));
  const sizes = { raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length };
  for (const [kind, limit] of Object.entries(limits)) {
    const over = sizes[kind] > limit;
    if (over) failures++;
    console.log(
      `${over ? 'TOO LARGE' : 'ok       '} ${file.padEnd(40)} ${kind.padEnd(4)} ${String(sizes[kind]).padStart(7)} of ${limit} bytes`,
    );
  }
}
if (failures > 0) process.exit(1);
