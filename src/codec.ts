/**
 * What `otlp-wasm/codec` has on every host: spans of an OpenTelemetry SDK in, the body of an OTLP
 * request out.
 */

import { textOf } from './api/trace/attributes.ts';
import { concatenated } from './codec/bytes.ts';
import { tracesToJson } from './codec/json.ts';
import { planMemory } from './engine/plan.ts';
import { type EngineSources, notLoaded, selectEngine } from './engine/select.ts';
import { OtlpError } from './errors.ts';
import { SpanEncoder } from './exporters/span-encoder.ts';
import type { SpanLike } from './exporters/span-like.ts';

/** The functions of `otlp-wasm/codec`. */
export interface Codec {
  /**
   * The spans as one ExportTraceServiceRequest in protobuf (OTLP 1.11), grouped by resource and
   * scope; the body of a POST to `/v1/traces` with `Content-Type: application/x-protobuf`.
   *
   * @param spans as an SDK of OpenTelemetry gives them to its exporters. None: no bytes, which is
   *   an empty request.
   * @returns bytes of its own, which later calls leave alone.
   * @throws OtlpError `invalid_data` when one is no span, or larger than 32 MiB (2 MiB where
   *   `ready()` must be awaited), `engine_unavailable` where it was not.
   */
  encodeTraces(spans: readonly SpanLike[]): Uint8Array<ArrayBuffer>;
  /**
   * The same request as OTLP/JSON (opentelemetry-proto, "JSON Protobuf Encoding"), in UTF-8: ids
   * in hexadecimal, 64-bit integers as strings, enums as integers, `NaN` and `Infinity` as strings.
   * No spans: `{}`. Throws as `encodeTraces`.
   */
  encodeTracesJson(spans: readonly SpanLike[]): Uint8Array<ArrayBuffer>;
  /**
   * Resolves when the other functions can be called. They can at once, except where a host has
   * no SIMD WebAssembly, or refuses all of it (a page whose Content-Security-Policy has no
   * `wasm-unsafe-eval`), and has to load another engine. Rejects with an OtlpError
   * `engine_unavailable` when no engine can be had.
   */
  ready(): Promise<void>;
}

const MEBIBYTE = 1024 * 1024;
const RING_BYTES = 4 * MEBIBYTE;
/** Where a ring for what the usual one has no room for ends to grow. */
const MAX_RING_BYTES = 64 * MEBIBYTE;

/** @param sources where the host has its engines; the first call picks one. */
export function codecOn(sources: EngineSources): Codec {
  /** The one that is not in use: a span whose own functions encode spans gets another. */
  let idle: SpanEncoder | undefined;
  let loading: Promise<void> | undefined;
  /** Engines of this host have to be loaded first. */
  let late = false;

  function open(ringBytes: number): SpanEncoder | Promise<SpanEncoder> {
    const plan = planMemory(ringBytes, ringBytes, 0);
    const engine = selectEngine(sources, undefined, plan.bytes);
    return 'then' in engine
      ? engine.then((loaded) => new SpanEncoder(loaded, plan))
      : new SpanEncoder(engine, plan);
  }

  /** A promise where the host has its engine elsewhere: then it can be had once that is loaded. */
  function load(): SpanEncoder | Promise<void> {
    if (idle !== undefined) return idle;
    if (loading !== undefined) return loading;
    const opened = open(RING_BYTES);
    if (!('then' in opened)) return opened;
    late = true;
    loading = opened
      .then((encoder) => {
        idle = encoder;
      })
      .finally(() => {
        loading = undefined;
      });
    return loading;
  }

  /** @param form is given the request, which stands in the engine's memory for the time of the call. */
  function encoded(
    spans: readonly SpanLike[],
    form: (request: Uint8Array) => Uint8Array<ArrayBuffer>,
  ): Uint8Array<ArrayBuffer> {
    if (!Array.isArray(spans)) throw noList(spans);
    const encoder = load();
    if ('then' in encoder) {
      encoder.catch(() => {});
      throw notLoaded('otlp-wasm/codec');
    }
    idle = undefined;
    try {
      return form(encode(spans, encoder));
    } finally {
      idle = encoder;
    }
  }

  /** @returns the request where it stands in the encoder's memory, or in one of its own. */
  function encode(spans: readonly SpanLike[], encoder: SpanEncoder): Uint8Array {
    const memory = new Uint8Array(encoder.engine.buffer);
    const requests: Uint8Array[] = [];
    let problem: OtlpError | undefined;
    const tooLarge = encoder.encode(
      spans,
      ({ at, bytes, records }) => {
        // One with all the spans is the last one: nothing will be written over it.
        const request = memory.subarray(at, at + bytes);
        requests.push(records === spans.length ? request : request.slice());
      },
      (at, error) => {
        problem ??= notReadable(at, error);
      },
    );
    if (problem !== undefined) throw problem;
    return tooLarge === 0 ? joined(requests) : encode(spans, larger(encoder, tooLarge));
  }

  /** For these spans alone. */
  function larger({ plan }: SpanEncoder, tooLarge: number): SpanEncoder {
    const ringBytes = plan.ringBytes * 4;
    const opened = late || ringBytes > MAX_RING_BYTES ? undefined : open(ringBytes);
    if (opened !== undefined && !('then' in opened)) return opened;
    throw new OtlpError(
      'invalid_data',
      `${tooLarge} of the spans ${tooLarge === 1 ? 'is' : 'are'} larger than ` +
        `${plan.ringBytes / 2} bytes; bound their attributes in the SDK that records them ` +
        '(attributeValueLengthLimit).',
    );
  }

  return {
    encodeTraces: (spans) => encoded(spans, ownCopy),
    encodeTracesJson: (spans) => encoded(spans, tracesToJson),
    async ready() {
      const loaded = load();
      if ('then' in loaded) await loaded;
      else idle = loaded;
    },
  };
}

/** Smaller than its buffer is what stands in an engine's memory. */
function ownCopy(request: Uint8Array): Uint8Array<ArrayBuffer> {
  const isOwn = request.length === request.buffer.byteLength;
  return isOwn ? (request as Uint8Array<ArrayBuffer>) : request.slice();
}

function noList(spans: unknown): OtlpError {
  const seen = spans === null ? 'null' : typeof spans;
  return new OtlpError(
    'invalid_data',
    `spans is no array (${seen}); give an array of ended spans.`,
  );
}

function notReadable(at: number, error: unknown): OtlpError {
  const why = textOf(error).slice(0, 160).replace(/\.+$/, '');
  return new OtlpError(
    'invalid_data',
    `spans[${at}] is no ended span of an OpenTelemetry SDK: ${why}. ` +
      'Give what a SpanExporter is given.',
    { cause: error },
  );
}

/** Requests one behind the other are one: the elements of a repeated field may come in pieces. */
function joined(requests: readonly Uint8Array[]): Uint8Array {
  return requests.length === 1 ? requests[0]! : concatenated(requests);
}
