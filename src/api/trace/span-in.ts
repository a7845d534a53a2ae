import {
  type Context,
  isSpanContextValid,
  type SpanContext,
  trace as traceApi,
} from '@opentelemetry/api';
import { ActiveSpanContext } from '../context/active-span.ts';
import { FLAG_SELF_REMOTE, SpanIdentity } from './identity.ts';
import { wordOfHex } from './ids.ts';
import { NonRecordingSpan } from './non-recording.ts';

/** The active span of a context, whoever made it; undefined where it is none that is valid. */
export function spanIn(context: Context): SpanIdentity | undefined {
  const span = context instanceof ActiveSpanContext ? context.span : traceApi.getSpan(context);
  if (span instanceof SpanIdentity) return span;
  return span === undefined ? undefined : spanOf(span.spanContext());
}

/** A span that is not ours, mostly one in another process. */
export function spanOf(context: SpanContext): SpanIdentity | undefined {
  if (!isSpanContextValid(context)) return undefined;
  const { traceId, spanId, traceState } = context;
  const identity = new NonRecordingSpan();
  identity.traceId0 = wordOfHex(traceId, 0);
  identity.traceId1 = wordOfHex(traceId, 8);
  identity.traceId2 = wordOfHex(traceId, 16);
  identity.traceId3 = wordOfHex(traceId, 24);
  identity.spanId0 = wordOfHex(spanId, 0);
  identity.spanId1 = wordOfHex(spanId, 8);
  identity.flags = (context.traceFlags & 0xff) | (context.isRemote ? FLAG_SELF_REMOTE : 0);
  identity.traceState = traceState;
  return identity;
}
