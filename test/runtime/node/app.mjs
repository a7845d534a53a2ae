import { isOtlpError, start } from 'otlp-wasm';
import { journey, nestedJourney } from './journey.mjs';

try {
  const travel = process.argv[2] === 'nested' ? nestedJourney : journey;
  console.log(JSON.stringify(await travel(start, JSON.parse(process.env.OPTIONS))));
} catch (error) {
  if (!isOtlpError(error)) throw error;
  console.log(JSON.stringify({ code: error.code, message: error.message }));
}
