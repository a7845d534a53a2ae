import * as functions from 'otlp-wasm/compress';
import { compressJourney } from './journey.mjs';

console.log(JSON.stringify(await compressJourney(functions)));
