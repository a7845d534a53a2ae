// Upstream's SDK 2.x on Node.

import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

export { setGlobalErrorHandler } from '@opentelemetry/core';
export { NodeSDK } from '@opentelemetry/sdk-node';
export * from './web-2.x.mjs';

export const provider = (options) => new NodeTracerProvider(options);
