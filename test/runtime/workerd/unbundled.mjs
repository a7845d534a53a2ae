import { start } from 'otlp-wasm';
import { answerWith } from './answer.mjs';

// biome-ignore lint/style/noDefaultExport: what the runtime asks of a worker.
export default { fetch: answerWith(start) };
