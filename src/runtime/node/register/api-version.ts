import { VERSION } from '../../../version.ts';
import { locate, readManifest } from './application.ts';

/** Of the copy that is bundled, for applications without one of their own: nobody compares it. */
const OWN = '1.10.0';

const RELEASE = /^(\d+)\.(\d+)\.(\d+)/;

/**
 * The version that the globals have to carry for the copies of `@opentelemetry/api` that these
 * directories see: one reads globals of its own minor version or a later one, and registers (metrics,
 * a logger) only with its very own. So the first is decisive, unless a later one has a higher minor.
 *
 * @throws when a copy is not of 1.x, whose globals are others
 */
export function apiVersion(directories: readonly string[], warn: (line: string) => void): string {
  let chosen: string | undefined;
  const seen = new Set<string>();
  for (const directory of directories) {
    const found = locate('@opentelemetry/api', 'package.json', [directory]);
    if (found === undefined || seen.has(found.path)) continue;
    seen.add(found.path);
    const version = versionIn(found.path, warn);
    if (version === undefined) continue;
    if (!version.startsWith('1.')) {
      throw new Error(
        `the application has @opentelemetry/api ${version}, and otlp-wasm ${VERSION} serves 1.x; ` +
          'install @opentelemetry/api@1, or start without otlp-wasm/register',
      );
    }
    if (chosen === undefined || minorOf(version) > minorOf(chosen)) chosen = version;
  }
  return chosen ?? OWN;
}

function versionIn(path: string, warn: (line: string) => void): string | undefined {
  let problem: string;
  try {
    const { version } = readManifest(path);
    if (typeof version === 'string' && RELEASE.test(version)) return version;
    problem = 'it has no version';
  } catch (error) {
    problem = (error as Error).message.split('\n', 1)[0]!;
  }
  warn(
    `${path} cannot be used (${problem}); install @opentelemetry/api again if spans are missing.`,
  );
  return undefined;
}

function minorOf(version: string): number {
  return Number(RELEASE.exec(version)?.[2]);
}
