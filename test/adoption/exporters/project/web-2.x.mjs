// Upstream's SDK 2.x in a browser.

import {
  BatchSpanProcessor,
  SimpleSpanProcessor,
  WebTracerProvider,
} from '@opentelemetry/sdk-trace-web';

export { resourceFromAttributes } from '@opentelemetry/resources';

export const line = '2.x';

export const batch = (exporter, options) => new BatchSpanProcessor(exporter, options);

export const simple = (exporter) => new SimpleSpanProcessor(exporter);

export const webProvider = (options) => new WebTracerProvider(options);
