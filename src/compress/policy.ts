/**
 * Who compresses what the core does not. Loaded late, with the binary `codecs` of its host: most
 * programs send gzip at level `fast`, which the core makes.
 */

import type { CodecsExports } from '../engine/generated/contract.ts';
import { CODECS_END } from '../engine/generated/layout.ts';
import type { MemoryPlan } from '../engine/plan.ts';
import { type Engine, type EngineSources, instantiate } from '../engine/select.ts';
import {
  type CompressionPolicy,
  compressByHost,
  type Encoding,
  type HostCompress,
  type LateCompressor,
} from './compress.ts';
import { LEVELS, type Level } from './encoding.ts';
import { FORMATS } from './formats.ts';

/** `host` where it has the encoding: where it has not, `codecs`. */
type Who = 'codecs' | 'host';

/**
 * Who compresses, on the engines that are WebAssembly and on the portable one. The rows of
 * `npm run bench -- compress/` that it follows from are beside it; a host that has an encoding, but is
 * not to be asked for it, leaves it out of what it gives to `lateCompressor`.
 */
const WHO: Readonly<Record<Exclude<Encoding, 'identity'>, { readonly wasm: Who; portable: Who }>> =
  {
    // compress/gzip-default, compress/gzip-best: native zlib is slower than the kernel in WebAssembly
    // and faster than the same in JavaScript.
    gzip: { wasm: 'codecs', portable: 'host' },
    deflate: { wasm: 'codecs', portable: 'host' },
    zlib: { wasm: 'codecs', portable: 'host' },
    // compress/zstd-fast: zlib/zstd-1 of Node 22.15 and later.
    zstd: { wasm: 'host', portable: 'host' },
    // Nobody else has them.
    lz4: { wasm: 'codecs', portable: 'codecs' },
    snappy: { wasm: 'codecs', portable: 'codecs' },
    'x-snappy-framed': { wasm: 'codecs', portable: 'codecs' },
    // There is no kernel for it.
    br: { wasm: 'host', portable: 'host' },
  };

/** What a late compressor is made of. */
export interface LateParts {
  readonly engine: Engine;
  readonly policy: CompressionPolicy;
  /** Of the engine's memory. */
  readonly plan: Pick<MemoryPlan, 'ringAt' | 'compressed'>;
}

/** What a host compresses with. */
export interface LateSources {
  readonly codecs: EngineSources<CodecsExports>;
  /** Its own compressors. */
  readonly host: Partial<
    Readonly<
      Record<Encoding, (bytes: Uint8Array<ArrayBuffer>, level: Level) => ReturnType<HostCompress>>
    >
  >;
}

/**
 * What compresses as the policy has it now. Kernels run over the engine's own memory, which has been
 * laid out for them (`planMemory`).
 */
export async function lateCompressor(
  { engine, policy, plan }: LateParts,
  sources: LateSources,
): Promise<LateCompressor> {
  const { encoding, level, grpc } = policy;
  if (encoding === 'identity') throw new Error('nothing is to be compressed');
  const byHost = sources.host[encoding];
  const who = WHO[encoding][engine.kernels === undefined ? 'portable' : 'wasm'];
  const memory = new Uint8Array(engine.buffer);
  if (who === 'host' && byHost !== undefined) {
    const make: LateCompressor['make'] = (at, bytes, contentType) =>
      compressByHost(memory.slice(at, at + bytes), contentType, encoding, (raw) =>
        byHost(raw, level),
      );
    return { encoding, make };
  }
  const format = FORMATS.get(encoding === 'snappy' && grpc ? 'x-snappy-framed' : encoding);
  if (format === undefined) throw new Error(`this host has no ${encoding}`);
  // A host that has less than it says (`Host.native`): kernels would write over the ring.
  if (plan.ringAt < CODECS_END) throw new Error('there is no room for it');
  const source = await sources.codecs[engine.name]();
  const kernels = instantiate<CodecsExports>(source, engine.memory);
  const { at: dst, capacity } = plan.compressed;
  return {
    encoding,
    make(src, rawBytes, contentType) {
      const job = { kernels, memory, src, length: rawBytes, dst, capacity };
      const written = format.whole(LEVELS[level], job);
      return written > 0
        ? { body: memory.slice(dst, dst + written), encoding, contentType, rawBytes }
        : // There is room for what gets a little larger.
          { body: memory.slice(src, src + rawBytes), encoding: 'identity', contentType, rawBytes };
    },
  };
}
