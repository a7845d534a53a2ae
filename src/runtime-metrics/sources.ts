/**
 * What a host can tell about its process and its engine. One implementation per host lives in
 * `src/runtime/<host>/`; what a host has not is undefined there.
 */

/** Of the process since it began. Times in seconds. */
export interface CpuUsage {
  readonly user: number;
  readonly system: number;
  readonly voluntarySwitches: number;
  readonly involuntarySwitches: number;
  readonly majorFaults: number;
  readonly minorFaults: number;
}

export interface ProcessState {
  readonly uptimeSeconds: number;
  readonly residentBytes: number;
  readonly virtualBytes?: number | undefined;
  readonly threads?: number | undefined;
}

/** The fields of `v8.getHeapSpaceStatistics()`, in bytes. */
export interface HeapSpace {
  readonly space_name: string;
  readonly space_size: number;
  readonly space_used_size: number;
  readonly space_available_size: number;
  readonly physical_space_size: number;
}

/** Time since the event loop began, in seconds. */
export interface EventLoopTime {
  readonly idle: number;
  readonly active: number;
}

/** In seconds, of the time since the last reading. */
export interface EventLoopDelay {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly stddev: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

export interface EventLoopDelayMonitor {
  /** Begins anew. Undefined where nothing was measured since. */
  read(): EventLoopDelay | undefined;
  stop(): void;
}

/** Values of `v8js.gc.type`. */
export type GcType = 'minor' | 'major' | 'incremental' | 'weakcb';

export interface RuntimeSources {
  /** Monotonic milliseconds, from any origin. */
  now(): number;
  cpu?: (() => CpuUsage) | undefined;
  /** Processors that the process may use. */
  processors?: (() => number) | undefined;
  process?: (() => ProcessState) | undefined;
  /** How many are open. */
  fileDescriptors?: (() => number) | undefined;
  heapSpaces?: (() => readonly HeapSpace[]) | undefined;
  eventLoop?: (() => EventLoopTime) | undefined;
  eventLoopDelay?: ((resolutionMs: number) => EventLoopDelayMonitor) | undefined;
  /** Calls back after collections, outside of them. Returns what ends that. */
  gc?: ((heard: (type: GcType, seconds: number) => void) => () => void) | undefined;
  /** Types of what keeps the event loop alive, each as often as there are such. */
  resources?: (() => readonly string[]) | undefined;
  /** Shows one line to whoever runs the program. */
  warn(line: string): void;
}
