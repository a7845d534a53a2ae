// OpenTelemetry JS 3.x as its packages are published, behind the few functions the benches
// need. `upstream.d.mts` has the types: this folder is type-checked without being installed.

import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  JsonTraceSerializer,
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { LoggerProvider } from '@opentelemetry/sdk-logs';
import {
  AggregationTemporality,
  AggregationType,
  MeterProvider,
  MetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  AlwaysOffSampler,
  BatchSpanProcessor,
  NoopSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';

const resource = resourceFromAttributes({ 'service.name': 'bench' });

function tracerOf(...spanProcessors) {
  return new TracerProvider({ resource, spanProcessors }).getTracer('bench', '1.0.0');
}

export function recordNothing() {
  const spanProcessors = [new NoopSpanProcessor()];
  const provider = new TracerProvider({
    resource,
    spanProcessors,
    sampler: new AlwaysOffSampler(),
  });
  return provider.getTracer('bench', '1.0.0');
}

export function contextManager() {
  return new AsyncLocalStorageContextManager();
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

/** BatchSpanProcessor with its defaults; its own OTLP/HTTP protobuf exporter unless given another. */
export function delivering({ url, gzip, Exporter = OTLPTraceExporter }) {
  const exporter = new Exporter({ url, compression: gzip ? 'gzip' : 'none' });
  let exported = 0;
  let answered = 0;
  let failed = 0;
  let wake;
  const counted = {
    export(spans, done) {
      exported += spans.length;
      exporter.export(spans, (result) => {
        if (result.code === 0) answered += spans.length;
        else failed += spans.length;
        done(result);
        wake?.();
      });
    },
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
  };
  const processor = new BatchSpanProcessor({ exporter: counted });
  return {
    tracer: tracerOf(processor),
    exported: () => exported,
    settled: () => answered + failed,
    failed: () => failed,
    /** Resolves when the next export is answered. */
    progress() {
      return new Promise((resolve) => {
        wake = resolve;
      });
    },
    flush: () => processor.forceFlush(),
    shutdown: () => processor.shutdown(),
  };
}

export function logging() {
  let records = [];
  const collect = {
    onEmit: (record) => void records.push(record),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
  return {
    logger: new LoggerProvider({ resource, processors: [collect] }).getLogger('bench', '1.0.0'),
    take() {
      const taken = records;
      records = [];
      return taken;
    },
  };
}

export function serializeLogs(records) {
  return ProtobufLogsSerializer.serializeRequest(records);
}

/** Only collects when asked. */
class AskedReader extends MetricReader {
  async onForceFlush() {}
  async onShutdown() {}
}

export function metering({ temporality, histogram, cardinalityLimit }) {
  const chosen =
    temporality === 'delta' ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE;
  const reader = new AskedReader({
    aggregationTemporalitySelector: () => chosen,
    aggregationSelector: (type) => ({
      type:
        histogram === 'exponential' && type === 'HISTOGRAM'
          ? AggregationType.EXPONENTIAL_HISTOGRAM
          : AggregationType.DEFAULT,
    }),
    cardinalitySelector: () => cardinalityLimit,
  });
  const provider = new MeterProvider({ resource, readers: [reader] });
  return {
    meter: provider.getMeter('bench', '1.0.0'),
    async collect() {
      const { resourceMetrics, errors } = await reader.collect();
      if (errors.length > 0) throw errors[0];
      return ProtobufMetricsSerializer.serializeRequest(resourceMetrics);
    },
  };
}
