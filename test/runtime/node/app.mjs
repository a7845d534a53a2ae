import { isOtlpError, start } from 'otlp-wasm';
import { journey, nestedJourney, refusedJourney } from './journey.mjs';

const JOURNEYS = { nested: nestedJourney, refused: refusedJourney };

try {
  const travel = JOURNEYS[process.argv[2]] ?? journey;
  console.log(JSON.stringify(await travel(start, JSON.parse(process.env.OPTIONS))));
} catch (error) {
  if (!isOtlpError(error)) throw error;
  console.log(JSON.stringify({ code: error.code, message: error.message }));
}
