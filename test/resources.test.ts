import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import * as resources from '../src/resources.ts';
import { ROOT } from './support/bundle.ts';

describe('otlp-wasm/resources', () => {
  it('has the merge rules and every detector', () => {
    expect(Object.keys(resources).sort()).toEqual([
      'SCHEMA_URL',
      'awsDetector',
      'azureDetector',
      'browserDetector',
      'cloudflareDetector',
      'containerDetector',
      'createResource',
      'flyDetector',
      'gcpDetector',
      'herokuDetector',
      'hostDetector',
      'kubernetesDetector',
      'mergeResources',
      'osDetector',
      'processArgumentsDetector',
      'processDetector',
      'serviceDetector',
      'vercelDetector',
    ]);
  });

  it('bundles of the semantic conventions the names it uses', async () => {
    const { metafile } = await build({
      absWorkingDir: ROOT,
      entryPoints: ['src/resources.ts'],
      bundle: true,
      format: 'esm',
      write: false,
      metafile: true,
      external: ['@opentelemetry/api'],
      minifyWhitespace: true,
    });
    const [output] = Object.values(metafile.outputs);
    expect(output!.imports.map(({ path }) => path)).toEqual([]);
    let bytes = 0;
    for (const [path, { bytesInOutput }] of Object.entries(output!.inputs)) {
      if (path.includes('semantic-conventions')) bytes += bytesInOutput;
    }
    expect(bytes).toBeGreaterThan(0);
    // The whole is more than a hundred times that.
    expect(bytes).toBeLessThan(8192);
  });
});
