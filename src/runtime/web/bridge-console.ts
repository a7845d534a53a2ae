import { bridgeConsoleWith, type ConsoleBridgeOptions } from '../../bridges/console.ts';
import { formatValues } from '../../bridges/format.ts';
import type { BridgeTarget } from '../../bridges/logger.ts';

// Documented where declarations come from: ../node/bridge-console.ts.
export function bridgeConsole(target: BridgeTarget, options?: ConsoleBridgeOptions): () => void {
  return bridgeConsoleWith(formatValues, target, options);
}
