// The rows "Context Propagation" of OpenTelemetry's compliance matrix, each as users meet it: by
// way of @opentelemetry/api, after `register()` on Node.

import {
  type Context,
  context,
  createContextKey,
  defaultTextMapGetter,
  defaultTextMapSetter,
  propagation,
  ROOT_CONTEXT,
  type TextMapGetter,
  type TextMapPropagator,
  type TextMapSetter,
  trace,
} from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compositePropagator } from '../../../src/api/propagation/composite.ts';
import { type StartOptions, start, type Telemetry } from '../../../src/runtime/node/index.ts';
import { inMemoryTransport } from '../../../src/testing/index.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const TRACEPARENT = `00-${TRACE}-${PARENT}-01`;

let telemetry: Telemetry;

function register(options: StartOptions = {}): void {
  telemetry = start({ transport: inMemoryTransport(), ...options }).register();
}

afterEach(() => telemetry.shutdown());

/** Writes and reads one field of its own. */
function oneField(field: string): TextMapPropagator & { readonly key: symbol } {
  const key = createContextKey(field);
  return {
    key,
    inject: (context, carrier, setter) =>
      setter.set(carrier, field, String(context.getValue(key) ?? 'none')),
    extract: (context, carrier, getter) => context.setValue(key, getter.get(carrier, field)),
    fields: () => [field],
  };
}

describe('compliance matrix: Context', () => {
  beforeEach(() => register());

  it('Create Context Key: what one key holds no other reads or changes', () => {
    const tenant = createContextKey('tenant');
    const user = createContextKey('user');
    const both = context.active().setValue(tenant, 'a').setValue(user, 'b');
    expect([both.getValue(tenant), both.getValue(user)]).toEqual(['a', 'b']);
    expect(both.deleteValue(tenant).getValue(user)).toBe('b');
    expect(both.getValue(createContextKey('another'))).toBeUndefined();
  });

  it('Get value from Context: of the active one, wherever the call has got to', async () => {
    const key = createContextKey('tenant');
    const seen = await context.with(context.active().setValue(key, 'a'), async () => {
      await Promise.resolve();
      return new Promise((resolve) => setImmediate(() => resolve(context.active().getValue(key))));
    });
    expect(seen).toBe('a');
    expect(context.active().getValue(key)).toBeUndefined();
  });

  it('Set value for Context: a new context, the old one as it was', () => {
    const key = createContextKey('tenant');
    const before = context.active().setValue(key, 'a');
    const after = before.setValue(key, 'b');
    expect([before.getValue(key), after.getValue(key)]).toEqual(['a', 'b']);
    expect(after.deleteValue(key).getValue(key)).toBeUndefined();
    expect(after.getValue(key)).toBe('b');
  });

  it('Attach Context: it is the active one until the function has returned', async () => {
    const outer = context.active();
    const attached = outer.setValue(createContextKey('tenant'), 'a');
    const running = context.with(attached, async () => {
      expect(context.active()).toBe(attached);
      await Promise.resolve();
      expect(context.active()).toBe(attached);
    });
    expect(context.active()).toBe(outer);
    await running;
    const bound = context.bind(attached, () => context.active());
    expect(bound()).toBe(attached);
  });

  it('Detach Context: what was active before is active again, also after a throw', () => {
    const key = createContextKey('tenant');
    const outer = context.active().setValue(key, 'outer');
    context.with(outer, () => {
      const inner = outer.setValue(key, 'inner');
      expect(context.with(inner, () => context.active())).toBe(inner);
      expect(context.active()).toBe(outer);
      const failing = () => {
        throw new Error('inside');
      };
      expect(() => context.with(inner, failing)).toThrow('inside');
      expect(context.active()).toBe(outer);
    });
    expect(context.active()).toBe(ROOT_CONTEXT);
  });

  it('Get current Context: the root at first, then what holds the active span', () => {
    expect(context.active()).toBe(ROOT_CONTEXT);
    trace.getTracer('test').startActiveSpan('order', (span) => {
      expect(trace.getSpan(context.active())).toBe(span);
      expect(trace.getActiveSpan()).toBe(span);
      span.end();
    });
    expect(context.active()).toBe(ROOT_CONTEXT);
  });
});

describe('compliance matrix: Propagators', () => {
  it('Composite Propagator: all inject and extract, in the order they are given', () => {
    const first = oneField('x-first');
    const second = oneField('x-second');
    register({ propagator: compositePropagator([first, second]) });
    const sending = ROOT_CONTEXT.setValue(first.key, '1').setValue(second.key, '2');
    const carrier: Record<string, string> = {};
    propagation.inject(sending, carrier);
    expect(Object.entries(carrier)).toEqual([
      ['x-first', '1'],
      ['x-second', '2'],
    ]);
    const received = propagation.extract(ROOT_CONTEXT, carrier);
    expect([received.getValue(first.key), received.getValue(second.key)]).toEqual(['1', '2']);
  });

  it('Global Propagator: nothing until register(), then W3C trace context and baggage, nothing after shutdown()', async () => {
    const carrier = { traceparent: TRACEPARENT, baggage: 'tenant=a' };
    expect(propagation.extract(ROOT_CONTEXT, carrier)).toBe(ROOT_CONTEXT);
    register();
    const received = propagation.extract(ROOT_CONTEXT, carrier);
    expect(trace.getSpanContext(received)).toMatchObject({ traceId: TRACE, spanId: PARENT });
    expect(propagation.getBaggage(received)?.getEntry('tenant')?.value).toBe('a');
    const sent = {};
    propagation.inject(received, sent);
    expect(sent).toEqual(carrier);
    await telemetry.shutdown();
    expect(propagation.extract(ROOT_CONTEXT, carrier)).toBe(ROOT_CONTEXT);
  });

  it('TraceContext Propagator: a span below a remote caller stays in its trace', () => {
    register();
    const carrier = { traceparent: TRACEPARENT, tracestate: 'vendor=1' };
    const caller = propagation.extract(ROOT_CONTEXT, carrier);
    expect(trace.getSpanContext(caller)?.isRemote).toBe(true);
    trace.getTracer('test').startActiveSpan('GET', {}, caller, (span) => {
      const sent: Record<string, string> = {};
      propagation.inject(context.active(), sent);
      const { spanId } = span.spanContext();
      expect(spanId).not.toBe(PARENT);
      expect(sent).toEqual({
        traceparent: `00-${TRACE}-${spanId}-01`,
        tracestate: 'vendor=1',
      });
      span.end();
    });
  });

  it("TextMapPropagator: one of the user's own takes the place of ours", () => {
    const own = oneField('x-own');
    register({ propagator: own });
    const carrier: Record<string, string> = { traceparent: TRACEPARENT, 'x-own': 'received' };
    const received = propagation.extract(ROOT_CONTEXT, carrier);
    expect(received.getValue(own.key)).toBe('received');
    expect(trace.getSpanContext(received)).toBeUndefined();
    const sent = {};
    propagation.inject(received, sent);
    expect(sent).toEqual({ 'x-own': 'received' });
  });

  it('Fields: every header that inject may write, so that a carrier can be cleared', () => {
    register();
    expect(propagation.fields()).toEqual(['traceparent', 'tracestate', 'baggage']);
    const carrier: Record<string, string> = {
      traceparent: TRACEPARENT,
      tracestate: 'vendor=1',
      baggage: 'tenant=a',
    };
    const received = propagation.extract(ROOT_CONTEXT, carrier);
    for (const field of propagation.fields()) delete carrier[field];
    expect(carrier).toEqual({});
    propagation.inject(received, carrier);
    expect(Object.keys(carrier).sort()).toEqual([...propagation.fields()].sort());
  });

  it('Setter argument: each header is written by it, into a carrier of any kind', () => {
    register();
    const received = propagation.extract(ROOT_CONTEXT, {
      traceparent: TRACEPARENT,
      tracestate: 'vendor=1',
      baggage: 'tenant=a',
    });
    const setter: TextMapSetter<[string, string][]> = {
      set: (carrier, key, value) => void carrier.push([key, value]),
    };
    const carrier: [string, string][] = [];
    propagation.inject(received, carrier, setter);
    expect(carrier).toEqual([
      ['traceparent', TRACEPARENT],
      ['tracestate', 'vendor=1'],
      ['baggage', 'tenant=a'],
    ]);
    const byDefault = {};
    propagation.inject(received, byDefault, defaultTextMapSetter);
    expect(byDefault).toEqual(Object.fromEntries(carrier));
  });

  it('Getter argument: each header is read by it, from a carrier of any kind', () => {
    register();
    const getter: TextMapGetter<Headers> = {
      get: (carrier, key) => carrier.get(key) ?? undefined,
      keys: (carrier) => [...carrier.keys()],
    };
    const headers = new Headers({ TraceParent: TRACEPARENT, Baggage: 'tenant=a' });
    headers.append('TraceState', 'one=1');
    headers.append('TraceState', 'two=2');
    const received = propagation.extract(ROOT_CONTEXT, headers, getter);
    expect(describeContext(received)).toEqual([TRACE, 'one=1,two=2', 'a']);
  });

  it('Getter argument: several values of one header may come as an array (GetAll)', () => {
    register();
    const fields: [string, string][] = [
      ['traceparent', TRACEPARENT],
      ['tracestate', 'one=1'],
      ['baggage', 'tenant=a'],
      ['tracestate', 'two=2'],
      ['baggage', 'user=b'],
    ];
    const getter: TextMapGetter<[string, string][]> = {
      get: (carrier, key) => carrier.filter(([name]) => name === key).map(([, value]) => value),
      keys: (carrier) => carrier.map(([name]) => name),
    };
    const received = propagation.extract(ROOT_CONTEXT, fields, getter);
    expect(describeContext(received)).toEqual([TRACE, 'one=1,two=2', 'a']);
    expect(propagation.getBaggage(received)?.getEntry('user')?.value).toBe('b');
    const twice = propagation.extract(ROOT_CONTEXT, [...fields, fields[0]!], getter);
    expect(trace.getSpanContext(twice)).toBeUndefined();
  });

  it('Getter argument returning Keys: a propagator finds fields whose names it does not know', () => {
    const found = createContextKey('found');
    const byPrefix: TextMapPropagator = {
      inject: () => {},
      extract: (context, carrier, getter) => {
        const names = getter.keys(carrier).filter((name) => name.startsWith('x-tag-'));
        const tags = names.map((name) => [name.slice('x-tag-'.length), getter.get(carrier, name)]);
        return context.setValue(found, Object.fromEntries(tags));
      },
      fields: () => [],
    };
    register({ propagator: compositePropagator([byPrefix]) });
    const carrier = new Map([
      ['x-tag-tenant', 'a'],
      ['accept', '*/*'],
      ['x-tag-user', 'b'],
    ]);
    const getter: TextMapGetter<Map<string, string>> = {
      get: (carrier, key) => carrier.get(key),
      keys: (carrier) => [...carrier.keys()],
    };
    const tags = { tenant: 'a', user: 'b' };
    expect(propagation.extract(ROOT_CONTEXT, carrier, getter).getValue(found)).toEqual(tags);
    const plain = Object.fromEntries(carrier);
    const received = propagation.extract(ROOT_CONTEXT, plain, defaultTextMapGetter);
    expect(received.getValue(found)).toEqual(tags);
  });
});

/** Trace id, tracestate, and the baggage entry `tenant`. */
function describeContext(received: Context): (string | undefined)[] {
  const spanContext = trace.getSpanContext(received);
  return [
    spanContext?.traceId,
    spanContext?.traceState?.serialize(),
    propagation.getBaggage(received)?.getEntry('tenant')?.value,
  ];
}
