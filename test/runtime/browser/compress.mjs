import { compress, compressionStream, isOtlpError, ready } from 'otlp-wasm/compress';
import { compressJourney } from './journey.mjs';

const functions = { compress, compressionStream, isOtlpError, ready };
globalThis.result = compressJourney(functions).catch(({ stack }) => ({ error: stack }));
