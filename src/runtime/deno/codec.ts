import { codecOn } from '../../codec.ts';
import { inlinedEngines } from '../../engine/inlined.ts';

// Documented where declarations come from: ../node/codec.ts.
export const { encodeTraces, encodeTracesJson, encodeLogs, encodeLogsJson, ready } =
  codecOn(inlinedEngines);

export { isOtlpError, OtlpError } from '../../errors.ts';
