import { start } from 'otlp-wasm';
import { journey } from './journey.mjs';

// Options come as an argument: the program has no permission to read the environment.
console.log(JSON.stringify(await journey(start, JSON.parse(Deno.args[0]))));
