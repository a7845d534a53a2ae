/**
 * `OTLPTraceExporter`, `OTLPLogExporter` and `OTLPMetricExporter` of every protocol and host: takes
 * records (spans, log records, data points) from another SDK's processor or reader, encodes them within
 * the call, and hands them to delivery. Read it in this order:
 *
 *   export → #encode → #hand → delivery → #answered → told
 *
 * Invariant at any moment, in records: recorded = sent + rejected + queued + Σ dropped.
 */

import { textOf } from '../api/trace/attributes.ts';
import type { Encoded } from '../codec/encode.ts';
import type { Body, CompressionPolicy } from '../compress/compress.ts';
import { authenticated } from '../deliver/auth.ts';
import type { Deliver, DeliverObserver, DropCause } from '../deliver/deliver.ts';
import { shown } from '../deliver/outcome.ts';
import type { Outcome, Payload, RecordedSignal, Transport } from '../deliver/transport.ts';
import type { MemoryPlan } from '../engine/plan.ts';
import { type Engine, selectEngine } from '../engine/select.ts';
import { OtlpError } from '../errors.ts';
import { counted, lossReporter, RECORDS } from '../health/losses.ts';
import {
  type EndpointHealth,
  endpointHealth,
  type Health,
  type SignalHealth,
  shownUrl,
} from '../health/report.ts';
import { bodiesOn, type ExportFormat, type MakeBody } from '../request-bodies.ts';
import { deliverOn, inTime, MAX_WAITING, memoryFor, transportOptions } from '../wiring.ts';
import type { ExporterHost } from './exporter-host.ts';
import {
  type ExporterSettings,
  type OTLPExporterConfig,
  resolveExporterOptions,
} from './exporter-options.ts';

/** What became of the records of one call, as upstream's `ExportResult` has it. */
export interface ExportResult {
  /** 0: all of them are delivered, or kept to be sent again. 1: some are lost. */
  readonly code: 0 | 1;
  /** What was lost and why; beside code 0, why records are not delivered yet. */
  readonly error?: Error;
}

/** Why records were given up before delivery had them. */
export interface ExporterDropped {
  /** Larger than 4 MiB. */
  too_large: number;
  /** None of an SDK, or their own functions threw. */
  unreadable: number;
  /** Too many waited for an engine that must be loaded, or it cannot be had. */
  engine_loading: number;
  /** Exported after `shutdown()`. */
  after_shutdown: number;
}

export type ExporterDropCause = keyof ExporterDropped | DropCause;

/** Counts of an exporter: of spans, log records or data points. */
export type ExportedHealth = Omit<SignalHealth, 'dropped'> & {
  readonly dropped: Readonly<Record<ExporterDropCause, number>>;
};

/** What `exporter.health()` answers. Holds no secrets. */
export interface ExporterHealth<Name extends RecordedSignal = 'traces'> {
  readonly engine: Health['engine'];
  readonly signals: { readonly [name in Name]: ExportedHealth };
  readonly endpoints: readonly EndpointHealth[];
  readonly memory: { readonly engineBytes: number; readonly queueBytes: number };
}

/** Makes requests of records, within one call. */
export interface RequestEncoder<Records> {
  readonly engine: Engine;
  /**
   * Encodes all records: as one request, or as several where one would be too long.
   *
   * @param take gets each request, which stands in the engine's memory for the time of the call.
   *   Must not throw.
   * @param unreadable is told of each record that could not be read, because it is none or because
   *   one of its own functions threw. Must not throw.
   * @returns how many records are in no request because they are too large.
   */
  encode(
    records: Records,
    take: (request: Encoded) => void,
    unreadable: (error: unknown, at?: number) => void,
  ): number;
}

/** What differs between signals. */
export interface ExportedSignal<Records, Name extends RecordedSignal> {
  readonly name: Name;
  /** Of the ring in the engine's memory, a power of two; 0 where there is none. */
  readonly ringBytes: number;
  /** How many records are exported by one call. Must not throw. */
  count(records: Records): number;
  /** A promise where something has to be loaded first. */
  encoder(
    engine: Engine,
    plan: MemoryPlan,
  ): RequestEncoder<Records> | Promise<RequestEncoder<Records>>;
}

const MEBIBYTE = 1024 * 1024;
/** A ring takes records of up to half of it. */
export const RING_BYTES = 8 * MEBIBYTE;
const MAX_REQUEST_BYTES = 8 * MEBIBYTE;
/** How long `forceFlush` and `shutdown` wait, milliseconds. */
const FLUSH_TIMEOUT_MS = 10_000;

function advice(noun: string) {
  return {
    exit: "call and await the SDK's shutdown() before the process ends",
    too_large: `a ${noun} is larger than 4 MiB; bound its attributes in the SDK`,
    unreadable: `what was exported is no ${noun} of an OpenTelemetry SDK`,
  };
}

/** The records of one call of `export`. */
interface Batch {
  readonly callback: (result: ExportResult) => void;
  readonly count: number;
  readonly signal: RecordedSignal;
  /** Records of which it is not known what becomes of them. */
  open: number;
  /** What has become of others than those delivered. */
  readonly lost: string[];
  told: boolean;
}

/** A request of a batch that delivery has. */
interface Piece {
  readonly batch: Batch;
  sending: boolean;
  failures: number;
}

interface Waiting<Records> {
  readonly records: Records;
  readonly batch: Batch;
}

/** What is there once the engine is. */
interface Parts<Records> {
  readonly encoder: RequestEncoder<Records>;
  readonly makeBody: MakeBody;
}

/** An exporter of one signal for OpenTelemetry's SDKs for JavaScript (2.x, 3.x). */
export class SignalExporter<Records, Name extends RecordedSignal> {
  readonly #signal: ExportedSignal<Records, Name>;
  readonly #host: ExporterHost;
  readonly #format: ExportFormat;
  readonly #settings: ExporterSettings;
  readonly #policy: CompressionPolicy;
  readonly #deliver: Deliver;
  readonly #losses: ReturnType<typeof lossReporter>;
  readonly #warn: (line: string) => void;
  readonly #pieces = new Map<Payload, Piece>();
  readonly #dropped: ExporterDropped = {
    too_large: 0,
    unreadable: 0,
    engine_loading: 0,
    after_shutdown: 0,
  };
  #recorded = 0;
  /** Records that were taken and are neither dropped nor handed to delivery yet. */
  #held = 0;
  #parts: Parts<Records> | undefined;
  #opening: Promise<void> | undefined;
  #engineProblem: string | undefined;
  #encoding = false;
  /** The collector does not answer, and that was said. */
  #away = false;
  /** Batches whose callbacks have not been called. */
  #untold = 0;
  #release: (() => void) | undefined;
  /** Something has been lost. */
  #lossy = false;
  #waiting: Waiting<Records>[] = [];
  #waitingRecords = 0;
  /** Bodies that the host is compressing. */
  readonly #compressing = new Set<Promise<void>>();
  #down: Promise<void> | undefined;
  #stopWatching: (() => void) | undefined;

  constructor(
    signal: ExportedSignal<Records, Name>,
    host: ExporterHost,
    format: ExportFormat,
    options: OTLPExporterConfig,
  ) {
    this.#signal = signal;
    this.#host = host;
    this.#format = format;
    this.#warn = (line) => host.warn(`otlp-wasm: ${line}`);
    const settings = resolveExporterOptions(options, host, this.#warn, signal.name);
    this.#settings = settings;
    this.#policy = { ...settings.compression };
    this.#deliver = deliverOn(host, this.#transport(), settings, {
      observer: this.#observer(),
      policy: this.#policy,
      warn: this.#warn,
    });
    this.#losses = lossReporter(
      () => ({
        [signal.name]: this.#counts(),
        lastError: this.#deliver.stats().lastError,
      }),
      host.now,
      this.#warn,
      advice(RECORDS[signal.name]),
    );
  }

  /**
   * Takes a batch: it is encoded before this returns, and may change afterwards.
   * Never throws. Calls back once: with code 1 when some of it is lost; with code 0 when all is
   * delivered, and when the collector does not answer, in which case it is kept and sent again for
   * up to `queue.retry.maxAgeMs`: an `error` beside the code says so. (A failure would have
   * upstream's processors end their shutdown without the exporter's, and what is kept with it.)
   */
  export(records: Records, resultCallback: (result: ExportResult) => void): void {
    const count = this.#signal.count(records);
    const batch: Batch = {
      callback: this.#awaited(resultCallback),
      count,
      signal: this.#signal.name,
      open: count,
      lost: [],
      told: false,
    };
    this.#recorded += count;
    this.#held += count;
    if (this.#down !== undefined) {
      this.#lose(batch, 'after_shutdown', count, 'the exporter has been shut down');
    } else if (count === 0) {
      tellIfKnown(batch);
    } else {
      this.#stopWatching ??= this.#host.onEnd?.(() => this.#end());
      const parts = this.#parts ?? this.#open();
      // A record that exports others when it is read would find the engine in use.
      if (parts === undefined || this.#encoding) this.#wait(records, batch);
      else this.#encode(records, batch, parts);
    }
    this.#sayLosses();
  }

  /**
   * Resolves when everything that was exported before is answered or given up; rejects with an
   * OtlpError `timeout` when that takes longer than 10 seconds, or when nothing can be attempted
   * within them.
   */
  async forceFlush(): Promise<void> {
    if (!(await this.#finish('drained'))) throw this.#incomplete('forceFlush');
  }

  /**
   * As `forceFlush`, then closes connections; what is left is given up. What is exported afterwards
   * is dropped. A second call returns the first one's promise.
   */
  shutdown(): Promise<void> {
    this.#down ??= this.#close();
    return this.#down;
  }

  /** Counts and states of this moment. Costs nothing until it is called. */
  health(): ExporterHealth<Name> {
    const stats = this.#deliver.stats();
    const engine = this.#parts?.encoder.engine;
    return {
      engine: {
        name: engine?.name ?? 'loading',
        reason:
          engine?.reason ??
          this.#engineProblem ??
          (this.#opening === undefined
            ? `it is chosen when ${RECORDS[this.#signal.name]}s come`
            : 'the portable engine is being loaded'),
      },
      signals: { [this.#signal.name]: this.#counts() } as ExporterHealth<Name>['signals'],
      endpoints: [endpointHealth(shownUrl(this.#settings.url), this.#policy, stats)],
      memory: { engineBytes: engine?.buffer.byteLength ?? 0, queueBytes: stats.queuedBytes },
    };
  }

  #counts(): ExportedHealth {
    const stats = this.#deliver.stats();
    return {
      recorded: this.#recorded,
      queued: this.#held + stats.queuedRecords,
      sent: stats.sent,
      rejected: stats.rejected,
      dropped: { ...this.#dropped, ...stats.dropped },
      bytesRaw: stats.sentRawBytes,
      bytesCompressed: stats.sentBytes,
      requests: stats.requests,
      retries: stats.retries,
    };
  }

  /** Keeps the program running until the callback is called, as upstream's retries do. */
  #awaited(callback: Batch['callback']): Batch['callback'] {
    if (this.#untold++ === 0) this.#release = this.#host.hold?.();
    return (result) => {
      if (--this.#untold === 0) this.#release?.();
      callback(result);
    };
  }

  /** The engine, where it can be had at once. */
  #open(): Parts<Records> | undefined {
    if (this.#opening !== undefined || this.#engineProblem !== undefined) return undefined;
    const signal = this.#signal;
    const plan = memoryFor(signal.ringBytes, MAX_REQUEST_BYTES, [this.#policy], this.#host);
    const open = (encoder: RequestEncoder<Records>) => {
      const { engine } = encoder;
      const parts = {
        signal: signal.name,
        ...{ engine, plan, policy: this.#policy, host: this.#host },
      };
      this.#parts = { encoder, makeBody: bodiesOn(parts, this.#format, this.#warn) };
      return this.#parts;
    };
    const failed = (error: unknown) => {
      this.#engineProblem = `could not be loaded: ${textOf(error).slice(0, 160)}`;
      this.#warn(`no engine: ${this.#engineProblem}; nothing is exported.`);
      this.#abandonWaiting(`the engine ${this.#engineProblem}`);
    };
    try {
      const engine = selectEngine(this.#host.engines, undefined, plan.bytes);
      const encoder =
        'then' in engine
          ? engine.then((loaded) => signal.encoder(loaded, plan))
          : signal.encoder(engine, plan);
      if (!('then' in encoder)) return open(encoder);
      this.#opening = encoder
        .then((loaded) => this.#encodeWaiting(open(loaded)), failed)
        .finally(() => {
          this.#opening = undefined;
        });
    } catch (error) {
      failed(error);
    }
    return undefined;
  }

  #wait(records: Records, batch: Batch): void {
    const { count } = batch;
    const problem =
      this.#engineProblem === undefined ? undefined : `the engine ${this.#engineProblem}`;
    if (problem !== undefined || this.#waitingRecords + count > MAX_WAITING) {
      this.#lose(batch, 'engine_loading', count, problem ?? 'the engine is being loaded');
    } else {
      this.#waiting.push({ records, batch });
      this.#waitingRecords += count;
    }
  }

  #takeWaiting(): Waiting<Records>[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingRecords = 0;
    return waiting;
  }

  #encodeWaiting(parts: Parts<Records>): void {
    for (const { records, batch } of this.#takeWaiting()) this.#encode(records, batch, parts);
  }

  #abandonWaiting(why: string): void {
    for (const { batch } of this.#takeWaiting()) {
      this.#lose(batch, 'engine_loading', batch.count, why);
    }
  }

  #encode(records: Records, batch: Batch, parts: Parts<Records>): void {
    // Not all are known of before the last one is.
    let unreadable = 0;
    let why = '';
    let accounted = 0;
    this.#encoding = true;
    try {
      const tooLarge = parts.encoder.encode(
        records,
        (request) => {
          this.#hand(request, batch, parts);
          accounted += request.records;
        },
        (error) => {
          unreadable++;
          why = shown(textOf(error), []);
        },
      );
      if (tooLarge > 0) this.#lose(batch, 'too_large', tooLarge, 'larger than 4 MiB');
      accounted += tooLarge;
    } catch (error) {
      // Whatever it was has left the engine in a state that nobody knows.
      this.#parts = undefined;
      why = shown(textOf(error), []);
      unreadable = batch.count - accounted;
    } finally {
      this.#encoding = false;
    }
    if (unreadable > 0) this.#lose(batch, 'unreadable', unreadable, why);
    if (this.#deliver.stats().failing) this.#keep(batch);
    if (this.#parts !== undefined && this.#waiting.length > 0) this.#encodeWaiting(this.#parts);
  }

  #hand({ at, bytes, records }: Encoded, batch: Batch, { makeBody }: Parts<Records>): void {
    const send = ({ body, encoding, contentType, rawBytes }: Body) => {
      const payload: Payload = {
        signal: this.#signal.name,
        contentType,
        body,
        encoding,
        records,
        rawBytes,
      };
      this.#held -= records;
      this.#pieces.set(payload, { batch, sending: false, failures: 0 });
      this.#deliver.push(payload);
    };
    const body = makeBody(at, bytes, true);
    if ('body' in body) {
      send(body);
    } else {
      const pending = body.then((ready) => {
        this.#compressing.delete(pending);
        send(ready);
        if (this.#deliver.stats().failing) this.#keep(batch);
      });
      this.#compressing.add(pending);
    }
  }

  #transport(): Transport {
    const settings = this.#settings;
    const usual = transportOptions(settings);
    const { userAgent, askHeaders, agent } = settings;
    const options = {
      ...usual,
      ...(userAgent !== '' && { userAgent: `${userAgent} ${usual.userAgent}` }),
      agent,
    };
    const auth = askHeaders && { askHeaders };
    return this.#host.httpTransport(authenticated(this.#host, options, auth));
  }

  #observer(): DeliverObserver {
    return {
      attempted: (payload) => {
        const piece = this.#pieces.get(payload);
        if (piece !== undefined) piece.sending = true;
      },
      failed: (payload, outcome) => this.#failed(payload, outcome.delayMs ?? 0),
      answered: (payload, outcome) => this.#answered(payload, outcome),
      dropped: (payload, cause) => this.#gaveUp(payload, cause),
      replaced: (payload, by) => {
        const piece = this.#pieces.get(payload);
        this.#pieces.delete(payload);
        if (piece === undefined) return;
        for (const part of by) this.#pieces.set(part, { ...piece, sending: false });
      },
    };
  }

  #answered(payload: Payload, outcome: Outcome): void {
    const piece = this.#pieces.get(payload);
    if (piece === undefined) return;
    const { batch } = piece;
    this.#pieces.delete(payload);
    this.#away = false;
    if (outcome.kind === 'rejected') {
      batch.lost.push(
        `${counted(payload.records, batch.signal)} rejected: ${shown(outcome.reason, [])}`,
      );
    }
    if (outcome.kind !== 'delivered') this.#lossy = true;
    known(batch, payload.records);
    this.#sayLosses();
  }

  #failed(payload: Payload, delayMs: number): void {
    const piece = this.#pieces.get(payload);
    if (piece === undefined) return;
    piece.sending = false;
    piece.failures++;
    // A wait that long is as good as a second failure: processors hold one batch at a time.
    const long = delayMs > this.#settings.retry.initialMs;
    if (piece.failures < 2 && !long) return;
    for (const other of this.#pieces.values()) if (!other.sending) this.#keep(other.batch);
  }

  /** Delivery has given up a payload, and counted it. */
  #gaveUp(payload: Payload, cause: DropCause): void {
    const piece = this.#pieces.get(payload);
    this.#pieces.delete(payload);
    if (piece === undefined) return;
    const { lastError } = this.#deliver.stats();
    const why = lastError === undefined ? '' : `: ${lastError}`;
    const { batch } = piece;
    batch.lost.push(`${counted(payload.records, batch.signal)} dropped (${cause})${why}`);
    this.#lossy = true;
    known(batch, payload.records);
    this.#sayLosses();
  }

  /** Records that never reach delivery. */
  #lose(batch: Batch, cause: keyof ExporterDropped, count: number, why: string): void {
    this.#held -= count;
    this.#dropped[cause] += count;
    batch.lost.push(`${counted(count, batch.signal)} dropped (${cause}): ${why}`);
    this.#lossy = true;
    known(batch, count);
  }

  /** The first loss is said at once: only then a while of silence begins. */
  #sayLosses(): void {
    if (this.#lossy) this.#losses.sometimes();
  }

  /** Tells whoever waits for a batch that it will be sent again. */
  #keep(batch: Batch): void {
    if (batch.told || batch.open === 0) return;
    const { lastError = 'no answer' } = this.#deliver.stats();
    const seconds = Math.round(this.#settings.retry.maxAgeMs / 1000);
    const lost = batch.lost.length === 0 ? '' : `; ${batch.lost.join('; ')}`;
    const message = `${counted(batch.open, batch.signal)} kept, to be sent again for up to ${seconds} s: ${lastError}${lost}`;
    if (!this.#away)
      this.#warn(`the collector does not answer, ${RECORDS[batch.signal]}s wait: ${message}.`);
    this.#away = true;
    const code = batch.lost.length === 0 ? 0 : 1;
    tell(batch, { code, error: new OtlpError('not_delivered', message) });
  }

  /** Hands what is held to delivery. */
  async #handedOver(): Promise<boolean> {
    await this.#opening;
    await Promise.all(this.#compressing);
    return true;
  }

  /** All waits share one deadline. */
  async #finish(end: 'drained' | 'close'): Promise<boolean> {
    const deadlineAt = this.#host.now() + FLUSH_TIMEOUT_MS;
    const handed = await inTime(this.#host, this.#handedOver(), FLUSH_TIMEOUT_MS);
    if (end === 'close') this.#abandonWaiting('the exporter was shut down before');
    const answered = await this.#deliver[end](Math.max(0, deadlineAt - this.#host.now()));
    return handed && answered;
  }

  async #close(): Promise<void> {
    const complete = await this.#finish('close');
    this.#stopWatching?.();
    this.#losses.always();
    if (!complete) throw this.#incomplete('shutdown');
  }

  /** The program ends. */
  #end(): void {
    this.#down ??= Promise.resolve();
    this.#abandonWaiting('the process ended');
    this.#deliver.abandon();
    this.#losses.always();
  }

  #incomplete(what: string): OtlpError {
    const { queued } = this.#counts();
    const { lastError } = this.#deliver.stats();
    const why = lastError === undefined ? '' : `; last error: ${lastError}`;
    const left =
      what === 'shutdown'
        ? 'what was left is given up'
        : `${counted(queued, this.#signal.name)} wait`;
    return new OtlpError('timeout', `${what} is not complete, ${left}${why}; see health().`);
  }
}

/** So many records more of a batch are accounted for. */
function known(batch: Batch, count: number): void {
  batch.open -= count;
  tellIfKnown(batch);
}

function tellIfKnown(batch: Batch): void {
  if (batch.open > 0 || batch.told) return;
  if (batch.lost.length === 0) tell(batch, { code: 0 });
  else tell(batch, { code: 1, error: new OtlpError('not_delivered', batch.lost.join('; ')) });
}

function tell(batch: Batch, result: ExportResult): void {
  if (batch.told) return;
  batch.told = true;
  try {
    batch.callback(result);
  } catch {
    // What a processor does with it is no reason to fail here.
  }
}
