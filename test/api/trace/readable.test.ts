import {
  type Attributes,
  type AttributeValue,
  createTraceState,
  type HrTime,
  type Link,
  ROOT_CONTEXT,
  type SpanContext,
  type SpanOptions,
  SpanStatusCode,
  type Tracer,
  trace as traceApi,
} from '@opentelemetry/api';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import * as sdk from '@opentelemetry/sdk-trace';
import { describe, expect, it, vi } from 'vitest';
import type { ReadableSpan } from '../../../src/api/trace/readable.ts';
import type { StartOptions } from '../../../src/options/options.ts';
import { decodeRequest } from '../../../src/workbench/collector/decode.ts';
import { randomFrom, type SeededRandom } from '../../support/random.ts';
import { started } from '../../support/telemetry.ts';

const REMOTE: SpanContext = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: 1,
  isRemote: true,
  traceState: createTraceState('vendor=1,other=two'),
};
const START: HrTime = [1_700_000_000, 123_456_789];
const any = (value: unknown) => value as never;

/** Keeps spans as they ended. */
class Keeping {
  readonly ended: ReadableSpan[] = [];
  onStart() {}
  onEnd(span: ReadableSpan) {
    this.ended.push(span);
  }
  forceFlush = () => Promise.resolve();
  shutdown = () => Promise.resolve();
}

type Program = (tracer: Tracer) => void;

const SCOPE = ['shop', '1.2', { schemaUrl: 'https://example.com/s' }] as const;
const LIMITS: NonNullable<StartOptions['limits']> = {
  attributes: 4,
  attributesPerEvent: 2,
  attributesPerLink: 1,
  attributeValueLength: 5,
};

/** What both have read from the spans of a program: [upstream's, ours]. */
function readOnBoth(program: Program, limits: StartOptions['limits'] = {}) {
  const ours = new Keeping();
  const run = started({
    serviceName: 'shop',
    resource: { 'host.name': 'h', list: ['a'] },
    limits,
    spanProcessors: [ours],
  });
  program(run.telemetry.tracerProvider.getTracer(...SCOPE));
  const theirs = new Keeping();
  const described = (ours.ended[0] as ReadableSpan).resource;
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes(described.attributes, {
      schemaUrl: described.schemaUrl as string,
    }),
    spanProcessors: [theirs],
    spanLimits: {
      attributeCountLimit: limits.attributes ?? 128,
      attributePerEventCountLimit: limits.attributesPerEvent ?? 128,
      attributePerLinkCountLimit: limits.attributesPerLink ?? 128,
      attributeValueLengthLimit: limits.attributeValueLength ?? Number.POSITIVE_INFINITY,
    },
  });
  program(provider.getTracer(...SCOPE));
  return [theirs.ended.map(read), ours.ended.map(read)] as const;
}

/** Everything there is to read, but for ids of its own; what may be left out is made the same. */
function read(span: ReadableSpan | sdk.ReadableSpan) {
  const { schemaUrl, attributes, asyncAttributesPending } = span.resource;
  return {
    name: span.name,
    kind: span.kind,
    status: span.status,
    attributes: span.attributes,
    events: span.events.map((event) => ({
      name: event.name,
      time: event.time,
      attributes: event.attributes ?? {},
      dropped: event.droppedAttributesCount ?? 0,
    })),
    links: span.links.map((link) => ({
      context: link.context,
      attributes: link.attributes ?? {},
      dropped: link.droppedAttributesCount ?? 0,
    })),
    startTime: span.startTime,
    endTime: span.endTime,
    duration: span.duration,
    ended: span.ended,
    dropped: [span.droppedAttributesCount, span.droppedEventsCount, span.droppedLinksCount],
    scope: span.instrumentationScope,
    resource: { schemaUrl, attributes, pending: asyncAttributesPending ?? false },
    parent: span.parentSpanContext,
    traceState: span.spanContext().traceState?.serialize(),
    traceId: span.parentSpanContext && span.spanContext().traceId,
    sampled: span.spanContext().traceFlags & 1,
  };
}

const one =
  (work: (span: ReturnType<Tracer['startSpan']>) => void, options: SpanOptions = {}): Program =>
  (tracer) => {
    const span = tracer.startSpan('s', { startTime: START, ...options }, ROOT_CONTEXT);
    work(span);
    span.end([START[0] + 2, 23]);
  };

const EVERY_TYPE = {
  string: 'text',
  empty: '',
  unicode: 'ü 漢 🎉',
  int: 42,
  negative: -1,
  large: 2 ** 53 - 1,
  double: 0.5,
  nan: Number.NaN,
  infinite: Number.NEGATIVE_INFINITY,
  yes: true,
  no: false,
  strings: ['a', 'b'],
  numbers: [1, 2.5],
  booleans: [true, false],
  none: [],
};

describe('a span reads as one of the OpenTelemetry SDK', () => {
  it.each<[string, Program, StartOptions['limits']?]>([
    ['with nothing set', one(() => {})],
    ['with attributes of every type, at the start', one(() => {}, { attributes: EVERY_TYPE })],
    ['with attributes of every type, at once', one((span) => span.setAttributes(EVERY_TYPE))],
    [
      'with attributes of every type, one by one',
      one((span) => {
        for (const [key, value] of Object.entries(EVERY_TYPE)) span.setAttribute(key, value);
      }),
    ],
    [
      'with maps, bytes, nulls and lists of different things',
      one((span) => {
        span.setAttribute('map', any({ a: 1, b: { c: ['d', null] }, 7: 'seven' }));
        span.setAttribute('bytes', any(new Uint8Array([0, 255])));
        span.setAttribute('mixed', any(['a', 1, false, null, ['nested']]));
        span.setAttribute('null', any(null));
      }),
    ],
    [
      'with attributes set again',
      one((span) => span.setAttribute('a', 2).setAttributes({ b: 'x', a: 'y' }), {
        attributes: { a: 1, c: true },
      }),
    ],
    [
      'with events in every form of the call',
      one((span) => {
        span.addEvent('time', START);
        span.addEvent('attributes', EVERY_TYPE, [START[0], 5]);
        span.addEvent('date', {}, new Date(1_700_000_001_234));
        span.addEvent('milliseconds', { a: 1 }, 1_700_000_001_234.5);
        span.addEvent('', { a: ['x'] }, START);
      }),
    ],
    [
      'with links at the start and later',
      one(
        (span) => {
          span
            .addLink({ context: REMOTE })
            .addLinks([
              { context: { ...REMOTE, traceFlags: 0 }, attributes: { b: [1] } },
              { context: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 } },
            ]);
        },
        { links: [{ context: REMOTE, attributes: EVERY_TYPE }] },
      ),
    ],
    ...[0, 1, 2, 3, 4].map((kind): [string, Program] => [
      `of kind ${kind}`,
      one(() => {}, { kind }),
    ]),
    [
      'with the status of an error',
      one((span) => span.setStatus({ code: SpanStatusCode.ERROR, message: 'slow' })),
    ],
    ['with a status without a message', one((span) => span.setStatus({ code: 2 }))],
    [
      'with a status that is ok in the end',
      one((span) => {
        span.setStatus({ code: 2, message: 'slow' }).setStatus({ code: 1, message: 'not kept' });
        span.setStatus({ code: 2, message: 'late' }).setStatus({ code: 0 });
      }),
    ],
    ['with another name', one((span) => span.updateName('a').updateName('b'))],
    [
      'with an exception',
      one((span) => {
        const error = new RangeError('wrong');
        error.stack = 'RangeError: wrong\n    at here';
        span.recordException(error, START);
        span.recordException('text', START);
        span.recordException({ code: 'ECONNRESET', name: 'Error', message: 'reset' }, START);
        span.recordException({ code: 7 }, START);
      }),
    ],
    [
      'with a remote parent',
      (tracer) =>
        tracer
          .startSpan('s', { startTime: START }, traceApi.setSpanContext(ROOT_CONTEXT, REMOTE))
          .end([START[0], START[1] + 1]),
    ],
    [
      'with a parent that is invalid',
      (tracer) => {
        const context = traceApi.setSpanContext(ROOT_CONTEXT, { ...REMOTE, spanId: 'xyz' });
        tracer.startSpan('s', { startTime: START }, context).end(START);
      },
    ],
    [
      'as a root, whatever the context has',
      (tracer) => {
        const context = traceApi.setSpanContext(ROOT_CONTEXT, REMOTE);
        tracer.startSpan('s', { startTime: START, root: true }, context).end(START);
      },
    ],
    [
      'with an end before its start',
      (tracer) => {
        tracer.startSpan('s', { startTime: START }, ROOT_CONTEXT).end([START[0] - 1, 0]);
      },
    ],
    [
      'with a duration below a second across one',
      (tracer) => {
        tracer.startSpan('s', { startTime: [10, 999_999_999] }, ROOT_CONTEXT).end([11, 1]);
      },
    ],
    [
      'beyond the limits on attributes',
      one(
        (span) => {
          span.setAttributes({ a: 'changed', c: 'longer than five', d: ['longer', 'x'] });
          span.setAttribute('e', 1).setAttribute('f', 2).setAttribute('a', 3);
          span.addEvent('e', { a: 'longer', b: 1, c: 2, d: 3 }, START);
          span.addLink({ context: REMOTE, attributes: { a: 'longer', b: 1 } });
        },
        {
          attributes: { a: 1, b: 2 },
          links: [{ context: REMOTE, attributes: { a: 1, b: 2, c: 3 } }],
        },
      ),
      LIMITS,
    ],
    [
      'that got more attributes at the start than it may have',
      one(() => {}, { attributes: { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6 } }),
      LIMITS,
    ],
    [
      'with keys that mean something to JavaScript',
      one((span) => span.setAttributes({ constructor: 'a', toString: 1, 10: 'x', 9: 'y' })),
    ],
  ])('%s', (_, program, limits) => {
    const [theirs, ours] = readOnBoth(program, limits);
    expect(ours).toHaveLength(1);
    expect(ours).toEqual(theirs);
  });

  it('with a parent of this process', () => {
    const ours = new Keeping();
    const { tracer } = started({ spanProcessors: [ours] });
    const parent = tracer.startSpan('parent');
    tracer.startSpan('child', {}, traceApi.setSpan(ROOT_CONTEXT, parent)).end();
    expect(ours.ended[0]?.parentSpanContext).toEqual(parent.spanContext());
    expect(ours.ended[0]?.spanContext().traceId).toBe(parent.spanContext().traceId);
  });

  it('whatever is set, in any order', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const [theirs, ours] = readOnBoth(randomProgram(seed), seed % 2 ? {} : LIMITS);
      expect(ours, `seed ${seed}`).toEqual(theirs);
    }
  });
});

/** Values that events take as well. Without pairs of surrogates, which the SDK cuts in two. */
function randomValue(random: SeededRandom): AttributeValue {
  const text = () => 'aüπx漢 '.slice(random.below(3)).repeat(random.below(4));
  const values: (() => AttributeValue)[] = [
    text,
    () => random.below(1000) - 500,
    () => random.next(),
    () => random.below(2) === 0,
    () => Array.from({ length: random.below(4) }, text),
    () => Array.from({ length: random.below(4) }, () => random.next()),
  ];
  return values[random.below(values.length)]!();
}

function randomAttributes(random: SeededRandom): Attributes {
  const entries = Array.from({ length: random.below(7) }, () => [
    'abcdefgh'[random.below(8)]!,
    randomValue(random),
  ]);
  return Object.fromEntries(entries);
}

function randomProgram(seed: number): Program {
  return (tracer) => {
    const random = randomFrom(seed * 7919);
    const time = (): HrTime => [1_700_000_000 + random.below(1000), random.below(1e9)];
    const link = (): Link => ({ context: REMOTE, attributes: randomAttributes(random) });
    const span = tracer.startSpan(
      `s${seed}`,
      {
        startTime: time(),
        kind: random.below(5),
        attributes: randomAttributes(random),
        links: Array.from({ length: random.below(3) }, link),
      },
      random.below(2) ? ROOT_CONTEXT : traceApi.setSpanContext(ROOT_CONTEXT, REMOTE),
    );
    const calls = [
      () => span.setAttribute('abcdefgh'[random.below(8)]!, randomValue(random)),
      () => span.setAttributes(randomAttributes(random)),
      () => span.addEvent(`e${random.below(3)}`, randomAttributes(random), time()),
      () => span.addEvent(`e${random.below(3)}`, time()),
      () => span.addLink(link()),
      () => span.addLinks([link(), link()]),
      () => span.updateName(`n${random.below(9)}`),
      () => span.setStatus({ code: random.below(3) }),
      () => span.setStatus({ code: 2, message: `m${random.below(9)}` }),
    ];
    for (let i = random.below(12); i > 0; i--) calls[random.below(calls.length)]!();
    span.end(time());
  };
}

describe('what a getter gives', () => {
  it('is fresh: changing it changes neither the span nor what arrives', async () => {
    const { arrived, tracer } = started({
      spanProcessors: [
        {
          ...new Keeping(),
          onStart() {},
          onEnd() {},
          onEnding(span) {
            for (const attributes of [
              span.attributes,
              span.events[0]?.attributes,
              span.links[0]?.attributes,
            ] as Record<string, unknown>[]) {
              attributes['added'] = 1;
              (attributes['list'] as string[]).push('added');
              (attributes['bytes'] as Uint8Array)[0] = 9;
              (attributes['map'] as { deep: number[] }).deep.push(9);
            }
            span.events.pop();
            span.links.pop();
            span.startTime[0] = 0;
            span.status.code = 2;
          },
        },
      ],
    });
    const attributes = any({ list: ['a'], bytes: new Uint8Array([1]), map: { deep: [1] } });
    const span = tracer.startSpan('s', {
      startTime: START,
      attributes,
      links: [{ context: REMOTE, attributes }],
    });
    span.addEvent('e', attributes);
    span.end();
    const expected = { list: ['a'], bytes: new Uint8Array([1]), map: { deep: [1] } };
    const [sent] = await arrived();
    expect(sent?.attributes).toEqual(expected);
    expect(sent?.events).toMatchObject([{ attributes: expected }]);
    expect(sent?.links).toMatchObject([{ attributes: expected }]);
    expect(sent?.startTimeUnixNano).toBe(1_700_000_000_123_456_789n);
    expect(sent?.status.code).toBe(0);
  });

  it('is the same resource and scope for spans of the same tracer', () => {
    const kept = new Keeping();
    const { telemetry } = started({ spanProcessors: [kept] });
    for (const name of ['a', 'a', 'b']) telemetry.tracer(name).startSpan('s').end();
    const [first, second, other] = kept.ended;
    expect(second?.instrumentationScope).toBe(first?.instrumentationScope);
    expect(other?.instrumentationScope).not.toBe(first?.instrumentationScope);
    expect(other?.resource).toBe(first?.resource);
  });

  it('Fetch InstrumentationScope from ReadableSpan: name, version, schema URL, attributes', () => {
    const kept = new Keeping();
    const { telemetry } = started({ spanProcessors: [kept] });
    const options = { schemaUrl: 'https://example.com/s', attributes: { a: 1, b: ['x'] } };
    telemetry.tracerProvider.getTracer('full', '1.2', options).startSpan('s').end();
    telemetry.tracer('bare').startSpan('s').end();
    expect(kept.ended.map(({ instrumentationScope }) => instrumentationScope)).toEqual([
      { name: 'full', version: '1.2', ...options },
      { name: 'bare' },
    ]);
    expect(Object.keys(kept.ended[1]?.instrumentationScope ?? {})).toEqual(['name']);
  });

  it('keeps keys such as __proto__ apart from the object they are in', () => {
    const kept = new Keeping();
    const { tracer } = started({ spanProcessors: [kept] });
    const attributes = JSON.parse('{"__proto__": "text", "map": {"__proto__": {"x": 1}}}');
    tracer.startSpan('s', { attributes }).end();
    const got = kept.ended[0]?.attributes as Record<string, object>;
    expect(Object.entries(got)).toEqual(Object.entries(attributes));
    expect(Object.getPrototypeOf(got)).toBe(Object.prototype);
    expect(Object.keys(got['map'] ?? {})).toEqual(['__proto__']);
    expect((got['map'] as { x?: number }).x).toBeUndefined();
  });

  it('is a resource that can be asked and merged', async () => {
    const kept = new Keeping();
    const { tracer } = started({
      serviceName: 'shop',
      resource: { a: 1 },
      spanProcessors: [kept],
    });
    tracer.startSpan('s').end();
    const { resource } = kept.ended[0] as ReadableSpan;
    expect(resource.attributes).toMatchObject({ 'service.name': 'shop', a: 1 });
    expect(Object.fromEntries(resource.getRawAttributes())).toEqual(resource.attributes);
    expect(resource.merge({ attributes: { a: 2 } }).attributes).toEqual({
      ...resource.attributes,
      a: 2,
    });
    expect(resource.merge(null).attributes).toEqual(resource.attributes);
    expect(resource.asyncAttributesPending).toBe(false);
    await resource.waitForAsyncAttributes();
    const merged = resourceFromAttributes({ b: 1 }).merge(resource as never);
    expect(merged.attributes).toEqual({ ...resource.attributes, b: 1 });
  });

  it('is the resource as detectors have completed it', async () => {
    const kept = new Keeping();
    let found: (attributes: Attributes) => void = () => {};
    const { host, arrived, tracer } = started({
      spanProcessors: [kept],
      detectors: [
        {
          name: 'late',
          detect: () =>
            new Promise<{ attributes: Attributes }>((resolve) => {
              found = (attributes) => resolve({ attributes });
            }),
        } as never,
      ],
    });
    tracer.startSpan('s').end();
    const [span] = kept.ended;
    expect(span?.resource.attributes['late']).toBeUndefined();
    found({ late: 'found' });
    await host.settle();
    await arrived();
    expect(span?.resource.attributes['late']).toBe('found');
  });

  it('is not ended before the end: no end time, no duration', () => {
    const { tracer } = started();
    const span = tracer.startSpan('s') as unknown as ReadableSpan;
    expect(span).toMatchObject({ ended: false, endTime: [0, 0], duration: [0, 0] });
  });

  it('is right in the first second of 1970, too', () => {
    const { tracer } = started();
    const span = tracer.startSpan('s', { startTime: [0, 5] });
    span.end([0, 9]);
    expect(span).toMatchObject({ startTime: [0, 5], endTime: [0, 9], duration: [0, 4] });
  });
});

describe('a span that a processor keeps', () => {
  it('stays as it was, whatever becomes of the ring, the names and the process', async () => {
    const kept = new Keeping();
    const { arrived, host, telemetry, tracer } = started({
      ringBytes: 1 << 20,
      spanProcessors: [kept],
    });
    const record = (i: number) => {
      const span = tracer.startSpan('s', {
        attributes: { a: i, [`k${i % 7}`]: `v${i}`, list: [i] },
        links: [{ context: REMOTE, attributes: { i } }],
      });
      span.addEvent('e', { i, [`k${i % 5}`]: 'x' });
      if (i % 3 === 0) span.setStatus({ code: 2, message: `m${i}` });
      span.end();
    };
    const count = 3000;
    const early: unknown[] = [];
    for (let i = 0; i < count; i++) {
      record(i);
      early.push(read(kept.ended[i] as ReadableSpan));
      if (i % 500 === 0) await arrived();
    }
    await arrived();
    const down = telemetry.shutdown();
    await host.settle();
    await down;
    expect(kept.ended.map(read)).toEqual(early);
    expect(kept.ended[1234]).toMatchObject({
      name: 's',
      attributes: { a: 1234, k2: 'v1234', list: [1234] },
      events: [{ attributes: { i: 1234, k4: 'x' } }],
      links: [{ attributes: { i: 1234 } }],
    });
  });
});

describe("upstream's own processors and exporters", () => {
  /** Some spans of two scopes, of every kind of content. */
  function record(run: ReturnType<typeof started>) {
    const [a, b] = ['a', 'b'].map((name) => run.telemetry.tracer(name, '1.0')) as [Tracer, Tracer];
    const parent = a.startSpan('parent', { kind: 1, attributes: EVERY_TYPE });
    const context = traceApi.setSpan(ROOT_CONTEXT, parent);
    const child = b.startSpan('child', { links: [{ context: REMOTE }] }, context);
    child.addEvent('e', { a: 1, list: ['x'] }).setAttribute('map', any({ a: { b: [1, null] } }));
    child.setStatus({ code: 2, message: 'slow' }).addLink({ context: parent.spanContext() });
    child.end();
    a.startSpan('remote child', {}, traceApi.setSpanContext(ROOT_CONTEXT, REMOTE)).end();
    parent.end();
  }

  it('BatchSpanProcessor hands its exporter what ours has sent, when flushed', async () => {
    const exporter = new sdk.InMemorySpanExporter();
    const run = started({ spanProcessors: [new sdk.BatchSpanProcessor({ exporter })] });
    record(run);
    expect(exporter.getFinishedSpans()).toEqual([]);
    const sent = await run.arrived();
    expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual([
      'child',
      'remote child',
      'parent',
    ]);
    expect(sent.map(({ spanId }) => spanId).sort()).toEqual(
      exporter
        .getFinishedSpans()
        .map((span) => span.spanContext().spanId)
        .sort(),
    );
    const down = run.telemetry.shutdown();
    await run.host.settle();
    expect(await down).toMatchObject({ complete: true });
    // Its exporter was shut down as well.
    expect(exporter.getFinishedSpans()).toEqual([]);
  });

  it('SimpleSpanProcessor hands its exporter every span as it ends', () => {
    const exporter = new sdk.InMemorySpanExporter();
    const run = started({ spanProcessors: [new sdk.SimpleSpanProcessor({ exporter })] });
    record(run);
    expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual([
      'child',
      'remote child',
      'parent',
    ]);
  });

  it('ConsoleSpanExporter shows our spans', () => {
    const dir = vi.spyOn(console, 'dir').mockImplementation(() => {});
    try {
      const exporter = new sdk.ConsoleSpanExporter();
      const run = started({ spanProcessors: [new sdk.SimpleSpanProcessor({ exporter })] });
      record(run);
      expect(dir.mock.calls.map(([shown]) => shown)).toMatchObject([
        {
          name: 'child',
          kind: 0,
          instrumentationScope: { name: 'b', version: '1.0' },
          attributes: { map: { a: { b: [1, null] } } },
          status: { code: 2, message: 'slow' },
          events: [{ name: 'e', attributes: { a: 1, list: ['x'] } }],
          links: [{ context: REMOTE }, {}],
          duration: 0,
        },
        { name: 'remote child', parentSpanContext: REMOTE, traceId: REMOTE.traceId },
        { name: 'parent', kind: 1, attributes: EVERY_TYPE },
      ]);
    } finally {
      dir.mockRestore();
    }
  });

  it('the serializer writes of our spans what our encoder writes', async () => {
    const kept = new Keeping();
    const run = started({
      compression: 'none',
      serviceName: 'shop',
      resource: { list: ['a', 'b'], n: 1.5 },
      spanProcessors: [kept],
    });
    record(run);
    for (let seed = 1; seed <= 60; seed++) randomProgram(seed)(run.telemetry.tracer('random'));
    await run.arrived();
    const byId = (request: Uint8Array) => {
      const { spans } = decodeRequest('traces', 'protobuf', request);
      return [...spans].sort((a, b) => (a.spanId < b.spanId ? -1 : 1));
    };
    const [theirs, ours] = [
      ProtobufTraceSerializer.serializeRequest(kept.ended) as Uint8Array,
      run.transport.payloads[0]?.body as Uint8Array,
    ].map(byId);
    expect(ours).toHaveLength(63);
    expect(ours).toEqual(theirs);
  });
});
