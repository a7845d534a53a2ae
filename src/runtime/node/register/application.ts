import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';

/** As much of a package.json as is looked at. */
export interface Manifest {
  readonly name?: unknown;
  readonly version?: unknown;
  readonly dependencies?: Readonly<Record<string, unknown>>;
  readonly devDependencies?: Readonly<Record<string, unknown>>;
  readonly optionalDependencies?: Readonly<Record<string, unknown>>;
}

/** A file or folder of a package, and the directory from which it was found. */
export interface Located {
  readonly path: string;
  readonly from: string;
}

/**
 * Directories from which the application loads its packages, best first: that of its entry script
 * (behind links, and as it was named), then the current one. Without a script (`--eval`, the REPL)
 * there is the current one only.
 */
export function applicationDirectories(entry: string | undefined): string[] {
  const directories: string[] = [];
  try {
    const current = process.cwd();
    if (entry !== undefined && entry !== '-') {
      const script = resolve(current, entry);
      directories.push(directoryOf(real(script)), directoryOf(script));
    }
    directories.push(current);
  } catch {
    // The current directory was removed meanwhile.
  }
  return [...new Set(directories)];
}

function directoryOf(entry: string): string {
  // `node .` and `node folder` name a directory.
  const isDirectory = statSync(entry, { throwIfNoEntry: false })?.isDirectory();
  return isDirectory ? entry : dirname(entry);
}

/** The path behind links; the same one when it cannot be followed. */
export function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** As `require` of a file in that directory. */
export function requireFrom(directory: string): NodeJS.Require {
  return createRequire(join(directory, 'noop.js'));
}

/**
 * Where `file` of the package `name` lies, looked for as Node does, from one directory after the
 * other. By its path, since the `exports` of some packages hide their package.json; under
 * Plug'n'Play, which has no such paths, by resolving it.
 */
export function locate(
  name: string,
  file: string,
  directories: readonly string[],
): Located | undefined {
  for (const from of directories) {
    const require = requireFrom(from);
    if (process.versions['pnp'] !== undefined) {
      try {
        return { path: require.resolve(`${name}/${file}`), from };
      } catch {
        continue;
      }
    }
    for (const folder of require.resolve.paths(name) ?? []) {
      const path = join(folder, name, file);
      if (existsSync(path)) return { path, from };
    }
  }
  return undefined;
}

/** @throws when it cannot be read, or is not a JSON object */
export function readManifest(path: string): Manifest {
  const manifest: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (typeof manifest !== 'object' || manifest === null) throw new Error('it is not an object');
  return manifest;
}

/**
 * The package.json of the application: the nearest one above its directories that says more than
 * the type of modules, as those of build outputs do. A tool in node_modules that was started in
 * place of the application (`next start`) is passed over.
 *
 * @throws when one on the way cannot be read; the message names it
 */
export function applicationManifest(directories: readonly string[]): Manifest | undefined {
  for (const start of directories) {
    if (/[/\\]node_modules([/\\]|$)/.test(start)) continue;
    for (let at = start; ; at = dirname(at)) {
      const path = join(at, 'package.json');
      if (existsSync(path)) {
        const manifest = manifestAt(path);
        if (manifest.name !== undefined || manifest.dependencies !== undefined) return manifest;
      }
      if (at === dirname(at)) break;
    }
  }
  return undefined;
}

function manifestAt(path: string): Manifest {
  try {
    return readManifest(path);
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`${path} cannot be read (${message.split('\n', 1)[0]})`);
  }
}

/** The program's name without its path, as detectors call it. */
export function executableName(): string {
  return basename(process.execPath);
}
