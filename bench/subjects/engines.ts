/** The engines every case runs on. */
export const ENGINES = ['simd', 'scalar', 'portable'] as const;

export type EngineName = (typeof ENGINES)[number];

/** SDKs that record and deliver. */
export type Subject = `otlp-wasm/${EngineName}` | 'opentelemetry-js';
