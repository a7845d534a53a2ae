/** How the requests that an encoder leaves in engine memory become what is sent. */

import {
  type Body,
  type CompressionPolicy,
  compressByHost,
  isLate,
  type LateCompressor,
  makeCompress,
} from './compress/compress.ts';
import { shown } from './deliver/outcome.ts';
import type { RecordedSignal } from './deliver/transport.ts';
import type { MemoryPlan } from './engine/plan.ts';
import type { Engine } from './engine/select.ts';
import type { Host } from './runtime/host.ts';

/** How requests of one OTLP encoding are made from those in protobuf. */
export interface ExportFormat {
  readonly contentType: string;
  readonly transcode?: (signal: RecordedSignal, request: Uint8Array) => Uint8Array<ArrayBuffer>;
}

export const PROTOBUF: ExportFormat = { contentType: 'application/x-protobuf' };

/**
 * Makes a body of the request of `bytes` bytes at `at`, which may be overwritten afterwards. `noted`
 * says that it is what the engine encoded last, so that what the encoder has noted is about it.
 */
export type MakeBody = (at: number, bytes: number, noted?: boolean) => Body | Promise<Body>;

/** What bodies are made with. */
export interface BodyParts {
  readonly signal: RecordedSignal;
  readonly engine: Engine;
  readonly plan: MemoryPlan;
  readonly policy: CompressionPolicy;
  readonly host: Pick<Host, 'gzip' | 'compressor'>;
}

function makeBodies(
  parts: BodyParts,
  { contentType, transcode }: ExportFormat,
  late?: LateCompressor,
): MakeBody {
  const { signal, engine, plan, policy, host } = parts;
  const { request, compressed: room } = plan;
  const compress = makeCompress({ ...parts, late, room, contentType });
  if (transcode === undefined) return compress;
  const memory = new Uint8Array(engine.buffer);
  return (at, bytes) => {
    const body = transcode(signal, memory.subarray(at, at + bytes));
    const rawBytes = body.length;
    if (policy.encoding === 'identity') {
      return { body, encoding: 'identity', contentType, rawBytes };
    }
    // Every server takes gzip.
    if (rawBytes > request.limitBytes) return compressByHost(body, contentType, 'gzip', host.gzip);
    // In place of the request it says the same as.
    memory.set(body, request.at);
    return compress(request.at, rawBytes);
  };
}

/**
 * Bodies in that format, compressed as the policy says. While one of the two is being loaded, the first
 * requests wait for it; in its place they are protobuf, or gzip, if it cannot be had.
 */
export function bodiesOn(
  parts: BodyParts,
  format: ExportFormat | Promise<ExportFormat>,
  warn: (line: string) => void,
): MakeBody {
  const { plan, policy, engine, host } = parts;
  const takesLate = isLate(policy);
  if (!takesLate && !('then' in format)) return makeBodies(parts, format);
  const { at: room } = plan.request;
  const memory = new Uint8Array(engine.buffer);
  let make: MakeBody | undefined;
  const had = <T>(what: string, loading: Promise<T>, instead: string) =>
    loading.catch((error: unknown) => {
      warn(`${what} cannot be had, ${instead} is sent: ${shown(String(error), [])}`);
      return undefined;
    });
  const loaded = Promise.all([
    had('JSON', Promise.resolve(format), 'protobuf'),
    takesLate && had(policy.encoding, host.compressor(parts), 'gzip'),
  ]).then(([ready = PROTOBUF, late]) => {
    if (late === undefined) policy.encoding = 'gzip';
    make = makeBodies(parts, ready, late || undefined);
    return make;
  });
  return (at, bytes, noted) => {
    if (make !== undefined) return make(at, bytes, noted);
    const request = memory.slice(at, at + bytes);
    return loaded.then((ready) => {
      memory.set(request, room);
      return ready(room, request.length);
    });
  };
}
