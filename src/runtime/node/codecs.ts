import * as portable from '../../engine/generated/codecs-portable.js';
import { codecsBinary as scalar } from '../../engine/generated/codecs-scalar.ts';
import { codecsBinary as simd } from '../../engine/generated/codecs-simd.ts';
import type { CodecsExports } from '../../engine/generated/contract.ts';
import type { EngineSources } from '../../engine/select.ts';

/** The binary `codecs` for all engines: inside, and there at once. */
export const codecsSources: EngineSources<CodecsExports> = {
  simd: () => Buffer.from(simd, 'hex'),
  scalar: () => Buffer.from(scalar, 'hex'),
  portable: () => portable,
};
