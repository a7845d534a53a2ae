/** Every subject's module, by file name without its extension. */
export interface Subjects {
  exporter: typeof import('./exporter.ts');
  'exporter-grpc': typeof import('./exporter-grpc.ts');
  harness: typeof import('./harness.ts');
  upstream: typeof import('./upstream.ts');
  'upstream-grpc': typeof import('./upstream-grpc.ts');
  'upstream-2': typeof import('./upstream-2.ts');
  protobufjs: typeof import('./protobufjs.ts');
  readable: typeof import('./readable.ts');
  codecs: typeof import('./codecs.ts');
  hashes: typeof import('./hashes.ts');
  entries: typeof import('./entries.ts');
  ours: typeof import('./ours.ts');
  'ours-logs': typeof import('./ours-logs.ts');
  'ours-metrics': typeof import('./ours-metrics.ts');
  'harness-metrics': typeof import('./harness-metrics.ts');
  'upstream-logs': typeof import('./upstream-logs.ts');
  'upstream-metrics': typeof import('./upstream-metrics.ts');
}

/**
 * A copy of a subject's module that shares no compiled code with any other: `copy` makes its
 * URL unique. With one copy for all, a call that meets the spans of two SDKs or three engines
 * would be compiled for all of them and slow each one down.
 */
export function load<Name extends keyof Subjects>(
  name: Name,
  copy: string,
): Promise<Subjects[Name]> {
  // Bundled files are one folder deep: path/record.bench.mjs, subjects/ours.mjs.
  return import(new URL(`../subjects/${name}.mjs?${copy}`, import.meta.url).href);
}
