import { createTraceState, ROOT_CONTEXT, type Tracer, trace as traceApi } from '@opentelemetry/api';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace';
import { describe, expect, it } from 'vitest';
import { decodeRequest } from '../../src/workbench/collector/decode.ts';
import { agreedAttributes, agreedValue, oneUnitEach, sorted } from '../support/agreed.ts';
import { traceRig } from '../support/engines.ts';
import { expectSame } from '../support/expect-same.ts';
import { randomFrom } from '../support/random.ts';
import { type Call, randomPlan, randomStyle, record, type SpanPlan } from '../support/span-plan.ts';
import { decodeOfficially, type ModelSpan, spansOf } from '../support/trace-model.ts';

/*
 * The same calls to the tracers of the OpenTelemetry SDK and to ours, encoded by its serializer
 * and by ours, decoded by one official decoder and compared field by field.
 *
 * What differs, and why:
 *
 *  1. Ids are random; only that parents and links point at the same spans is compared.
 *  2. Integers from 2^53 to 2^63: ours are doubles, since a number of that size need not be the
 *     integer it looks like. The SDK writes int64.
 *  3. -0: ours is a double and keeps its sign; the SDK writes the integer 0.
 *  4. bigint: ours is an int64; the SDK refuses the attribute, alone or inside another value.
 *  5. Attributes of events: ours take every kind of value, as OTLP 1.9 allows; the SDK takes
 *     strings, numbers, booleans and homogeneous arrays of these, and drops others.
 *  6. More events or links than the limit: ours keeps the first, the SDK the last. Both count.
 *  7. The SDK counts attributes with an empty key, or of no valid kind, as dropped where they
 *     come with startSpan, an event or a link, and not where they come with setAttribute. Ours
 *     never counts what is no attribute.
 *  8. Nanoseconds beyond a second in a time given as [seconds, nanoseconds] are carried by both,
 *     but the SDK looks for an end before the start without them.
 *  9. Numbers given as a time: ours are readings of the monotonic clock when they lie before the
 *     process began, the SDK's when they are not greater than performance.now(). Plans give
 *     Unix times, on which both agree.
 * 10. An exception that has neither a type nor a message is an event of ours, none of the SDK's.
 * 11. Of the trace flags of a parent ours keep all, as W3C trace context level 2 wants of the
 *     random flag; the SDK keeps the sampled one.
 * 12. The limit on the length of strings counts characters, as the specification has it; the SDK
 *     counts UTF-16 units and may leave half a character.
 */

/** A plan with what both treat alike. */
function common(plan: SpanPlan): SpanPlan {
  const calls = plan.calls.flatMap((call): Call[] => {
    switch (call.call) {
      case 'setAttribute':
        return agreedValue(call.value, false) ? [call] : [];
      case 'setAttributes':
        return [{ ...call, attributes: agreedAttributes(call.attributes)! }];
      case 'addEvent':
        return [{ ...call, attributes: agreedAttributes(call.attributes, true) }];
      case 'addLink': {
        const attributes = agreedAttributes(call.link.attributes);
        return [{ ...call, link: { ...call.link, attributes } }];
      }
      default:
        return [call];
    }
  });
  const start = Array.isArray(plan.startTime) ? plan.startTime[0] : Number(plan.startTime) / 1000;
  return {
    ...plan,
    attributes: agreedAttributes(plan.attributes),
    // Fewer than the limit, with those that calls add.
    links: plan.links
      .slice(0, 60)
      .map((link) => ({ ...link, attributes: agreedAttributes(link.attributes) })),
    calls,
    endTime: [Math.ceil(start) + 10, 123_456_789],
  };
}

/** What must be the same: all but ids of its own. */
function comparable(span: ModelSpan): unknown {
  const { spanId, traceId, ...rest } = span;
  return {
    ...rest,
    traceId: span.parentSpanId === '' ? 'random' : traceId,
    attributes: sorted(span.attributes),
    events: span.events.map((event) => ({ ...event, attributes: sorted(event.attributes) })),
    links: span.links.map((link) => ({ ...link, attributes: sorted(link.attributes) })),
  };
}

interface Limits {
  readonly attributes: number;
  readonly valueLength: number;
}

/** Carries out the plans on both and returns what both sent. */
function bothSend(plans: readonly SpanPlan[], limits?: Limits): readonly [Uint8Array, Uint8Array] {
  const { attributes = 128, valueLength = Number.POSITIVE_INFINITY } = limits ?? {};
  const ended: ReadableSpan[] = [];
  const resource = { 'service.name': 'shop', list: ['a', 1, null], map: { deep: true } };
  const provider = new TracerProvider({
    resource: { attributes: resource, schemaUrl: 'https://example.com/r' } as never,
    spanLimits: {
      attributeCountLimit: attributes,
      attributePerEventCountLimit: attributes,
      attributePerLinkCountLimit: attributes,
      attributeValueLengthLimit: valueLength,
    },
    spanProcessors: [
      {
        onStart() {},
        onEnd: (span) => void ended.push(span),
        forceFlush: async () => {},
        shutdown: async () => {},
      },
    ],
  });
  const rig = traceRig('simd', {
    ringBytes: 1 << 24,
    limitBytes: 1 << 24,
    resource: { attributes: resource, schemaUrl: 'https://example.com/r' },
    bounds: { count: attributes, valueLength },
  });
  const scopes = [
    ['a', '1.0', {}],
    ['b', undefined, { schemaUrl: 'https://example.com/s' }],
    ['ü', '', {}],
  ] as const;
  const tracers: (readonly [Tracer, Tracer])[] = scopes.map(([name, version, options]) => [
    provider.getTracer(name, version, options),
    rig.tracer(name, version, options),
  ]);
  plans.forEach((plan, i) => {
    for (const tracer of tracers[i % scopes.length]!) record(tracer, plan);
  });
  const theirs = ProtobufTraceSerializer.serializeRequest(ended)!;
  const ours = rig.encode();
  expect(rig.encoded).toMatchObject({ records: plans.length, tooLarge: 0 });
  return [theirs, ours];
}

/** The same of both requests, in the same order: resource, scopes, spans. */
function expectAlike([theirs, ours]: readonly [Uint8Array, Uint8Array]): void {
  const [sdk, own] = [theirs, ours].map((request) =>
    decodeOfficially(request).map((resource) => ({
      ...resource,
      attributes: sorted(resource.attributes),
      scopes: resource.scopes.map((scope) => ({ ...scope, spans: scope.spans.map(comparable) })),
    })),
  );
  expectSame(own, sdk);
  // The official decoder is older than the flags. Difference 11.
  const [sdkFlags, ownFlags] = [theirs, ours].map((request) =>
    decodeRequest('traces', 'protobuf', request).spans.map(({ flags, links }) => [
      flags & ~0xfe,
      links.map((link) => link.flags),
    ]),
  );
  expect(ownFlags).toEqual(sdkFlags);
}

const PLAN: SpanPlan = {
  name: 's',
  kind: undefined,
  parent: undefined,
  startTime: [1_700_000_000, 1],
  attributes: undefined,
  links: [],
  calls: [],
  endTime: [1_700_000_001, 2],
};

describe('against the OpenTelemetry SDK and its serializer', () => {
  it('spans at random', () => {
    for (let seed = 1; seed <= 8; seed++) {
      const random = randomFrom(seed);
      const chosen = randomStyle(random);
      const planned = Array.from({ length: 60 }, () => common(randomPlan(random, chosen)));
      try {
        expectAlike(bothSend(planned));
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
  });

  it('spans at random, with attributes and their values bounded', () => {
    for (let seed = 1; seed <= 4; seed++) {
      const random = randomFrom(1000 + seed);
      const chosen = { ...randomStyle(random), maxUnits: 40 };
      const planned = Array.from({ length: 60 }, () =>
        oneUnitEach(common(randomPlan(random, chosen))),
      );
      const limits = { attributes: 1 + random.below(5), valueLength: 1 + random.below(20) };
      try {
        expectAlike(bothSend(planned, limits));
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
  });

  it('a child of a remote span, with its trace state', () => {
    const parent = {
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      traceFlags: 1,
      isRemote: true,
      traceState: createTraceState('rojo=00f067aa0ba902b7,congo=t61rcWkgMzE'),
    };
    expectAlike(
      bothSend([
        { ...PLAN, parent },
        { ...PLAN, parent: { ...parent, isRemote: false } },
      ]),
    );
  });

  it('exceptions', () => {
    const error = new TypeError('größe\nof two lines');
    const ended: ReadableSpan[] = [];
    const onEnd = (span: ReadableSpan) => void ended.push(span);
    const provider = new TracerProvider({
      spanProcessors: [{ onStart() {}, onEnd } as never],
    });
    const rig = traceRig('simd');
    for (const tracer of [provider.getTracer('t'), rig.tracer('t')]) {
      const span = tracer.startSpan('s', { startTime: [1_700_000_000, 0] }, ROOT_CONTEXT);
      span.recordException(error, [1_700_000_001, 0]);
      span.recordException('only text', [1_700_000_001, 0]);
      span.recordException({ code: 42, message: 'm' }, [1_700_000_001, 0]);
      span.recordException({ code: 'ENOENT', name: 'Error', stack: 's' }, [1_700_000_001, 0]);
      span.recordException({ name: 'OnlyName' }, [1_700_000_001, 0]);
      // Difference 10.
      span.recordException({ stack: 'only a stack' } as never, [1_700_000_001, 0]);
      span.end([1_700_000_002, 0]);
    }
    const [theirs, ours] = [ProtobufTraceSerializer.serializeRequest(ended)!, rig.encode()].map(
      (request) => spansOf(decodeOfficially(request))[0]!.events,
    );
    expect(theirs).toHaveLength(5);
    expect(ours!.slice(0, 5)).toEqual(theirs);
    expect(ours!.slice(5).map((event) => event.attributes)).toEqual([
      [['exception.stacktrace', { string: 'only a stack' }]],
    ]);
  });

  it('a local parent, in both', () => {
    const rig = traceRig('simd');
    const provider = new TracerProvider({});
    for (const tracer of [provider.getTracer('t'), rig.tracer('t')]) {
      const parent = tracer.startSpan('parent', {}, ROOT_CONTEXT);
      const context = traceApi.setSpan(ROOT_CONTEXT, parent);
      const child = tracer.startSpan('child', {}, context).spanContext();
      const stranger = tracer.startSpan('stranger', { root: true }, context).spanContext();
      // Ours says that the trace id is random (W3C Trace Context Level 2).
      const { traceId, traceFlags } = parent.spanContext();
      expect(child).toMatchObject({ traceId, traceFlags });
      expect(traceFlags & 1).toBe(1);
      expect(child.spanId).not.toBe(parent.spanContext().spanId);
      expect(stranger.traceId).not.toBe(parent.spanContext().traceId);
    }
  });

  // Each of the differences listed above, so that the list stays true.
  it.each<readonly [string, Partial<SpanPlan>]>([
    ['2: large integers', { attributes: [['v', 2 ** 60]] }],
    ['3: -0', { attributes: [['v', -0]] }],
    ['4: bigint', { attributes: [['v', 1n]] }],
    [
      '5: attributes of events',
      { calls: [{ call: 'addEvent', name: 'e', attributes: [['v', { a: 1 }]], time: [1, 0] }] },
    ],
    [
      '6: more events than the limit',
      {
        calls: Array.from({ length: 130 }, (_, i) => ({
          call: 'addEvent',
          name: `e${i}`,
          attributes: undefined,
          time: [1, 0],
        })),
      },
    ],
    ['7: attributes with an empty key', { attributes: [['', 1]] }],
    ['8: an end before the start', { startTime: [10, 2_500_000_000], endTime: [11, 0] }],
  ])('differs as documented in %s', (_, plan) => {
    const requests = bothSend([{ ...PLAN, ...plan }]);
    expect(() => expectAlike(requests)).toThrow();
    // Nothing else about these spans is unlike.
    expectAlike(bothSend([common({ ...PLAN, ...plan, calls: plan.calls?.slice(0, 128) ?? [] })]));
  });
});
