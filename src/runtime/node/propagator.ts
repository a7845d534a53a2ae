import { createRequire } from 'node:module';
import type { TextMapPropagator } from '@opentelemetry/api';
import { type RarePropagator, resolvePropagator } from '../../options/propagators.ts';
import type { Host } from '../host.ts';
import { builtin } from './builtin.ts';

type RarePropagators = Readonly<Record<RarePropagator, () => TextMapPropagator>>;

/** `OTEL_PROPAGATORS`; what of it is rare is loaded when it is named, and at once: start() is synchronous. */
export const propagator: NonNullable<Host['propagator']> = (env, warn) =>
  resolvePropagator(env, warn, (name) => {
    try {
      return loadRare()[name]();
    } catch (error) {
      const { message } = error as Error;
      warn(
        `OTEL_PROPAGATORS has '${name}', whose code could not be loaded ` +
          `(${message.split('\n', 1)[0]}); it is left out. In a program bundled into one file, ` +
          `import it from 'otlp-wasm/propagators' and pass it to start({ propagator }).`,
      );
      return undefined;
    }
  });

/**
 * Beside this file, where the package is installed or a bundler understood the URL (as an asset);
 * else from the package, where it is installed beside the bundle. CommonJS bundles have no
 * `import.meta.url`, but `__filename`.
 */
function loadRare(): RarePropagators {
  const require = createRequire(import.meta.url ?? __filename);
  try {
    // Bundlers know this form of URL, and take the file along.
    const url = new URL('./rare-propagators.cjs', import.meta.url);
    return require(builtin('node:url').fileURLToPath(url));
  } catch (error) {
    let installed: string;
    try {
      installed = require.resolve('otlp-wasm/package.json');
    } catch {
      throw error;
    }
    return createRequire(installed)('./dist/rare-propagators.cjs');
  }
}
