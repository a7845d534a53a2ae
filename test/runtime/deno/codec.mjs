import * as codec from 'otlp-wasm/codec';
import { codecJourney } from './journey.mjs';

console.log(JSON.stringify(await codecJourney(codec)));
