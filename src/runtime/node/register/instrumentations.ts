import { register } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import type { LoggerProvider } from '../../../api/log/types.ts';
import {
  applicationManifest,
  type Located,
  locate,
  type Manifest,
  readManifest,
  real,
  requireFrom,
} from './application.ts';
import type { Log } from './log.ts';

/** What is asked of an instrumentation; both lines of `@opentelemetry/instrumentation` have it. */
interface Instrumentation {
  readonly instrumentationName: string;
  setTracerProvider(provider: TracerProvider): void;
  setMeterProvider?(provider: MeterProvider): void;
  setLoggerProvider?(provider: LoggerProvider): void;
}

/** What instrumentations record with. */
export interface Providers {
  readonly tracerProvider: TracerProvider;
  readonly meterProvider: MeterProvider;
  readonly loggerProvider: LoggerProvider;
}

type InstrumentationClass = new (config?: object) => Instrumentation;

/** A package of instrumentations, and where it lies. */
interface Source extends Located {
  readonly name: string;
}

export interface Sources {
  /** `@opentelemetry/auto-instrumentations-node` where there is one, and what else is listed. */
  readonly packages: readonly Source[];
  /** Directories from which they load their own packages. */
  readonly directories: readonly string[];
}

const AUTO = '@opentelemetry/auto-instrumentations-node';
const PREFIX = '@opentelemetry/instrumentation-';
const NAMED = /^@opentelemetry\/instrumentation-|opentelemetry-instrumentation/;

/** Named otherwise, with what their constructors need to work by themselves. */
const OTHERS: Readonly<Record<string, object>> = {
  '@fastify/otel': { registerOnInitialization: true },
  '@prisma/instrumentation': {},
};

const LISTS = ['dependencies', 'devDependencies', 'optionalDependencies'] as const;

/** The instrumentations that are installed; nothing is loaded yet. */
export function findInstrumentations(directories: readonly string[], log: Log): Sources {
  const packages = findSingle(directories, log);
  const auto = locate(AUTO, 'package.json', directories);
  if (auto !== undefined) {
    const included = dependenciesIn(auto.path);
    // What it brings along is its to choose; twice would be two spans for everything.
    const others = packages.filter(({ name }) => !Object.hasOwn(included, name));
    packages.splice(0, packages.length, { name: AUTO, ...auto }, ...others);
  }
  return { packages, directories: packages.map(({ path }) => dirname(real(path))) };
}

function dependenciesIn(path: string): object {
  try {
    return readManifest(path).dependencies ?? {};
  } catch {
    // Loading it will show what is wrong.
    return {};
  }
}

function findSingle(directories: readonly string[], log: Log): Source[] {
  let manifest: Manifest | undefined;
  try {
    manifest = applicationManifest(directories);
  } catch (error) {
    log.warn(`${(error as Error).message}; no instrumentations are loaded.`);
  }
  const names = new Set(LISTS.flatMap((list) => Object.keys(manifest?.[list] ?? {})));
  return [...names].flatMap((name) => {
    if (!NAMED.test(name) && !Object.hasOwn(OTHERS, name)) return [];
    const located = locate(name, 'package.json', directories);
    if (located !== undefined) return [{ name, ...located }];
    log.info(
      () => `otlp-wasm: ${name} is listed in package.json, but not installed; it is left out.`,
    );
    return [];
  });
}

/**
 * Installs the hook that lets instrumentations patch ES modules. Of the copy that the
 * instrumentations themselves load: the two halves talk to each other.
 */
export function hookModules(directories: readonly string[], log: Log): void {
  const hook = locate('@opentelemetry/instrumentation', 'hook.mjs', directories);
  // Node before 20.6 has no register().
  if (hook === undefined || register === undefined) return;
  try {
    register('@opentelemetry/instrumentation/hook.mjs', pathToFileURL(join(hook.from, 'noop.js')));
  } catch (error) {
    log.warn(`ES modules are not instrumented: ${messageOf(error)}.`);
  }
}

/**
 * Loads the instrumentations and gives them the providers. What cannot be used is reported and left
 * out.
 *
 * @returns the names of those that work, without what they have in common
 */
export function loadInstrumentations(
  { packages }: Sources,
  providers: Providers,
  env: NodeJS.ProcessEnv,
  log: Log,
): string[] {
  const wanted = chosenBy(env);
  const running: string[] = [];
  for (const source of packages) {
    const isAuto = source.name === AUTO;
    if (!isAuto && !wanted(shortName(source.name))) continue;
    try {
      const exports = requireFrom(source.from)(source.name) as Record<string, unknown>;
      const instances = isAuto ? autoInstances(exports) : instancesOf(exports, source.name);
      // Of the many, all may be disabled.
      if (instances.length === 0 && !isAuto) {
        log.warn(`${source.name} exports no instrumentation; it is left out.`);
      }
      for (const instance of instances) {
        // It has found the global one already, unless its copy of the API could not.
        instance.setTracerProvider(providers.tracerProvider);
        instance.setMeterProvider?.(providers.meterProvider);
        instance.setLoggerProvider?.(providers.loggerProvider);
        running.push(shortName(instance.instrumentationName));
      }
    } catch (error) {
      log.warn(`the instrumentation ${source.name} is left out: ${reasonOf(error)}.`);
    }
  }
  return running;
}

/** Reads the two variables itself. */
function autoInstances(exports: Record<string, unknown>): Instrumentation[] {
  return (exports['getNodeAutoInstrumentations'] as () => Instrumentation[])();
}

function instancesOf(exports: Record<string, unknown>, name: string): Instrumentation[] {
  const classes = new Set(Object.values(exports).filter(isInstrumentation));
  return [...classes].map((Class) => new Class(OTHERS[name]));
}

/** By its shape: it comes from another copy of its base class, of one line or the other. */
function isInstrumentation(value: unknown): value is InstrumentationClass {
  if (typeof value !== 'function') return false;
  const { prototype } = value as { prototype?: Record<string, unknown> };
  // Base classes have no `init`.
  const methods = ['enable', 'disable', 'setTracerProvider', 'init'];
  return prototype !== undefined && methods.every((name) => typeof prototype[name] === 'function');
}

/** Upstream's variables: only those that are enabled, where any are, and none that is disabled. */
function chosenBy(env: NodeJS.ProcessEnv): (name: string) => boolean {
  const list = (variable: string) =>
    (env[variable] ?? '').split(',').flatMap((name) => name.trim() || []);
  const enabled = list('OTEL_NODE_ENABLED_INSTRUMENTATIONS');
  const disabled = list('OTEL_NODE_DISABLED_INSTRUMENTATIONS');
  return (name) => (enabled.length === 0 || enabled.includes(name)) && !disabled.includes(name);
}

function shortName(name: string): string {
  return name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
}

function reasonOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  if (code === 'ERR_REQUIRE_ESM') {
    return `it is an ES module, which Node ${process.versions.node} cannot load here; use Node 22.12 or later`;
  }
  return messageOf(error);
}

export function messageOf(error: unknown): string {
  const text = String(error instanceof Error ? error.message : error).split('\n', 1)[0]!;
  // It becomes part of a sentence.
  return text.replace(/\.$/, '');
}
