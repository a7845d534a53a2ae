import { codecOn } from '../../codec.ts';
import { engines } from './engines.ts';

// Documented where declarations come from: ../node/codec.ts.
export const { encodeTraces, encodeTracesJson, encodeLogs, encodeLogsJson, ready } =
  codecOn(engines);

export { isOtlpError, OtlpError } from '../../errors.ts';
