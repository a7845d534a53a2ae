import { start } from 'otlp-wasm';
import { journey, nestedJourney, optionsFor, record } from './journey.mjs';

const asked = new URLSearchParams(location.search);
const endpoint = asked.get('collector');
const travel = asked.has('nested') ? nestedJourney : journey;
if (asked.has('leave')) {
  globalThis.telemetry = start(optionsFor(endpoint));
  globalThis.record = () => record(globalThis.telemetry);
} else {
  globalThis.result = travel(start, optionsFor(endpoint)).catch(({ stack }) => ({ error: stack }));
}
