// Upstream's SDK 3.x on Node.

export { setGlobalErrorHandler } from '@opentelemetry/core';
export { NodeSDK } from '@opentelemetry/sdk-node';
export * from './web-3.x.mjs';
export { webProvider as provider } from './web-3.x.mjs';
