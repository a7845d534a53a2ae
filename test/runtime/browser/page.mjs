import { isOtlpError, start } from 'otlp-wasm';
import {
  journey,
  missingExporter,
  nestedJourney,
  optionsFor,
  record,
  refusedJourney,
  signalsJourney,
} from './journey.mjs';

const asked = new URLSearchParams(location.search);
const options = optionsFor(asked.get('collector'), {
  protocol: asked.get('protocol') ?? undefined,
  compression: asked.get('compression') ?? undefined,
});

function travel() {
  if (asked.has('nested')) return nestedJourney(start, options);
  if (asked.has('signals')) return signalsJourney(start, options);
  if (asked.has('refused')) return refusedJourney(start, options);
  if (asked.has('exporter')) {
    return missingExporter(() => import('otlp-wasm/exporters/grpc'), isOtlpError);
  }
  return journey(start, options);
}

if (asked.has('leave')) {
  globalThis.telemetry = start(options);
  globalThis.record = () => record(globalThis.telemetry);
} else {
  globalThis.result = travel().catch((error) =>
    isOtlpError(error) ? { code: error.code, message: error.message } : { error: error.stack },
  );
}
