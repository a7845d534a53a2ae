// Bundles the benches. Every output stands alone, so that a subject imported twice is two
// copies (`subjects/load.ts`). Our library goes in from src/, as an application's bundler
// would put it in; packages stay outside, and so do the modules of bench/rivals: upstream
// runs as published.

import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { bundleForNode } from '../scripts/bundle-for-node.mjs';

/** Files below `folder` whose name ends in `suffix`, relative to it. */
function filesIn(folder, suffix) {
  return readdirSync(folder, { recursive: true })
    .filter((file) => file.endsWith(suffix) && !/(^|[\\/])node_modules[\\/]/.test(file))
    .sort();
}

/**
 * Bundles `*.bench.ts` of `benches` and what they load into `out`. Resolves with the bundled
 * bench files' paths and the folders of the rivals they run.
 */
export async function bundle(root, benches, out) {
  const rivals = new Set();
  const entries = { 'harness/main': join(root, 'bench/harness/main.ts') };
  const outputs = [];
  for (const file of filesIn(benches, '.bench.ts')) {
    const name = file.replaceAll('\\', '/').replace(/\.ts$/, '');
    entries[name] = join(benches, file);
    outputs.push(join(out, `${name}.mjs`));
  }
  for (const folder of ['subjects', 'servers']) {
    if (!existsSync(join(benches, folder))) continue;
    for (const file of filesIn(join(benches, folder), '.ts')) {
      entries[`${folder}/${file.replace(/\.ts$/, '')}`] = join(benches, folder, file);
    }
  }
  await bundleForNode({
    entryPoints: entries,
    outdir: out,
    sourcesContent: false,
    plugins: [
      {
        name: 'rivals-stay-outside',
        setup(rules) {
          rules.onResolve({ filter: /\/rivals\/.*\.mjs$/ }, ({ path, resolveDir }) => {
            const file = join(resolveDir, path);
            rivals.add(dirname(file));
            // Outputs are one folder deep below `out`, whatever their room.
            const from = join(out, 'room');
            return { path: relative(from, file).replaceAll('\\', '/'), external: true };
          });
        },
      },
    ],
  });
  return { outputs, rivals: [...rivals] };
}
