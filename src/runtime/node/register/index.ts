/**
 * `otlp-wasm/register`: telemetry for a program that knows nothing of it, before its own code is
 * loaded. Whatever goes wrong here is said in a line, and the program goes on without telemetry.
 */

import { resourceAround } from '../../../api/resource.ts';
import { variablesOf } from '../../../options/env.ts';
import { exportersFromEnv } from '../../../options/exporter.ts';
import { startOn, type Telemetry } from '../../../telemetry.ts';
import { VERSION } from '../../../version.ts';
import { builtin } from '../builtin.ts';
import { host } from '../host.ts';
import { apiGlobals, openApiGlobals } from './api-globals.ts';
import { apiVersion } from './api-version.ts';
import { applicationDirectories, executableName } from './application.ts';
import {
  findInstrumentations,
  hookModules,
  loadInstrumentations,
  messageOf,
} from './instrumentations.ts';
import { installDiagLogger, type Log, openLog } from './log.ts';

/** Which copy of this file has run in this process or worker thread. */
const MARK = Symbol.for('otlp-wasm.register.1');

interface Mark {
  readonly version: string;
  readonly file: string;
}

const SOURCES = '--import, --require and NODE_OPTIONS';

const NAME = 'otlp-wasm/register';

/** How long the end of a program that did not ask for telemetry waits for a collector at most. */
const FLUSH_TIMEOUT_MS = 5000;

const silent = () => {};

function registerAll(log: Log): void {
  if (inHooksThread()) return;
  const { env, warn } = host;
  const marked = globalThis as { [MARK]?: Mark };
  const first = marked[MARK];
  if (first !== undefined) {
    log.warn(
      `otlp-wasm ${VERSION} (${__filename}) does nothing: otlp-wasm ${first.version} ` +
        `(${first.file}) was registered first and stays. Name one of them only in ${SOURCES}.`,
    );
    return;
  }
  marked[MARK] = { version: VERSION, file: __filename };

  if (variablesOf(env, silent).disabled()) {
    log.info(() => `otlp-wasm ${VERSION}: nothing is traced, OTEL_SDK_DISABLED is true`);
    return;
  }
  const before = apiGlobals()?.['trace'];
  if (before !== undefined) {
    throw new Error(
      `another OpenTelemetry SDK${nameOf(before)} was registered first and stays. Remove its set-up ` +
        `or otlp-wasm/register; look at ${SOURCES}`,
    );
  }

  const directories = applicationDirectories(process.argv[1]);
  const sources = findInstrumentations(directories, log);
  const version = apiVersion([...directories, ...sources.directories], log.warn);
  const telemetry = startOn(host, { flushTimeoutMs: FLUSH_TIMEOUT_MS });
  installDiagLogger(openApiGlobals(version), log, warn);
  telemetry.register();
  // For `start()` in the application, which may be that of another copy of this package.
  (globalThis as { [key: symbol]: unknown })[Symbol.for('otlp-wasm.registered')] = NAME;

  hookModules([...sources.directories, ...directories], log);
  const running = loadInstrumentations(sources, telemetry, env, log);
  log.info(() => announcement(telemetry, running));
}

/**
 * Whether this is the thread in which Node runs hooks for modules. `--require` is done there, too,
 * and nothing there is the application's. Unlike a worker of the application it has no parent's port
 * (Node before 22.14 has no `isInternalThread`) and no script, which is looked at first: the module
 * takes milliseconds to load.
 */
function inHooksThread(): boolean {
  if (process.argv[1] !== undefined) return false;
  const { isMainThread, parentPort } = builtin('node:worker_threads');
  return !isMainThread && parentPort === null;
}

/** The class of the provider behind the API's proxy, where it has a telling name. */
function nameOf(proxy: unknown): string {
  const { getDelegate } = proxy as { getDelegate?: () => object };
  const name = getDelegate?.call(proxy)?.constructor?.name ?? '';
  return /TracerProvider$/.test(name) ? ` (${name})` : '';
}

function announcement(telemetry: Telemetry, running: readonly string[]): string {
  const { engine, endpoints } = telemetry.health();
  const nowhere = exportersFromEnv('traces', host.env, silent).length === 0;
  const fromEnv = variablesOf(host.env, silent).resource();
  const described = resourceAround({ host, fromEnv })({
    'process.executable.name': executableName(),
  });
  const named = running.length > 0 ? `instrumentations: ${running.join(', ')}` : undefined;
  return (
    `otlp-wasm ${VERSION}: ` +
    `${nowhere ? 'exporting nothing, OTEL_TRACES_EXPORTER is none' : `tracing to ${endpoints[0]!.url}`} ` +
    `(engine ${engine.name}), service ${described['service.name']}, ${named ?? 'no instrumentations'}`
  );
}

try {
  const log = openLog(process.env['OTEL_LOG_LEVEL'], host.warn);
  try {
    registerAll(log);
  } catch (error) {
    log.warn(`telemetry is off: ${messageOf(error)}. The application goes on without it.`);
  }
} catch {
  // Not even stderr can be written to.
}
