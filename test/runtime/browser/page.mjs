import { start } from 'otlp-wasm';
import { journey, nestedJourney, optionsFor } from './journey.mjs';

const asked = new URLSearchParams(location.search);
const endpoint = asked.get('collector');
const travel = asked.has('nested') ? nestedJourney : journey;
globalThis.result = travel(start, optionsFor(endpoint)).catch((error) => ({ error: error.stack }));
