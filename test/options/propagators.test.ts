import {
  defaultTextMapGetter,
  defaultTextMapSetter,
  propagation,
  ROOT_CONTEXT,
  type TextMapPropagator,
  trace,
} from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { type RarePropagator, resolvePropagator } from '../../src/options/propagators.ts';
import { jaeger, otTrace, xray } from '../../src/propagators.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const RARE = { jaeger, xray, ottrace: otTrace };

function resolve(
  value: string | undefined,
  rare: (name: RarePropagator) => TextMapPropagator | undefined = (name) => RARE[name](),
) {
  const warnings: string[] = [];
  const env = { OTEL_PROPAGATORS: value };
  const propagator = resolvePropagator(env, (line) => warnings.push(line), rare);
  return { propagator, warnings };
}

/** The headers a propagator writes for a span with baggage. */
function headersOf(propagator: TextMapPropagator | undefined): string[] {
  const span = trace.setSpanContext(ROOT_CONTEXT, { traceId: TRACE, spanId: SPAN, traceFlags: 1 });
  const baggage = propagation.createBaggage({ user: { value: '1' } });
  const carrier = {};
  propagator?.inject(propagation.setBaggage(span, baggage), carrier, defaultTextMapSetter);
  return Object.keys(carrier);
}

const MULTI = ['x-b3-traceid', 'x-b3-spanid', 'x-b3-sampled'];
const OT_TRACE = ['ot-tracer-traceid', 'ot-tracer-spanid', 'ot-tracer-sampled', 'ot-baggage-user'];

describe('OTEL_PROPAGATORS', () => {
  it.each([
    ['tracecontext', ['traceparent']],
    ['baggage', ['baggage']],
    ['tracecontext,baggage', ['traceparent', 'baggage']],
    ['baggage,tracecontext', ['baggage', 'traceparent']],
    ['b3', ['b3']],
    ['b3multi', MULTI],
    ['b3,b3multi', ['b3', ...MULTI]],
    ['jaeger', ['uber-trace-id', 'uberctx-user']],
    ['xray', ['x-amzn-trace-id']],
    ['ottrace', OT_TRACE],
    [' b3 ,\ttracecontext ,', ['b3', 'traceparent']],
    ['B3,TraceContext', ['b3', 'traceparent']],
  ])('%o writes %o', (value, headers) => {
    const { propagator, warnings } = resolve(value);
    expect(headersOf(propagator)).toEqual(headers);
    expect(warnings).toEqual([]);
  });

  it.each([undefined, '', ' ', ',', ' , ,'])('%o is unset: the default applies', (value) => {
    expect(resolve(value)).toEqual({ propagator: undefined, warnings: [] });
  });

  it('takes each name once', () => {
    const { propagator } = resolve('b3,baggage,B3, b3');
    let writes = 0;
    const span = trace.setSpanContext(ROOT_CONTEXT, {
      traceId: TRACE,
      spanId: SPAN,
      traceFlags: 1,
    });
    propagator?.inject(span, {}, { set: () => void writes++ });
    expect(writes).toBe(1);
  });

  it.each(['none', ' NONE ', 'none,none'])('%o propagates nothing', (value) => {
    const { propagator, warnings } = resolve(value);
    expect(propagator?.fields()).toEqual([]);
    expect(headersOf(propagator)).toEqual([]);
    const headers = { traceparent: `00-${TRACE}-${SPAN}-01`, baggage: 'user=1' };
    expect(propagator?.extract(ROOT_CONTEXT, headers, defaultTextMapGetter)).toBe(ROOT_CONTEXT);
    expect(warnings).toEqual([]);
  });

  it.each([
    ['b3,zipkin', "'zipkin'"],
    ['Zipkin,b3,opencensus', "'Zipkin', 'opencensus'"],
    ['none,b3', "'none'"],
    ['b3,constructor,__proto__', "'constructor', '__proto__'"],
  ])('%o: warns of %s and takes the rest', (value, shown) => {
    const { propagator, warnings } = resolve(value);
    expect(headersOf(propagator)).toEqual(['b3']);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(`OTEL_PROPAGATORS has ${shown}, which is ignored; give some of`);
    expect(warnings[0]).toContain('tracecontext, baggage, b3, b3multi, jaeger, xray, ottrace');
  });

  it('with nothing that can be used, the default applies, and a warning says so', () => {
    const { propagator, warnings } = resolve('zipkin');
    expect(propagator).toBeUndefined();
    expect(warnings).toEqual([
      expect.stringContaining("'zipkin'"),
      'OTEL_PROPAGATORS names nothing that can be used; tracecontext,baggage is used.',
    ]);
  });

  it('goes on without a rare one that cannot be had', () => {
    const asked: string[] = [];
    const rare = (name: string) => void asked.push(name);
    const { propagator, warnings } = resolve('jaeger,b3', rare as () => undefined);
    expect(headersOf(propagator)).toEqual(['b3']);
    expect(asked).toEqual(['jaeger']);
    // Whoever could not come by it has said so.
    expect(warnings).toEqual([]);
  });

  it('asks for no rare one that is not named', () => {
    const rare = (): never => {
      throw new Error('asked');
    };
    expect(resolve('tracecontext,baggage,b3,b3multi', rare).propagator).toBeDefined();
  });
});
