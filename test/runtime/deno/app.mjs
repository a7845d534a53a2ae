import { start } from 'otlp-wasm';
import { journey, nestedJourney } from './journey.mjs';

// Options come as an argument: the program has no permission to read the environment.
const [options, kind] = Deno.args;
const travel = kind === 'nested' ? nestedJourney : journey;
console.log(JSON.stringify(await travel(start, JSON.parse(options))));
