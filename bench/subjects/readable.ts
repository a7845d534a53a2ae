/** `otlp-wasm/codec` as a subject. */

export { encodeTraces as encode } from '../../src/runtime/node/codec.ts';
