import {
  createContextKey,
  defaultTextMapGetter,
  defaultTextMapSetter,
  diag,
  ROOT_CONTEXT,
  type TextMapPropagator,
} from '@opentelemetry/api';
import { afterEach, describe, expect, it } from 'vitest';
import { compositePropagator } from '../../../src/api/propagation/composite.ts';

const SEEN = createContextKey('seen');

function named(name: string): TextMapPropagator {
  return {
    inject: (_, carrier, setter) => setter.set(carrier, name, 'injected'),
    extract: (context) =>
      context.setValue(SEEN, [...((context.getValue(SEEN) as string[]) ?? []), name]),
    fields: () => [name, 'shared'],
  };
}

class FailingPropagator implements TextMapPropagator {
  inject(): void {
    throw new Error('no inject');
  }
  extract(): never {
    throw new Error('no extract');
  }
  fields(): string[] {
    return [];
  }
}

afterEach(() => diag.disable());

function warnings(): string[] {
  const lines: string[] = [];
  const ignore = () => {};
  diag.setLogger({
    warn: (line) => lines.push(line),
    error: ignore,
    info: ignore,
    debug: ignore,
    verbose: ignore,
  });
  return lines;
}

describe('compositePropagator', () => {
  it('asks all, in their order', () => {
    const both = compositePropagator([named('a'), named('b')]);
    const carrier = {};
    both.inject(ROOT_CONTEXT, carrier, defaultTextMapSetter);
    expect(carrier).toEqual({ a: 'injected', b: 'injected' });
    const context = both.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter);
    expect(context.getValue(SEEN)).toEqual(['a', 'b']);
  });

  it('names each field once', () => {
    expect(compositePropagator([named('a'), named('b')]).fields()).toEqual(['a', 'shared', 'b']);
  });

  it('goes on after one that throws, and says so', () => {
    const lines = warnings();
    const composite = compositePropagator([named('a'), new FailingPropagator(), named('b')]);
    const carrier = {};
    composite.inject(ROOT_CONTEXT, carrier, defaultTextMapSetter);
    expect(carrier).toEqual({ a: 'injected', b: 'injected' });
    const context = composite.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter);
    expect(context.getValue(SEEN)).toEqual(['a', 'b']);
    expect(lines).toEqual([
      'otlp-wasm: FailingPropagator could not inject into a carrier: no inject',
      'otlp-wasm: FailingPropagator could not extract from a carrier: no extract',
    ]);
  });

  it('of none does nothing', () => {
    const none = compositePropagator([]);
    expect(none.extract(ROOT_CONTEXT, {}, defaultTextMapGetter)).toBe(ROOT_CONTEXT);
    expect(none.fields()).toEqual([]);
  });
});
