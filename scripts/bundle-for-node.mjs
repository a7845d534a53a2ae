import { build } from 'esbuild';

/**
 * Sources bundled into ES modules that this Node.js runs, packages left outside.
 *
 * @param {import('esbuild').BuildOptions} options entry points, where to, and what differs.
 */
export function bundleForNode(options) {
  return build({
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    sourcemap: 'inline',
    logLevel: 'error',
    ...options,
  });
}
