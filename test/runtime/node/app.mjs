import { isOtlpError, start } from 'otlp-wasm';
import { journey } from './journey.mjs';

try {
  console.log(JSON.stringify(await journey(start, JSON.parse(process.env.OPTIONS))));
} catch (error) {
  if (!isOtlpError(error)) throw error;
  console.log(JSON.stringify({ code: error.code, message: error.message }));
}
