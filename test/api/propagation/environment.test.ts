import {
  createTraceState,
  propagation,
  ROOT_CONTEXT,
  type SpanContext,
  trace,
} from '@opentelemetry/api';
import { afterEach, describe, expect, it } from 'vitest';
import {
  b3,
  composite,
  contextFromEnvironment,
  type Environment,
  environmentGetter,
  environmentSetter,
  environmentWithContext,
  jaeger,
  w3cBaggage,
  w3cTraceContext,
  xray,
} from '../../../src/propagators.ts';
import { start } from '../../../src/runtime/node/index.ts';
import { startCollector } from '../../../src/workbench/collector/index.ts';
import { bundle, runNode, temporaryFolder } from '../../support/bundle.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const w3c = composite([w3cTraceContext(), w3cBaggage()]);

function contextOf(spanContext: Partial<SpanContext> = {}, user?: string) {
  const whole = { traceId: TRACE, spanId: SPAN, traceFlags: 1, ...spanContext };
  const context = trace.setSpanContext(ROOT_CONTEXT, whole);
  if (user === undefined) return context;
  return propagation.setBaggage(context, propagation.createBaggage({ user: { value: user } }));
}

afterEach(() => propagation.disable());

describe('Environment Variables as Context Propagation Carriers', () => {
  it('are TRACEPARENT, TRACESTATE and BAGGAGE for the W3C propagators', () => {
    const env: Environment = {};
    const traceState = createTraceState('vendor=1');
    w3c.inject(contextOf({ traceState }, 'Ü'), env, environmentSetter);
    expect(env).toEqual({
      TRACEPARENT: `00-${TRACE}-${SPAN}-01`,
      TRACESTATE: 'vendor=1',
      BAGGAGE: 'user=%C3%9C',
    });
    const read = w3c.extract(ROOT_CONTEXT, env, environmentGetter);
    expect(trace.getSpanContext(read)).toMatchObject({ traceId: TRACE, spanId: SPAN });
    expect(trace.getSpanContext(read)?.traceState?.serialize()).toBe('vendor=1');
    expect(propagation.getBaggage(read)?.getEntry('user')?.value).toBe('Ü');
  });

  it.each([
    ['traceparent', 'TRACEPARENT'],
    ['x-b3-traceid', 'X_B3_TRACEID'],
    ['A.b c', 'A_B_C'],
    ['1st', '_1ST'],
    ['', '_'],
    ['straße', 'STRA_E'],
    ['ı', '_'],
    ['😀', '_'],
    ['_ok_', '_OK_'],
  ])('normalize the key %o to %s, in get and in set', (key, name) => {
    const env: Environment = {};
    environmentSetter.set(env, key, 'value');
    expect(env).toEqual({ [name]: 'value' });
    expect(environmentGetter.get(env, key)).toBe('value');
    expect(environmentGetter.keys(env)).toEqual([name]);
  });

  it('does not read or list names that are not normalized', () => {
    const env = { traceparent: 'a', 'x-b3-traceid': 'b', '': 'c', '1A': 'd', PATH: 'e' };
    expect(environmentGetter.get(env, 'traceparent')).toBeUndefined();
    expect(environmentGetter.get(env, 'x-b3-traceid')).toBeUndefined();
    expect(environmentGetter.keys(env)).toEqual(['PATH']);
  });

  it('hands values on as they are', () => {
    const env: Environment = {};
    environmentSetter.set(env, 'traceparent', ' not valid\n');
    expect(environmentGetter.get(env, 'traceparent')).toBe(' not valid\n');
  });

  it.each([
    ['b3', b3()],
    ['b3multi', b3({ inject: 'multi' })],
    ['jaeger', jaeger()],
    ['xray', xray()],
  ])('carry the span of other propagators: %s', (_, propagator) => {
    const env: Environment = {};
    propagator.inject(contextOf(), env, environmentSetter);
    expect(environmentGetter.keys(env)).toEqual(Object.keys(env));
    const read = propagator.extract(ROOT_CONTEXT, env, environmentGetter);
    expect(trace.getSpanContext(read)).toMatchObject({ traceId: TRACE, spanId: SPAN });
  });

  it('a copy for a child process has nothing left of another context', () => {
    propagation.setGlobalPropagator(w3c);
    const env = { PATH: '/bin', TRACEPARENT: 'old', TRACESTATE: 'old=1', BAGGAGE: 'old=1' };
    expect(environmentWithContext(env, contextOf())).toEqual({
      PATH: '/bin',
      TRACEPARENT: `00-${TRACE}-${SPAN}-01`,
    });
    expect(environmentWithContext(env, ROOT_CONTEXT)).toEqual({ PATH: '/bin' });
    expect(env.TRACEPARENT).toBe('old');
  });

  it('without any, or with invalid ones, a process starts from the root', () => {
    propagation.setGlobalPropagator(w3c);
    expect(contextFromEnvironment({})).toBe(ROOT_CONTEXT);
    expect(contextFromEnvironment({ TRACEPARENT: '00-0-0-00' })).toBe(ROOT_CONTEXT);
  });

  it.each([
    ['the default propagators', undefined],
    ['OTEL_PROPAGATORS=b3multi,baggage in both', 'b3multi,baggage'],
  ])('a child process goes on with the trace of its parent: %s', async (_, propagators) => {
    const folder = temporaryFolder();
    const collector = await startCollector({ port: 0 });
    try {
      await bundle('test/fixtures/environment-child.ts', folder.path);
      const own: Environment = { TEST_COLLECTOR: collector.url, OTEL_PROPAGATORS: propagators };
      const parent = start({
        endpoint: collector.url,
        ...(propagators && { propagator: composite([b3({ inject: 'multi' }), w3cBaggage()]) }),
      }).register();
      const span = parent.tracer('parent').startSpan('spawns');
      const context = trace.setSpan(contextOf({}, 'Ü'), span);
      const env = environmentWithContext({ ...own, BAGGAGE: 'stale=1' }, context);
      const child = await runNode([`${folder.path}/bundle.mjs`], env);
      expect(child).toMatchObject({ code: 0, stderr: '' });
      span.end();
      await parent.shutdown();

      const spans = collector.traces();
      const ofChild = spans.find(({ name }) => name === 'in the child')!;
      const { traceId, spanId } = span.spanContext();
      expect(ofChild).toMatchObject({ traceId, parentSpanId: spanId });
      expect(JSON.parse(String(ofChild.attributes.seen))).toEqual({ user: 'Ü' });
    } finally {
      await collector.close();
      folder.remove();
    }
  });
});
