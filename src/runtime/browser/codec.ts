import { codecOn } from '../../codec.ts';
import { inlinedEngines } from '../../engine/inlined.ts';

// Documented where declarations come from: ../node/codec.ts.
export const { encodeTraces, encodeTracesJson, ready } = codecOn(inlinedEngines);

export { isOtlpError, OtlpError } from '../../errors.ts';
