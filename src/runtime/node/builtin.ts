import { createRequire } from 'node:module';

interface Builtins {
  readonly 'node:async_hooks': typeof import('node:async_hooks');
  readonly 'node:events': typeof import('node:events');
  readonly 'node:fs': typeof import('node:fs');
  readonly 'node:http': typeof import('node:http');
  readonly 'node:http2': typeof import('node:http2');
  readonly 'node:https': typeof import('node:https');
  readonly 'node:net': typeof import('node:net');
  readonly 'node:os': typeof import('node:os');
  readonly 'node:perf_hooks': typeof import('node:perf_hooks');
  readonly 'node:stream': typeof import('node:stream');
  readonly 'node:tls': typeof import('node:tls');
  readonly 'node:url': typeof import('node:url');
  readonly 'node:v8': typeof import('node:v8');
  readonly 'node:vm': typeof import('node:vm');
  readonly 'node:worker_threads': typeof import('node:worker_threads');
  readonly 'node:zlib': typeof import('node:zlib');
}

/** One of Node's own modules, loaded when it is needed: every program's start pays for imports. */
export function builtin<Name extends keyof Builtins>(name: Name): Builtins[Name] {
  // Node before 20.16 has no getBuiltinModule.
  return (
    (process.getBuiltinModule?.(name) as Builtins[Name] | undefined) ??
    createRequire(import.meta.url)(name)
  );
}
