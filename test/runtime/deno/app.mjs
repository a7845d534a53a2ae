import { start } from 'otlp-wasm';
import { journey, nestedJourney, refusedJourney, signalsJourney } from './journey.mjs';

const JOURNEYS = { nested: nestedJourney, refused: refusedJourney, signals: signalsJourney };

// Options come as an argument: the program has no permission to read the environment.
const [options, kind] = Deno.args;
const travel = JOURNEYS[kind] ?? journey;
console.log(JSON.stringify(await travel(start, JSON.parse(options))));
