// OpenTelemetry JS 2.x, as ../upstream.mjs has 3.x.

import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, NoopSpanProcessor } from '@opentelemetry/sdk-trace-base';

const resource = resourceFromAttributes({ 'service.name': 'bench' });

function tracerOf(...spanProcessors) {
  return new BasicTracerProvider({ resource, spanProcessors }).getTracer('bench', '1.0.0');
}

export function recordOnly() {
  return tracerOf(new NoopSpanProcessor());
}

export function collecting() {
  let spans = [];
  const collect = {
    onStart() {},
    onEnd: (span) => void spans.push(span),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
  return {
    tracer: tracerOf(collect),
    take() {
      const taken = spans;
      spans = [];
      return taken;
    },
  };
}

export function serialize(spans) {
  return ProtobufTraceSerializer.serializeRequest(spans);
}

export function serializeJson(spans) {
  return JsonTraceSerializer.serializeRequest(spans);
}
