import { type Context, context, isSpanContextValid, trace } from '@opentelemetry/api';

/**
 * The context of a record whose fields may name a span: `trace_id`, `span_id` and `trace_flags`, as
 * OpenTelemetry's instrumentations of loggers add them. Ids that tell no more than the record is going
 * to tell by itself are taken out of `fields`; those that are no ids of W3C Trace Context, or of
 * another span than the active one, stay.
 *
 * @returns undefined: the active context is the right one.
 */
export function contextOf(fields: Record<string, unknown>): Context | undefined {
  const { trace_id: traceId, span_id: spanId, trace_flags: flags } = fields;
  if (typeof traceId !== 'string' || typeof spanId !== 'string') return undefined;
  const active = context.active();
  const current = trace.getSpanContext(active);
  if (current !== undefined && isSpanContextValid(current)) {
    if (current.traceId === traceId && current.spanId === spanId) strip(fields);
    return undefined;
  }
  // Without flags a span counts as sampled: so nothing is lost where unsampled traces' records are.
  const traceFlags = flags === undefined ? 1 : Number.parseInt(String(flags), 16) & 0xff;
  const named = { traceId, spanId, traceFlags };
  if (!isSpanContextValid(named)) return undefined;
  strip(fields);
  return trace.setSpanContext(active, named);
}

function strip(fields: Record<string, unknown>): void {
  delete fields['trace_id'];
  delete fields['span_id'];
  delete fields['trace_flags'];
}

/** Those fields for the active span, for loggers whose records are read on another thread. */
export function traceFields(): Record<string, string> {
  const current = trace.getSpanContext(context.active());
  if (current === undefined || !isSpanContextValid(current)) return {};
  return {
    trace_id: current.traceId,
    span_id: current.spanId,
    trace_flags: (current.traceFlags & 0xff).toString(16).padStart(2, '0'),
  };
}
