// Upstream's SDK 3.x in a browser: one package for every host.

import { BatchSpanProcessor, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';

export { resourceFromAttributes } from '@opentelemetry/resources';

export const line = '3.x';

export const batch = (exporter, options) => new BatchSpanProcessor({ exporter, ...options });

export const simple = (exporter) => new SimpleSpanProcessor({ exporter });

export const webProvider = (options) => new TracerProvider(options);
