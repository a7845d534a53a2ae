/** `otlp-wasm/codec` as a subject, and what the exporters do with its encoder. */

import { gzipCapacity, makeCompress } from '../../src/compress/compress.ts';
import { planMemory } from '../../src/engine/plan.ts';
import { selectEngine } from '../../src/engine/select.ts';
import { spanEncoder } from '../../src/exporters/record-encoder.ts';
import type { SpanLike } from '../../src/exporters/span-like.ts';
import { engines } from '../../src/runtime/node/engines.ts';

/** The second half of `encodeJson`. */
export { tracesToJson as toJson } from '../../src/codec/json.ts';
export {
  encodeTraces as encode,
  encodeTracesJson as encodeJson,
} from '../../src/runtime/node/codec.ts';

const SIZE = 8 * 2 ** 20;

/** Encodes and compresses as `otlp-wasm/exporters/proto` does. */
export function exporting(): { bodyOf(spans: readonly object[]): Uint8Array } {
  const plan = planMemory(SIZE, SIZE, gzipCapacity(SIZE));
  const engine = selectEngine(engines, 'simd', plan.bytes);
  if (engine instanceof Promise) throw new Error('the engine is bundled here');
  const encoder = spanEncoder(engine, plan);
  const unused = () => {
    throw new Error('the engine has a kernel of its own');
  };
  const compress = makeCompress({
    engine,
    policy: { encoding: 'gzip', level: 'fast', minBytes: 450, grpc: false },
    host: { gzip: unused },
    room: plan.compressed,
    contentType: 'application/x-protobuf',
  });
  return {
    bodyOf(spans) {
      const bodies: Uint8Array[] = [];
      encoder.encode(
        spans as readonly SpanLike[],
        ({ at, bytes }) => {
          const body = compress(at, bytes);
          if ('body' in body) bodies.push(body.body);
        },
        unused,
      );
      if (bodies.length !== 1) throw new Error(`${bodies.length} requests`);
      return bodies[0]!;
    },
  };
}
