import { start } from 'otlp-wasm';
import { journey, optionsFor } from './journey.mjs';

const endpoint = new URLSearchParams(location.search).get('collector');
globalThis.result = journey(start, optionsFor(endpoint)).catch((error) => ({ error: error.stack }));
