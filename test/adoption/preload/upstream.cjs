// Upstream's NodeSDK, set up before the application as its documentation says. All but the
// instrumentations and the resource's detectors is read from OTEL_*.

const { createRequire } = require('node:module');
const { join } = require('node:path');

const ofApplication = createRequire(join(process.cwd(), 'app.js'));
const { NodeSDK } = ofApplication('@opentelemetry/sdk-node');
const resources = ofApplication('@opentelemetry/resources');

const OPTIONS = { '@fastify/otel': { registerOnInitialization: true } };

const sdk = new NodeSDK({
  instrumentations: instrumentations(),
  // Upstream's own; those of clouds would ask the network.
  resourceDetectors: [
    resources.envDetector,
    resources.hostDetector,
    resources.osDetector,
    resources.processDetector,
    resources.serviceInstanceIdDetector,
  ],
});
sdk.start();

process.once('SIGTERM', () => sdk.shutdown());

/** Of the packages that the application's package.json lists, as `otlp-wasm/register` does. */
function instrumentations() {
  return Object.keys(ofApplication('./package.json').dependencies).flatMap((name) => {
    if (!/instrumentations?-|fastify\/otel$/.test(name)) return [];
    const exported = ofApplication(name);
    if (exported.getNodeAutoInstrumentations) return exported.getNodeAutoInstrumentations();
    const Instrumentation = Object.values(exported).find(isInstrumentation);
    return new Instrumentation(OPTIONS[name]);
  });
}

function isInstrumentation(value) {
  return /^\w+Instrumentation$/.test(value.name ?? '');
}
