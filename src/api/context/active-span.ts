import { type Context, type Span, trace as traceApi } from '@opentelemetry/api';

let key: symbol | undefined;

/** The key under which the API keeps the active span: asked of the API itself, once. */
function spanKey(): symbol {
  if (key === undefined) {
    const probe: Context = {
      getValue: () => undefined,
      setValue(asked) {
        key = asked;
        return probe;
      },
      deleteValue: () => probe,
    };
    traceApi.setSpan(probe, traceApi.wrapSpanContext({ traceId: '', spanId: '', traceFlags: 0 }));
  }
  return key as symbol;
}

/**
 * A context with an active span, as `trace.setSpan` would make it, without the copy of all other
 * values that this takes: they are looked up where they are. Never deeper than one such context
 * on another, since the span of the lower one could not be seen any more.
 */
export class ActiveSpanContext implements Context {
  readonly span: Span;
  /** Everything but the span. */
  readonly rest: Context;

  constructor(parent: Context, span: Span) {
    this.span = span;
    this.rest = parent instanceof ActiveSpanContext ? parent.rest : parent;
  }

  getValue(asked: symbol): unknown {
    return asked === spanKey() ? this.span : this.rest.getValue(asked);
  }

  setValue(changed: symbol, value: unknown): Context {
    if (changed === spanKey()) return this.rest.setValue(changed, value);
    return this.rest.setValue(changed, value).setValue(spanKey(), this.span);
  }

  deleteValue(removed: symbol): Context {
    if (removed === spanKey()) return this.rest.deleteValue(removed);
    return this.rest.deleteValue(removed).setValue(spanKey(), this.span);
  }
}
