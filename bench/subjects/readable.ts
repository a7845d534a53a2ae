/** `otlp-wasm/codec` as a subject. */

/** The second half of `encodeJson`. */
export { tracesToJson as toJson } from '../../src/codec/json.ts';
export {
  encodeTraces as encode,
  encodeTracesJson as encodeJson,
} from '../../src/runtime/node/codec.ts';
