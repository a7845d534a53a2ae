import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../support/bundle.ts';

/** What is not in every entry; what an entry does not need must not be reachable from it. */
const PARTS = ['src/options/env.ts', 'src/options/redact.ts'];

async function partsOf(entry: string): Promise<string[]> {
  const { metafile } = await build({
    ...{ absWorkingDir: ROOT, entryPoints: [entry], outdir: 'build', write: false, metafile: true },
    ...{ bundle: true, format: 'esm', platform: 'node', packages: 'external' },
    ...{ external: ['*.wasm'], splitting: true, logLevel: 'silent' },
  });
  return PARTS.filter((part) => part in metafile.inputs);
}

describe('which entries have what reads variables, and the rules of redaction', () => {
  it.each([
    ['src/runtime/browser/index.ts', []],
    ['src/runtime/edge/index.ts', []],
    ['src/runtime/deno/index.ts', ['src/options/env.ts']],
    ['src/runtime/node/index.ts', ['src/options/env.ts']],
    ['src/redaction.ts', ['src/options/redact.ts']],
  ])('%s: %j', async (entry, parts) => {
    expect(await partsOf(entry)).toEqual(parts);
  });
});
