/** Logger → ring → encoder as `start()` wires them, without a pipeline, a clock or a host. */

import type { LoggerConfigurator } from '../../src/api/log/config.ts';
import { type LogRecordProcessor, LogRecordProcessors } from '../../src/api/log/processors.ts';
import { RecordingLoggerProvider } from '../../src/api/log/provider.ts';
import type { Logger, LoggerOptions } from '../../src/api/log/types.ts';
import { describe as describeAttributes } from '../../src/api/trace/attributes.ts';
import { Clock } from '../../src/api/trace/clock.ts';
import { Group } from '../../src/buffer/record.ts';
import { Ring, type Written } from '../../src/buffer/ring.ts';
import { type Bounds, type Redaction, ShapeTree } from '../../src/buffer/shape.ts';
import { encodeBatch } from '../../src/codec/encode.ts';
import { OVERSHOOT_BYTES, RING_BASE } from '../../src/engine/generated/layout.ts';
import type { EngineName } from '../../src/engine/select.ts';
import { ENGINE_NAMES, ORIGIN_MS, openEngine, type ResourceOptions } from './engines.ts';
import { decodeLogs, logsOf, type OriginatedLog } from './log-model.ts';

export interface LogRigOptions {
  /** A power of two, from 64 KiB. Default 1 MiB. */
  readonly ringBytes?: number;
  readonly resource?: ResourceOptions;
  readonly bounds?: Partial<Bounds>;
  readonly redaction?: Redaction | undefined;
  readonly processors?: readonly LogRecordProcessor[];
  readonly configurator?: LoggerConfigurator;
  /** False: nothing is exported. */
  readonly exported?: boolean;
  /** Monotonic milliseconds. Default: a quarter of a millisecond later at each reading. */
  readonly now?: () => number;
}

export interface LogRig {
  readonly clock: Clock;
  readonly provider: RecordingLoggerProvider;
  readonly processors: LogRecordProcessors | null;
  /** What became of records. */
  readonly outcomes: Record<Written, number>;
  /** The state of what records go to. */
  readonly sink: { closed: boolean };
  logger(name?: string, version?: string, options?: LoggerOptions): Logger;
  /** Commits and encodes at most so many records as one request; empty when there is none. */
  encode(maxRecords?: number): Uint8Array;
  /** The records that were emitted since the last call, as they arrive. */
  arrived(): OriginatedLog[];
}

export function logRig(name: EngineName, options: LogRigOptions = {}): LogRig {
  const { ringBytes = 1 << 20, resource = {}, redaction, exported = true } = options;
  const spanBytes = 1 << 16;
  const request = { at: RING_BASE + spanBytes + ringBytes, limitBytes: 4 << 20 };
  const engine = openEngine(name, request.at + request.limitBytes + OVERSHOOT_BYTES);
  const beside = new Ring(engine, spanBytes);
  const ring = new Ring(engine, ringBytes, undefined, { at: RING_BASE + spanBytes, beside });
  let ticks = 0;
  const now = options.now ?? (() => ticks++ / 4);
  const clock = new Clock(now, () => ORIGIN_MS + ticks / 4, ORIGIN_MS);
  const outcomes: Record<Written, number> = { written: 0, full: 0, too_large: 0 };
  const sink = {
    closed: false,
    emit(log: Parameters<Ring['writeLog']>[0]) {
      outcomes[ring.writeLog(log)]++;
    },
  };
  const bounds: Bounds = {
    count: 128,
    valueLength: Number.POSITIVE_INFINITY,
    valueDepth: 64,
    ...options.bounds,
  };
  const processors = options.processors ? new LogRecordProcessors(options.processors) : null;
  const provider = new RecordingLoggerProvider(
    {
      clock,
      logShapes: new ShapeTree(bounds, redaction),
      sink: exported ? sink : null,
      processors,
      configurator: options.configurator,
    },
    new Group(describeAttributes(resource.attributes ?? { 'service.name': 'shop' }), resource),
  );
  function encode(maxRecords = 1 << 20): Uint8Array {
    ring.commit();
    const encoded = encodeBatch(engine, ring.control, request, maxRecords);
    return new Uint8Array(engine.buffer).slice(request.at, request.at + (encoded?.bytes ?? 0));
  }
  return {
    clock,
    provider,
    processors,
    outcomes,
    sink,
    encode,
    logger: (scope = 'test', ...more) => provider.getLogger(scope, ...more),
    arrived: () => logsOf(decodeLogs(encode())),
  };
}

/** The same options on the three engines: given the same calls they must yield the same bytes. */
export function logRigs(options: LogRigOptions = {}): readonly LogRig[] {
  return ENGINE_NAMES.map((name) => logRig(name, options));
}
