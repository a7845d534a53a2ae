import { ROOT_CONTEXT, type Span, trace as traceApi } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { saidDuring, withBrokenDiag } from '../../support/diag.ts';
import { started } from '../../support/telemetry.ts';

const LINK = { context: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 } };

const CALLS: Record<string, (span: Span) => unknown> = {
  setAttribute: (span) => span.setAttribute('late', 1),
  setAttributes: (span) => span.setAttributes({ late: 1, later: 2 }),
  addEvent: (span) => span.addEvent('late', { a: 1 }),
  addLink: (span) => span.addLink(LINK),
  addLinks: (span) => span.addLinks([LINK, LINK]),
  setStatus: (span) => span.setStatus({ code: 2, message: 'late' }),
  updateName: (span) => span.updateName('late'),
  recordException: (span) => span.recordException(new Error('late')),
  end: (span) => span.end([4_000_000_000, 0]),
};

describe('after the end of a span', () => {
  it.each(Object.entries(CALLS))('%s is ignored, counted and said once', async (method, call) => {
    const { arrived, tracer, traces } = started();
    const span = tracer.startSpan('s', { startTime: [100, 0], attributes: { a: 1 } });
    span.end([101, 5]);
    expect(traces().lateCalls).toBe(0);
    const { traceId, spanId } = span.spanContext();
    const said = await saidDuring(() => {
      const returned = call(span);
      expect(returned).toBe(['recordException', 'end'].includes(method) ? undefined : span);
    });
    expect(said).toEqual([
      {
        level: 'debug',
        line: `otlp-wasm: ${method} on span ${traceId}-${spanId} after its end does nothing`,
        more: [],
      },
    ]);
    expect(traces().lateCalls).toBe(1);
    expect(span).toMatchObject({ name: 's', attributes: { a: 1 }, events: [], links: [] });
    expect(await arrived()).toMatchObject([
      {
        name: 's',
        attributes: { a: 1 },
        events: [],
        links: [],
        status: { code: 0, message: '' },
        droppedAttributesCount: 0,
        endTimeUnixNano: 101_000_000_005n,
      },
    ]);
    expect(traces().recorded).toBe(1);
  });

  it('every call counts, of every span, and flushing does not change that', async () => {
    const { arrived, tracer, traces } = started();
    const spans = ['a', 'b'].map((name) => tracer.startSpan(name));
    for (const span of spans) {
      span.end();
      for (const call of Object.values(CALLS)) call(span);
    }
    await arrived();
    for (const span of spans) span.setAttribute('much later', 1);
    expect(traces().lateCalls).toBe(2 * Object.keys(CALLS).length + 2);
    expect(traces()).toMatchObject({ recorded: 2, sent: 2 });
  });

  it('reading it is no late call, nor is having children', () => {
    const { tracer, traces } = started();
    const span = tracer.startSpan('s');
    span.end();
    expect(span.isRecording()).toBe(false);
    span.spanContext();
    tracer.startSpan('child', {}, traceApi.setSpan(ROOT_CONTEXT, span)).end();
    expect(traces().lateCalls).toBe(0);
  });

  it('calls on spans that are not recorded are not late', () => {
    const { tracer, traces } = started({ disabled: true });
    const span = tracer.startSpan('s');
    span.end();
    for (const call of Object.values(CALLS)) call(span);
    expect(traces().lateCalls).toBe(0);
  });

  it('a logger that throws harms nobody', async () => {
    const { arrived, tracer, traces } = started();
    const span = tracer.startSpan('s');
    span.end();
    withBrokenDiag(() => {
      for (const call of Object.values(CALLS)) call(span);
    });
    expect(traces().lateCalls).toBe(Object.keys(CALLS).length);
    expect(await arrived()).toHaveLength(1);
  });
});

describe('what limits have dropped', () => {
  const limits = { attributes: 1, events: 1, links: 1 };

  it('is said in one line per span, when it ends, with the counts', async () => {
    const { tracer } = started({ limits });
    const span = tracer.startSpan('s', { attributes: { a: 1, b: 2 }, links: [LINK, LINK] });
    const { traceId, spanId } = span.spanContext();
    expect(
      await saidDuring(() => {
        for (let i = 0; i < 50; i++) {
          span.setAttribute(`k${i}`, 1).addEvent('e').addLink(LINK);
        }
      }),
    ).toEqual([]);
    expect(await saidDuring(() => span.end())).toEqual([
      {
        level: 'warn',
        line: `otlp-wasm: limits dropped 51 attributes, 49 events and 51 links of span ${traceId}-${spanId}`,
        more: [],
      },
    ]);
  });

  it('nothing is said where nothing is dropped', async () => {
    const { tracer } = started({ limits });
    const said = await saidDuring(() => {
      const span = tracer.startSpan('s', { attributes: { a: 1 }, links: [LINK] });
      // A message and links are kept with the counts of what was dropped.
      span.addEvent('e').setStatus({ code: 2, message: 'm' });
      span.end();
    });
    expect(said).toEqual([]);
  });

  it('a logger that throws does not keep the span back', async () => {
    const { arrived, tracer } = started({ limits });
    withBrokenDiag(() => tracer.startSpan('s', { attributes: { a: 1, b: 2 } }).end());
    expect(await arrived()).toMatchObject([{ attributes: { a: 1 }, droppedAttributesCount: 1 }]);
  });
});
