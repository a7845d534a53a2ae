import { encodeTraces, encodeTracesJson, isOtlpError, ready } from 'otlp-wasm/codec';
import { codecJourney } from './journey.mjs';

const codec = { encodeTraces, encodeTracesJson, isOtlpError, ready };
globalThis.result = codecJourney(codec).catch(({ stack }) => ({ error: stack }));
