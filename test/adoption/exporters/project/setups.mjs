// The ways upstream's SDK is given an exporter.

import { context, propagation, trace } from '@opentelemetry/api';

/** Longer than a test may take: what is sent is sent because of its size, a flush or the end. */
const scheduledDelayMillis = 3_600_000;

export function disableGlobals() {
  for (const api of [trace, context, propagation]) api.disable();
}

const withProcessor = (provider, processor) => (sdk, exporter, options) => {
  const { resource, idGenerator, spanLimits, ...ofProcessor } = options;
  const spanProcessors = [
    sdk[processor](exporter, processor === 'batch' ? { scheduledDelayMillis, ...ofProcessor } : {}),
  ];
  const made = sdk[provider]({ resource, idGenerator, spanLimits, spanProcessors });
  return {
    getTracer: made.getTracer.bind(made),
    forceFlush: () => made.forceFlush(),
    shutdown: () => made.shutdown(),
  };
};

/** `(sdk, exporter, options)`: those of a provider and of the processor in one object. */
export const setups = {
  batch: withProcessor('provider', 'batch'),
  simple: withProcessor('provider', 'simple'),
  web: withProcessor('webProvider', 'batch'),
  nodeSdk(sdk, exporter, { maxExportBatchSize = 512, ...options }) {
    process.env.OTEL_BSP_SCHEDULE_DELAY = String(scheduledDelayMillis);
    process.env.OTEL_BSP_MAX_EXPORT_BATCH_SIZE = String(maxExportBatchSize);
    process.env.OTEL_METRICS_EXPORTER = 'none';
    process.env.OTEL_LOGS_EXPORTER = 'none';
    // Those of a case that did not get to its end.
    disableGlobals();
    const started = new sdk.NodeSDK({
      ...options,
      traceExporter: exporter,
      autoDetectResources: false,
    });
    started.start();
    return {
      getTracer: (...of) => trace.getTracer(...of),
      // It has none of its own.
      forceFlush: async () => {},
      shutdown: () => started.shutdown().finally(disableGlobals),
    };
  },
};
