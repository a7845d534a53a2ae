/**
 * What stands for `internal/global-utils` of `@opentelemetry/api` in `dist/register.cjs`: where the
 * copies of the API in a process meet. The API's own refuses what a copy of another version has
 * registered; ours takes what is there, since all of 1.x agree on its shape, and gives it the
 * version that the application's copy wants to see (docs/decisions/register.md).
 */

/** The signals by name, and the version of the copy that registered first. */
export interface ApiGlobals {
  version?: string;
  [name: string]: unknown;
}

const KEY = Symbol.for('opentelemetry.js.api.1');

const holder = globalThis as { [KEY]?: ApiGlobals };

export function apiGlobals(): ApiGlobals | undefined {
  return holder[KEY];
}

/** Makes the globals carry `version`, where nobody has fixed another one. */
export function openApiGlobals(version: string): ApiGlobals {
  const globals = (holder[KEY] ??= {});
  Reflect.set(globals, 'version', version);
  return globals;
}

export function getGlobal(name: string): unknown {
  return holder[KEY]?.[name];
}

export function registerGlobal(
  name: string,
  instance: unknown,
  _diag: unknown,
  allowOverride = false,
): boolean {
  const globals = (holder[KEY] ??= {});
  if (!allowOverride && globals[name]) return false;
  globals[name] = instance;
  return true;
}

export function unregisterGlobal(name: string): void {
  delete holder[KEY]?.[name];
}
