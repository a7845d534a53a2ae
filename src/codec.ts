/**
 * What `otlp-wasm/codec` has on every host: records of an OpenTelemetry SDK in, the body of an OTLP
 * request out.
 */

import { textOf } from './api/trace/attributes.ts';
import { concatenated } from './codec/bytes.ts';
import { logsToJson, tracesToJson } from './codec/json.ts';
import { type MemoryPlan, planMemory } from './engine/plan.ts';
import { type Engine, type EngineSources, notLoaded, selectEngine } from './engine/select.ts';
import { OtlpError } from './errors.ts';
import type { LogLike } from './exporters/log-like.ts';
import { logEncoder, type RecordEncoder, spanEncoder } from './exporters/record-encoder.ts';
import type { SpanLike } from './exporters/span-like.ts';
import { RECORDS } from './health/losses.ts';

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
   * The log records as one ExportLogsServiceRequest in protobuf (OTLP 1.11), grouped by resource and
   * scope; the body of a POST to `/v1/logs`. As `encodeTraces` in everything else.
   *
   * @param records as an SDK of OpenTelemetry gives them to its exporters.
   */
  encodeLogs(records: readonly LogLike[]): Uint8Array<ArrayBuffer>;
  /** The same request as OTLP/JSON; see `encodeTracesJson`. */
  encodeLogsJson(records: readonly LogLike[]): Uint8Array<ArrayBuffer>;
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

/** An engine, and those that use it in turns. */
interface Encoders {
  readonly plan: MemoryPlan;
  readonly traces: RecordEncoder<SpanLike>;
  readonly logs: RecordEncoder<LogLike>;
}

/** What a call encodes. */
interface Asked<From> {
  readonly signal: 'traces' | 'logs';
  readonly records: readonly From[];
  of(encoders: Encoders): RecordEncoder<From>;
}

/** @param sources where the host has its engines; the first call picks one. */
export function codecOn(sources: EngineSources): Codec {
  /** Those that are not in use: a record whose own functions encode records gets others. */
  let idle: Encoders | undefined;
  let loading: Promise<void> | undefined;
  /** Engines of this host have to be loaded first. */
  let late = false;

  function open(ringBytes: number): Encoders | Promise<Encoders> {
    const plan = planMemory(ringBytes, ringBytes, 0);
    const engine = selectEngine(sources, undefined, plan.bytes);
    return 'then' in engine
      ? engine.then((loaded) => encodersOn(loaded, plan))
      : encodersOn(engine, plan);
  }

  /** A promise where the host has its engine elsewhere: then it can be had once that is loaded. */
  function load(): Encoders | Promise<void> {
    if (idle !== undefined) return idle;
    if (loading !== undefined) return loading;
    const opened = open(RING_BYTES);
    if (!('then' in opened)) return opened;
    late = true;
    loading = opened
      .then((encoders) => {
        idle = encoders;
      })
      .finally(() => {
        loading = undefined;
      });
    return loading;
  }

  /** @param form is given the request, which stands in the engine's memory for the time of the call. */
  function encoded<From>(
    asked: Asked<From>,
    form: (request: Uint8Array) => Uint8Array<ArrayBuffer>,
  ): Uint8Array<ArrayBuffer> {
    if (!Array.isArray(asked.records)) throw noList(asked);
    const encoders = load();
    if ('then' in encoders) {
      encoders.catch(() => {});
      throw notLoaded('otlp-wasm/codec');
    }
    idle = undefined;
    try {
      return form(encode(asked, encoders));
    } finally {
      idle = encoders;
    }
  }

  /** @returns the request where it stands in the encoder's memory, or in one of its own. */
  function encode<From>(asked: Asked<From>, encoders: Encoders): Uint8Array {
    const { records: all } = asked;
    const encoder = asked.of(encoders);
    const memory = new Uint8Array(encoder.engine.buffer);
    const requests: Uint8Array[] = [];
    let problem: OtlpError | undefined;
    const tooLarge = encoder.encode(
      all,
      ({ at, bytes, records }) => {
        // One with all of them is the last one: nothing will be written over it.
        const request = memory.subarray(at, at + bytes);
        requests.push(records === all.length ? request : request.slice());
      },
      (error, at) => {
        problem ??= notReadable(asked, at, error);
      },
    );
    if (problem !== undefined) throw problem;
    return tooLarge === 0 ? joined(requests) : encode(asked, larger(asked, encoders, tooLarge));
  }

  /** For these records alone. */
  function larger<From>({ signal }: Asked<From>, { plan }: Encoders, tooLarge: number): Encoders {
    const ringBytes = plan.ringBytes * 4;
    const opened = late || ringBytes > MAX_RING_BYTES ? undefined : open(ringBytes);
    if (opened !== undefined && !('then' in opened)) return opened;
    throw new OtlpError(
      'invalid_data',
      `${tooLarge} of the ${RECORDS[signal]}s ${tooLarge === 1 ? 'is' : 'are'} larger than ` +
        `${plan.ringBytes / 2} bytes; bound their attributes in the SDK that records them ` +
        '(attributeValueLengthLimit).',
    );
  }

  const traces = (records: readonly SpanLike[]): Asked<SpanLike> => ({
    ...{ signal: 'traces', records },
    of: (encoders) => encoders.traces,
  });
  const logs = (records: readonly LogLike[]): Asked<LogLike> => ({
    ...{ signal: 'logs', records },
    of: (encoders) => encoders.logs,
  });

  return {
    encodeTraces: (spans) => encoded(traces(spans), ownCopy),
    encodeTracesJson: (spans) => encoded(traces(spans), tracesToJson),
    encodeLogs: (records) => encoded(logs(records), ownCopy),
    encodeLogsJson: (records) => encoded(logs(records), logsToJson),
    async ready() {
      const loaded = load();
      if ('then' in loaded) await loaded;
      else idle = loaded;
    },
  };
}

/** When all codecs that one entry has are. */
export async function readyOf(...codecs: readonly { ready(): Promise<void> }[]): Promise<void> {
  await Promise.all(codecs.map((codec) => codec.ready()));
}

function encodersOn(engine: Engine, plan: MemoryPlan): Encoders {
  const traces = spanEncoder(engine, plan);
  return { plan, traces, logs: logEncoder(engine, plan, traces) };
}

/** What messages call them. */
const NAMES = {
  traces: { list: 'spans', one: 'ended span', exporter: 'a SpanExporter' },
  logs: { list: 'records', one: 'log record', exporter: 'a LogRecordExporter' },
} as const;

/** Smaller than its buffer is what stands in an engine's memory. */
function ownCopy(request: Uint8Array): Uint8Array<ArrayBuffer> {
  const isOwn = request.length === request.buffer.byteLength;
  return isOwn ? (request as Uint8Array<ArrayBuffer>) : request.slice();
}

function noList({ signal, records }: Asked<unknown>): OtlpError {
  const seen = records === null ? 'null' : typeof records;
  const { list, one } = NAMES[signal];
  return new OtlpError('invalid_data', `${list} is no array (${seen}); give an array of ${one}s.`);
}

function notReadable({ signal }: Asked<unknown>, at: number, error: unknown): OtlpError {
  const why = textOf(error).slice(0, 160).replace(/\.+$/, '');
  const { list, one, exporter } = NAMES[signal];
  return new OtlpError(
    'invalid_data',
    `${list}[${at}] is no ${one} of an OpenTelemetry SDK: ${why}. ` +
      `Give what ${exporter} is given.`,
    { cause: error },
  );
}

/** Requests one behind the other are one: the elements of a repeated field may come in pieces. */
function joined(requests: readonly Uint8Array[]): Uint8Array {
  return requests.length === 1 ? requests[0]! : concatenated(requests);
}
