/**
 * Random programs against the recording path: plans carried out on the three engines, requests
 * taken at random moments, and every span looked up in what three decoders make of the bytes.
 */

import { isDeepStrictEqual } from 'node:util';
import { decodeRequest } from '../../src/workbench/collector/decode.ts';
import { type TraceRig, traceRigs } from './engines.ts';
import { randomFrom, type SeededRandom } from './random.ts';
import {
  DEFAULT_LIMITS,
  expectedSpan,
  expectedValue,
  type PlanLimits,
  randomPlan,
  randomStyle,
  randomText,
  record,
} from './span-plan.ts';
import {
  decodeOfficially,
  type ModelResource,
  type ModelScope,
  type ModelSpan,
  type OriginatedSpan,
  spansOf,
  withoutFlags,
} from './trace-model.ts';
import { readCanonical } from './wire.ts';

/** A tracer on each engine, and what its spans must say of their origin. */
interface Origin {
  readonly tracers: readonly ReturnType<TraceRig['tracer']>[];
  readonly resource: ModelResource;
  readonly scope: ModelScope;
}

function modelOf(attributes: Record<string, unknown>): ModelScope['attributes'] {
  const limit = Number.POSITIVE_INFINITY;
  return Object.entries(attributes).map(([key, value]) => [key, expectedValue(value, limit)!]);
}

function originsOf(rigs: readonly TraceRig[], random: SeededRandom): Origin[] {
  const origins: Origin[] = [];
  const text = (most: number) => randomText(random, most).replace(/[\ud800-\udfff]/g, 'x');
  const nothing = () => random.next() < 0.4;
  for (let i = random.below(3); i >= 0; i--) {
    const resourceAttributes = nothing() ? {} : { 'service.name': text(60), [`r.${text(20)}`]: i };
    const schemaUrl = nothing() ? '' : text(200);
    const dropped = nothing() ? random.below(1000) : 0;
    const options = { attributes: resourceAttributes, schemaUrl, dropped };
    const providers = rigs.map((rig) => rig.providerOf(options));
    const resource = {
      attributes: modelOf(resourceAttributes),
      droppedAttributes: dropped,
      schemaUrl,
    };
    for (let j = random.below(4); j >= 0; j--) {
      const name = `scope ${i}.${j} ${text(300)}`;
      const version = nothing() ? '' : text(40);
      const attributes = nothing() ? {} : { id: j, list: [text(20), null, { deep: 1.5 }] };
      const scopeOptions = { schemaUrl: nothing() ? '' : text(80), attributes } as never;
      origins.push({
        tracers: providers.map(
          (provider) => provider.getTracer(name, version, scopeOptions) as never,
        ),
        resource,
        scope: {
          name,
          version,
          attributes: modelOf(attributes),
          droppedAttributes: 0,
          schemaUrl: (scopeOptions as { schemaUrl: string }).schemaUrl,
        },
      });
    }
  }
  return origins;
}

function same(what: string, seen: unknown, expected: unknown): void {
  if (isDeepStrictEqual(seen, expected)) return;
  const show = (value: unknown) =>
    JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `${v}n` : v))?.slice(0, 4000);
  throw new Error(`${what}:\n     got ${show(seen)}\nexpected ${show(expected)}`);
}

/** What the collector hands out is untyped; numbers and ids are enough to tell it reads the same. */
function checkCollector(request: Uint8Array, spans: readonly OriginatedSpan[]): void {
  const received = decodeRequest('traces', 'protobuf', request).spans;
  same(
    'the collector',
    received.map((span) => [
      ...[span.traceId, span.spanId, span.parentSpanId, span.traceState, span.flags, span.name],
      ...[span.kind, span.startTimeUnixNano, span.endTimeUnixNano, span.status.code],
      ...[Object.keys(span.attributes).length, span.events.length, span.links.length],
      span.links.map((link) => link.flags),
    ]),
    spans.map((span) => [
      ...[span.traceId, span.spanId, span.parentSpanId, span.traceState, span.flags, span.name],
      ...[span.kind, span.startTimeUnixNano, span.endTimeUnixNano, span.status.code],
      ...[span.attributes.length, span.events.length, span.links.length],
      span.links.map((link) => link.flags),
    ]),
  );
}

/** Bytes a span surely takes in the ring at least, and at most. */
function sizeOf(span: ModelSpan): number {
  return JSON.stringify(span, (_, v) => (typeof v === 'bigint' ? `${v}` : v)).length;
}

/**
 * One random program of `spans` spans. Throws at the first difference; the error does not name
 * the seed, the caller does.
 */
export function fuzzTraces(seed: number, spans: number): { spans: number; requests: number } {
  const random = randomFrom(seed);
  const ringBytes = 2 ** (17 + random.below(4));
  const limits: PlanLimits =
    random.next() < 0.7
      ? DEFAULT_LIMITS
      : {
          attributes: 1 + random.below(6),
          valueLength: random.below(40),
          events: random.below(3),
          links: random.below(3),
        };
  const limitBytes = random.next() < 0.5 ? 4 << 20 : 2000 + random.below(100_000);
  const rigs = traceRigs({
    ...{ ringBytes, limitBytes, seed, events: limits.events, links: limits.links },
    bounds: { count: limits.attributes, valueLength: limits.valueLength },
  });
  const origins = originsOf(rigs, random);
  const style = randomStyle(random);
  const waiting = new Map<string, OriginatedSpan>();
  let requests = 0;

  function take(maxRecords: number): boolean {
    const [request, ...others] = rigs.map((rig) => rig.encode(maxRecords));
    const { encoded } = rigs[0]!;
    others.forEach((other, i) => {
      const engine = rigs[i + 1]!.engine.name;
      if (Buffer.compare(request!, other) !== 0) throw new Error(`${engine} wrote other bytes`);
      same(`${engine} says`, rigs[i + 1]!.encoded, encoded);
    });
    if (encoded === undefined) return false;
    requests++;
    if (request!.length > limitBytes) throw new Error('a request longer than the limit');
    const model = readCanonical(request!);
    same('the official decoder', decodeOfficially(request!), withoutFlags(model));
    const got = spansOf(model);
    checkCollector(request!, got);
    same('the number of records', got.length, encoded.records);
    for (const span of got) {
      const expected = waiting.get(span.spanId);
      if (expected === undefined) throw new Error(`span ${span.spanId} twice, or never recorded`);
      same('a span', span, expected);
      waiting.delete(span.spanId);
    }
    // Those too large for a request of their own are gone; each was among the oldest.
    let { tooLarge } = encoded;
    for (const [id, span] of waiting) {
      if (tooLarge === 0) break;
      if (sizeOf(span) * 4 + 1500 < limitBytes) throw new Error(`span ${id} was thrown away`);
      waiting.delete(id);
      tooLarge--;
    }
    return true;
  }

  for (let i = 0; i < spans; i++) {
    const plan = randomPlan(random, style);
    const origin = origins[random.below(origins.length)]!;
    const contexts = rigs.map((_, r) => record(origin.tracers[r]!, plan));
    for (const rig of rigs) same(rig.engine.name, rig.last, rigs[0]!.last);
    const expected = expectedSpan(plan, contexts[0]!, limits);
    const { resource, scope } = origin;
    const { last, ring } = rigs[0]!;
    if (last === 'written') waiting.set(expected.spanId, { ...expected, resource, scope });
    else if (last === 'full') while (take(1 << 20));
    else if (sizeOf(expected) * 4 < ring.recordBytes - 1024) {
      throw new Error(`a span of about ${sizeOf(expected)} bytes is said to be too large`);
    }
    if (random.next() < 0.05) take(1 + random.below(60));
    for (const rig of rigs) same(`${rig.engine.name} counts`, rig.ring.count, waiting.size);
  }
  while (take(1 << 20));
  if (waiting.size > 0) throw new Error(`${waiting.size} spans never came out`);
  return { spans, requests };
}
