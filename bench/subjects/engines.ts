/** The engines every case runs on. */
export const ENGINES = ['simd', 'scalar', 'portable'] as const;

export type EngineName = (typeof ENGINES)[number];

/** SDKs that record and deliver, and upstream's with our exporter. */
export type Subject = `otlp-wasm/${EngineName}` | 'otlp-wasm/exporter' | 'opentelemetry-js';
