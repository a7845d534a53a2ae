import * as hash from 'otlp-wasm/hash';
import { hashJourney } from './journey.mjs';

console.log(JSON.stringify(await hashJourney(hash)));
