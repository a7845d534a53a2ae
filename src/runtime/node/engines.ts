import * as portable from '../../engine/generated/core-portable.js';
import { coreBinary as scalar } from '../../engine/generated/core-scalar.ts';
import { coreBinary as simd } from '../../engine/generated/core-simd.ts';
import type { EngineSources } from '../../engine/select.ts';

/** All of them are inside, and there at once. */
export const engines: EngineSources = {
  simd: () => Buffer.from(simd, 'hex'),
  scalar: () => Buffer.from(scalar, 'hex'),
  portable: () => portable,
};
