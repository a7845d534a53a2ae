/** The engines every case runs on. */
export const ENGINES = ['simd', 'scalar', 'portable'] as const;

export type EngineName = (typeof ENGINES)[number];

/** SDKs that record and deliver, upstream's with our exporter, and the workload without any. */
export type Subject =
  | `otlp-wasm/${EngineName}`
  | 'otlp-wasm/exporter'
  | 'opentelemetry-js'
  | 'harness';
