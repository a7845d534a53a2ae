/** How the requests that an encoder leaves in engine memory become what is sent. */

import {
  type Body,
  type CompressionPolicy,
  compressByHost,
  type HostCompressors,
  makeCompress,
} from './compress/compress.ts';
import type { MemoryPlan } from './engine/plan.ts';
import type { Engine } from './engine/select.ts';

/** How requests of one OTLP encoding are made from those in protobuf. */
export interface ExportFormat {
  readonly contentType: string;
  readonly transcode?: (request: Uint8Array) => Uint8Array<ArrayBuffer>;
}

export const PROTOBUF: ExportFormat = { contentType: 'application/x-protobuf' };

/** Makes a body of the request of `bytes` bytes at `at`, which may be overwritten afterwards. */
export type MakeBody = (at: number, bytes: number) => Body | Promise<Body>;

/** What bodies are made with. */
export interface BodyParts {
  readonly engine: Engine;
  readonly plan: MemoryPlan;
  readonly policy: CompressionPolicy;
  readonly host: HostCompressors;
}

export function makeBodies(parts: BodyParts, format: ExportFormat): MakeBody {
  const { engine, plan, policy, host } = parts;
  const { contentType, transcode } = format;
  const memory = new Uint8Array(engine.buffer);
  const compress = makeCompress({ ...parts, room: plan.compressed, contentType });
  if (transcode === undefined) return compress;
  return (at, bytes) => {
    const text = transcode(memory.subarray(at, at + bytes));
    const rawBytes = text.length;
    if (policy.compression === 'none') {
      return { body: text, encoding: 'identity', contentType, rawBytes };
    }
    if (rawBytes > plan.request.limitBytes) {
      return compressByHost(text, contentType, host, policy.compression);
    }
    // In place of the request it says the same as.
    memory.set(text, plan.request.at);
    return compress(plan.request.at, rawBytes);
  };
}

/**
 * Bodies of a format that is being loaded: the first requests wait for it. In its place they are
 * protobuf if it cannot be had.
 */
export function lateBodies(
  parts: BodyParts,
  format: Promise<ExportFormat>,
  failed: (error: unknown) => void,
): MakeBody {
  const { at: room } = parts.plan.request;
  const memory = new Uint8Array(parts.engine.buffer);
  let make: MakeBody | undefined;
  const loaded = format
    .catch((error: unknown) => {
      failed(error);
      return PROTOBUF;
    })
    .then((given) => {
      make = makeBodies(parts, given);
      return make;
    });
  return (at, bytes) => {
    if (make !== undefined) return make(at, bytes);
    const request = memory.slice(at, at + bytes);
    return loaded.then((ready) => {
      memory.set(request, room);
      return ready(room, request.length);
    });
  };
}
