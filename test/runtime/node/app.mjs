import { isOtlpError, start } from 'otlp-wasm';
import { journey, nestedJourney, refusedJourney, signalsJourney } from './journey.mjs';

const JOURNEYS = { nested: nestedJourney, refused: refusedJourney, signals: signalsJourney };

try {
  const travel = JOURNEYS[process.argv[2]] ?? journey;
  console.log(JSON.stringify(await travel(start, JSON.parse(process.env.OPTIONS))));
} catch (error) {
  if (!isOtlpError(error)) throw error;
  console.log(JSON.stringify({ code: error.code, message: error.message }));
}
