// Builds everything that is generated: the binaries, the contract between them and
// TypeScript, and the bundled entries in dist/. Does nothing when its inputs are unchanged.
//
//   node scripts/build.mjs            build what is out of date
//   node scripts/build.mjs --force    build everything
//   node scripts/build.mjs --engine   only src/engine/generated (enough for tests)

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildDist } from './build-dist.mjs';
import { buildEngine } from './build-engine.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const force = process.argv.includes('--force');
const engineOnly = process.argv.includes('--engine');

/** One hash over the contents of the files and folders named. */
function hashOf(paths) {
  const hash = createHash('sha256');
  const visit = (path) => {
    if (!existsSync(path)) return;
    if (statSync(path).isDirectory()) {
      for (const name of readdirSync(path).sort()) {
        if (name !== 'generated' && name !== 'node_modules') visit(join(path, name));
      }
    } else {
      hash.update(path).update('\0').update(readFileSync(path)).update('\0');
    }
  };
  for (const path of paths) visit(join(root, path));
  return hash.digest('hex');
}

async function step(name, stamp, inputs, run) {
  const hash = hashOf(inputs);
  const file = join(root, stamp);
  if (!force && existsSync(file) && readFileSync(file, 'utf8') === hash) return;
  const start = performance.now();
  await run(root);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, hash);
  console.error(`built ${name} in ${((performance.now() - start) / 1000).toFixed(1)} s`);
}

const engineInputs = ['assembly', 'asconfig.json', 'scripts/build-engine.mjs', 'package-lock.json'];
await step('engine', 'src/engine/generated/.stamp', engineInputs, buildEngine);
if (!engineOnly) {
  const distInputs = [...engineInputs, 'src', 'scripts/build-dist.mjs', 'tsconfig.json'];
  await step('dist', 'dist/.stamp', [...distInputs, 'package.json'], buildDist);
}
