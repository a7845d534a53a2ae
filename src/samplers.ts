/**
 * `otlp-wasm/samplers`: the samplers of the OpenTelemetry specification, for
 * `start({ sampler })` and for every tracer provider that takes a `Sampler` of
 * `@opentelemetry/api`.
 */

export { alwaysOff, alwaysOn, alwaysRecord } from './api/trace/samplers/always.ts';
export {
  composableAlwaysOff,
  composableAlwaysOn,
  composableAnnotating,
  composableParentThreshold,
  composableProbability,
  composableRuleBased,
  type SamplingRule,
} from './api/trace/samplers/composables.ts';
export {
  type ComposableSampler,
  composite,
  type SamplingIntent,
  type SpanToSample,
} from './api/trace/samplers/composite.ts';
export {
  type JaegerRemoteOptions,
  type JaegerRemoteSampler,
  jaegerRemote,
} from './api/trace/samplers/jaeger-remote.ts';
export { type ParentBasedOptions, parentBased } from './api/trace/samplers/parent-based.ts';
export {
  allOf,
  anyOf,
  attributeMatches,
  not,
  type ParentPlace,
  parentIs,
  type SpanPredicate,
  spanKindIs,
  spanNameMatches,
  type TextPattern,
} from './api/trace/samplers/predicates.ts';
export { probability, traceIdRatioBased } from './api/trace/samplers/probability.ts';
export { type RateLimitedOptions, rateLimited } from './api/trace/samplers/rate-limited.ts';
export { isOtlpError, OtlpError } from './errors.ts';
