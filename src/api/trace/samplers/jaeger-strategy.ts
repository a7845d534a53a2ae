import { type Sampler, SamplingDecision, trace as traceApi } from '@opentelemetry/api';
import { withThreshold } from './ot-state.ts';
import { quietProbability } from './probability.ts';
import { rateLimited, tokenBucket } from './rate-limited.ts';

/**
 * `SamplingStrategyResponse` of Jaeger's `sampling.proto`, as the JSON of either its protobuf or
 * its older Thrift form: a service has one strategy, or one per span name. What is zero may be
 * left out, and `null` is what is not there.
 *
 *     { "strategyType": "PROBABILISTIC" | 0, "probabilisticSampling": { "samplingRate": 0.5 } }
 *     { "strategyType": "RATE_LIMITING" | 1, "rateLimitingSampling": { "maxTracesPerSecond": 5 } }
 *     { "operationSampling": { "defaultSamplingProbability": 0.1,
 *         "defaultLowerBoundTracesPerSecond": 0.02,
 *         "perOperationStrategies": [
 *           { "operation": "GET /", "probabilisticSampling": { "samplingRate": 1 } } ] } }
 */
type Json = Readonly<Record<string, unknown>>;

/** Span names without a strategy of their own to which the lower bound is kept, one by one. */
const MAX_BOUNDED_NAMES = 256;

const STRATEGY_TYPES = ['PROBABILISTIC', 'RATE_LIMITING'];

/** The sampler that a strategy asks for. Throws an Error that says what is wrong with it. */
export function samplerOfStrategy(answer: unknown): Sampler {
  const strategy = member({ answer }, 'answer');
  if (strategy === undefined) throw new Error('no strategy in it');
  const operations = member(strategy, 'operationSampling');
  if (operations !== undefined) return perOperation(operations);
  const { strategyType = 0 } = strategy;
  const type =
    typeof strategyType === 'string' ? STRATEGY_TYPES.indexOf(strategyType) : strategyType;
  if (type === 0) {
    const probabilistic = member(strategy, 'probabilisticSampling');
    if (probabilistic === undefined) throw new Error("no 'probabilisticSampling' in it");
    return quietProbability(number(probabilistic, 'samplingRate', 1));
  }
  if (type === 1) {
    const limiting = member(strategy, 'rateLimitingSampling');
    if (limiting === undefined) throw new Error("no 'rateLimitingSampling' in it");
    return rateLimited(number(limiting, 'maxTracesPerSecond', Number.MAX_VALUE));
  }
  throw new Error("its 'strategyType' is neither PROBABILISTIC nor RATE_LIMITING");
}

function member(object: Json, name: string): Json | undefined {
  const value = object[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'object' && !Array.isArray(value)) return value as Json;
  throw new Error(`its '${name}' is no object`);
}

function number(object: Json, name: string, max: number): number {
  const value = object[name] ?? 0;
  if (typeof value === 'number' && value >= 0 && value <= max) return value;
  throw new Error(`its '${name}' is no number from 0${max === 1 ? ' to 1' : ' up'}`);
}

/** By span name. A name is sampled by its probability, and so often a second in any case. */
function perOperation(operations: Json): Sampler {
  const lowerBound = number(operations, 'defaultLowerBoundTracesPerSecond', Number.MAX_VALUE);
  const byName = new Map<string, Sampler>();
  const { perOperationStrategies = [] } = operations;
  if (perOperationStrategies !== null) {
    if (!Array.isArray(perOperationStrategies)) {
      throw new Error("its 'perOperationStrategies' is no list");
    }
    for (const one of perOperationStrategies as unknown[]) {
      const strategy = member({ strategy: one }, 'strategy');
      const operation = strategy?.['operation'];
      if (strategy === undefined || typeof operation !== 'string') {
        throw new Error("one of its 'perOperationStrategies' has no 'operation'");
      }
      const rate = number(member(strategy, 'probabilisticSampling') ?? {}, 'samplingRate', 1);
      byName.set(operation, atLeast(lowerBound, quietProbability(rate)));
    }
  }
  const listed = byName.size;
  const others = quietProbability(number(operations, 'defaultSamplingProbability', 1));
  return {
    shouldSample(context, traceId, name, kind, attributes, links) {
      let sampler = byName.get(name);
      if (sampler === undefined) {
        const bounded = lowerBound > 0 && byName.size - listed < MAX_BOUNDED_NAMES;
        sampler = bounded ? atLeast(lowerBound, others) : others;
        if (bounded) byName.set(name, sampler);
      }
      return sampler.shouldSample(context, traceId, name, kind, attributes, links);
    },
    toString: () => `PerOperationSampler{names=${listed}, default=${others}}`,
  };
}

/** What `sampler` samples, and if that is less than so many a second, others up to that. */
function atLeast(perSecond: number, sampler: Sampler): Sampler {
  if (perSecond === 0) return sampler;
  const take = tokenBucket(perSecond, Math.max(1, perSecond));
  return {
    shouldSample(context, traceId, name, kind, attributes, links) {
      const result = sampler.shouldSample(context, traceId, name, kind, attributes, links);
      // Every sampled span takes a token, so that the others only fill up.
      const free = take();
      if (!free || result.decision === SamplingDecision.RECORD_AND_SAMPLED) return result;
      // Sampled by no probability: it cannot be counted.
      const before = traceApi.getSpanContext(context)?.traceState;
      return {
        decision: SamplingDecision.RECORD_AND_SAMPLED,
        ...(before !== undefined && { traceState: withThreshold(before, undefined) }),
      };
    },
    toString: () => sampler.toString(),
  };
}
