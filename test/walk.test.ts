import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT, runNode, temporaryFolder } from './support/bundle.ts';

/** `file function:offset` of every function that ran. */
interface Walks {
  /** Of the `span.end()` that began a batch, the median one and the one with most functions. */
  readonly first: readonly string[];
  readonly usual: readonly string[];
  readonly longest: readonly string[];
  /** From the ring to the answer of the server. */
  readonly journey: readonly string[];
  readonly sent: number;
}

/** Rooms and files that the Node entry is made of. */
const SOURCES =
  /^([\w-]+\.ts|(api|buffer|codec|compress|deliver|engine|exporters|health|options)\/.*\.[jt]s|runtime\/((node|web)\/)?[\w-]+\.ts)$/;

/** Source files one by one, modules as they are written. */
async function transpile(outdir: string): Promise<void> {
  const src = join(ROOT, 'src');
  const entryPoints = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => SOURCES.test(file) && !file.endsWith('.d.ts'))
    .map((file) => join(src, file));
  await build({
    entryPoints,
    outdir,
    outbase: src,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'error',
    plugins: [
      {
        name: 'each-module-stays-one',
        setup(rules) {
          rules.onResolve({ filter: /./ }, ({ path, kind }) =>
            kind === 'entry-point'
              ? undefined
              : { path: path.replace(/^(\..*)\.[jt]s$/, '$1.mjs'), external: true },
          );
        },
      },
    ],
  });
}

function filesOf(walk: readonly string[]): string[] {
  return [...new Set(walk.map((name) => name.slice(0, name.indexOf(' '))))];
}

describe('the walk', () => {
  const folder = temporaryFolder();
  let walks: Walks;

  beforeAll(async () => {
    await transpile(folder.path);
    const root = pathToFileURL(folder.path).href;
    const { code, stdout, stderr } = await runNode([join(ROOT, 'test/fixtures/walk.mjs'), root]);
    expect([code, stderr]).toEqual([0, '']);
    walks = JSON.parse(stdout);
  });
  afterAll(folder.remove);

  function expectWithin(walk: readonly string[], most: { files: number; functions: number }) {
    const files = filesOf(walk);
    const figures = `${files.length} of ${most.files} files, ${walk.length} of ${most.functions} functions`;
    const message = [figures, ...files, '', ...walk].join('\n');
    // Something was seen at all.
    expect(files.length, message).toBeGreaterThan(1);
    expect(files.length, message).toBeLessThanOrEqual(most.files);
    expect(walk.length, message).toBeLessThanOrEqual(most.functions);
  }

  it('of span.end() takes four files and twenty functions at most', () => {
    expectWithin(walks.usual, { files: 4, functions: 20 });
  });

  it('of a span.end() that starts a timer or interns a text takes one file more', () => {
    expect(filesOf(walks.first)).toContain('runtime/node/basics.ts');
    expectWithin(walks.first, { files: 5, functions: 20 });
    expectWithin(walks.longest, { files: 5, functions: 20 });
  });

  it('from the ring to the answer takes fourteen files and seventy functions at most', () => {
    expect(walks.sent).toBeGreaterThan(0);
    expect(filesOf(walks.journey)).toContain('deliver/outcome.ts');
    expectWithin(walks.journey, { files: 14, functions: 70 });
  });
});
