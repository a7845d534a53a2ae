/** `otlp-wasm/hash` on each engine. */

import type { HashesExports } from '../../src/engine/generated/contract.ts';
import * as portable from '../../src/engine/generated/hashes-portable.js';
import { hashesBinary as scalar } from '../../src/engine/generated/hashes-scalar.ts';
import { hashesBinary as simd } from '../../src/engine/generated/hashes-simd.ts';
import { ENGINES, type EngineName, type EngineSources } from '../../src/engine/select.ts';
import { type Hashes, hashesOn } from '../../src/hash.ts';
import { refused } from './codecs.ts';

export const hashesSources: EngineSources<HashesExports> = {
  simd: () => Buffer.from(simd, 'hex'),
  scalar: () => Buffer.from(scalar, 'hex'),
  portable: () => portable,
};

/** A host that has one engine. */
export function onlyHashes(name: EngineName): EngineSources<HashesExports> {
  const none = { simd: refused, scalar: refused, portable: refused };
  return { ...none, [name]: hashesSources[name] };
}

/** What the entry has, afresh for each engine. */
export function hashes(): readonly { readonly engine: EngineName; readonly hash: Hashes }[] {
  return ENGINES.map((engine) => ({ engine, hash: hashesOn(onlyHashes(engine)) }));
}
