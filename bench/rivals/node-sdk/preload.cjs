// Upstream's part of the rows about preloading in bench/start-up.mjs: its SDK for Node as a user
// sets it up, without instrumentations.

const { NodeSDK } = require('@opentelemetry/sdk-node');

new NodeSDK().start();
