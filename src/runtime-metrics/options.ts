import { group, refused } from '../options/checks.ts';
import { LONGEST_MS } from '../options/delivery.ts';

/**
 * What is recorded: each group is one source that a collection reads once. What a host has not is
 * left out (docs/runtime-metrics.md).
 */
export interface RuntimeMetricsOptions {
  /**
   * `process.cpu.time`, `process.cpu.utilization`, `process.context_switches`,
   * `process.paging.faults`. Default true.
   */
  readonly cpu?: boolean;
  /**
   * `process.memory.usage`, `process.uptime`, and on Linux `process.memory.virtual`,
   * `process.thread.count`. Default true.
   */
  readonly process?: boolean;
  /**
   * `process.unix.file_descriptor.count`, on Linux. Counting them takes longer the more there are
   * (0.7 ms for 1000). Default false.
   */
  readonly fileDescriptors?: boolean;
  /** `v8js.memory.heap.used`, `v8js.memory.heap.space.*`. Default true. */
  readonly heap?: boolean;
  /** `v8js.gc.duration`. Default true. */
  readonly gc?: boolean;
  /** `nodejs.eventloop.time`, `nodejs.eventloop.utilization`. Default true. */
  readonly eventLoop?: boolean;
  /** `nodejs.eventloop.delay.*`: a timer that looks how late it is. Default true. */
  readonly eventLoopDelay?: boolean;
  /**
   * Milliseconds between two looks, at least 1. What blocks the loop for less may fall between
   * them; each costs about 0.1 ms on a machine that sleeps. Default 50.
   */
  readonly eventLoopDelayResolutionMs?: number;
  /** `v8js.resource.active`. Default true. */
  readonly resources?: boolean;
}

export type Group = Exclude<keyof RuntimeMetricsOptions, 'eventLoopDelayResolutionMs'>;

/** Of all groups, in the order in which they are documented. */
export const DEFAULTS: Readonly<Record<Group, boolean>> = {
  cpu: true,
  process: true,
  fileDescriptors: false,
  heap: true,
  gc: true,
  eventLoop: true,
  eventLoopDelay: true,
  resources: true,
};

const RESOLUTION_MS = 50;

/** Options with every default filled in. */
export interface RuntimeMetricsSettings {
  readonly resolutionMs: number;
  /** Of each group: whether it is wanted. */
  readonly wanted: Readonly<Record<Group, boolean>>;
}

/** @throws OtlpError `invalid_option` */
export function resolveRuntimeMetrics(given: RuntimeMetricsOptions): RuntimeMetricsSettings {
  const options = group('options', given);
  const wanted = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS) as Group[]) {
    const value = options[name];
    if (value === undefined) continue;
    if (typeof value !== 'boolean') throw refused(name, value, 'true or false');
    wanted[name] = value;
  }
  const resolutionMs = options.eventLoopDelayResolutionMs ?? RESOLUTION_MS;
  if (!Number.isInteger(resolutionMs) || resolutionMs < 1 || resolutionMs > LONGEST_MS) {
    const whole = 'a whole number of milliseconds from 1 on';
    throw refused('eventLoopDelayResolutionMs', resolutionMs, whole);
  }
  return { resolutionMs, wanted };
}
