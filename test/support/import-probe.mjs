// node --experimental-vm-modules import-probe.mjs <built entry>
//
// Evaluates an entry in a realm whose clocks, timers, random numbers, WebAssembly, network and
// host modules note that they are called, and prints what was called as JSON. The package's own
// files that it imports statically are evaluated too; `@opentelemetry/api` is the real one.

import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, resolve } from 'node:path';
import vm from 'node:vm';

const called = [];

/** Stands in for `value`: calls and constructions are noted and not done. */
function noting(name, value) {
  if (typeof value !== 'function' && (typeof value !== 'object' || value === null)) return value;
  return new Proxy(value, {
    get(target, key) {
      const inner = Reflect.get(target, key);
      if (key === 'timeOrigin') called.push(`${name}.timeOrigin`);
      // `bind`, `call` and the like are the language's; a property that is fixed may not change.
      const fixed = Reflect.getOwnPropertyDescriptor(target, key)?.configurable === false;
      if (fixed || typeof key === 'symbol' || key in Function.prototype) return inner;
      return noting(`${name}.${key}`, inner);
    },
    apply() {
      called.push(name);
    },
    construct() {
      called.push(`new ${name}`);
      return {};
    },
  });
}

const WATCHED = [
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'fetch', 'addEventListener'],
  ...['Date', 'performance', 'crypto', 'WebAssembly', 'process', 'console', 'atob', 'btoa'],
  ...['AbortController', 'CompressionStream', 'Worker', 'Deno', 'navigator', 'document'],
];

function realmOf() {
  const { URL, URLSearchParams, TextEncoder, TextDecoder } = globalThis;
  const realm = { URL, URLSearchParams, TextEncoder, TextDecoder };
  // What this host lacks another one has: a function that does nothing stands for it.
  for (const name of WATCHED) realm[name] = noting(name, globalThis[name] ?? (() => {}));
  realm.Math = Object.assign(Object.create(Math), { random: noting('Math.random', Math.random) });
  return vm.createContext(realm);
}

const context = realmOf();
const files = new Map();

function ownFile(path) {
  if (!files.has(path)) files.set(path, path.endsWith('.wasm') ? wasmFile(path) : sourceFile(path));
  return files.get(path);
}

function wasmFile(identifier) {
  return synthetic(identifier, { default: {} });
}

function sourceFile(path) {
  return new vm.SourceTextModule(readFileSync(path, 'utf8'), {
    context,
    identifier: path,
    initializeImportMeta(meta) {
      meta.url = new URL(path, 'file:').href;
    },
    importModuleDynamically(specifier) {
      called.push(`import(${specifier})`);
      return empty(specifier);
    },
  });
}

async function empty(identifier) {
  const module = synthetic(identifier, {});
  await module.link(() => {});
  await module.evaluate();
  return module;
}

function synthetic(identifier, values) {
  const evaluate = function evaluate() {
    for (const [name, value] of Object.entries(values)) this.setExport(name, value);
  };
  return new vm.SyntheticModule(Object.keys(values), evaluate, { context, identifier });
}

async function load(specifier, { identifier }) {
  if (specifier.startsWith('.')) return ownFile(resolve(dirname(identifier), specifier));
  const namespace = await import(specifier);
  if (!builtinModules.includes(specifier.replace('node:', '')))
    return synthetic(specifier, namespace);
  const noted = Object.entries(namespace).map(([name, value]) => [
    name,
    noting(`${specifier} ${name}`, value),
  ]);
  return synthetic(specifier, Object.fromEntries(noted));
}

const entry = ownFile(resolve(process.argv[2]));
let error;
try {
  await entry.link(load);
  await entry.evaluate();
} catch (thrown) {
  error = String(thrown);
}
const names = error === undefined ? Object.keys(entry.namespace) : [];
console.log(JSON.stringify({ exports: names, called, error }));
