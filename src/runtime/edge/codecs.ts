import codecs from '../../engine/generated/codecs-simd.wasm';
import type { CodecsExports } from '../../engine/generated/contract.ts';
import type { EngineSources } from '../../engine/select.ts';
import { notHere } from './not-here.ts';

/** As `engines.ts`: a module that is imported statically, or JavaScript where it is refused. */
export const codecsSources: EngineSources<CodecsExports> = {
  simd: () => codecs,
  scalar: notHere,
  portable: () => import('../../engine/generated/codecs-portable.js'),
};
