import type {
  CpuUsage,
  EventLoopDelayMonitor,
  GcType,
  ProcessState,
  RuntimeSources,
} from '../../runtime-metrics/sources.ts';
import { builtin } from './builtin.ts';

/** What Node tells, and Bun, which has no V8 and no measure of how busy its event loop is. */
export function runtimeSources(): RuntimeSources {
  const linux = process.platform === 'linux';
  const shared: RuntimeSources = {
    now: () => performance.now(),
    warn: (line) => void process.stderr.write(`${line}\n`),
    cpu: cpuUsage,
    processors: () => builtin('node:os').availableParallelism(),
    process: linux ? linuxProcess : processState,
    fileDescriptors: linux ? openDescriptors : undefined,
  };
  if ('bun' in process.versions) {
    // Delays are those of the timer alone there.
    return { ...shared, eventLoopDelay: (resolutionMs) => delayMonitor(resolutionMs, 0) };
  }
  const { getHeapSpaceStatistics } = builtin('node:v8');
  return {
    ...shared,
    heapSpaces: getHeapSpaceStatistics,
    eventLoop: eventLoopTime,
    eventLoopDelay: (resolutionMs) => delayMonitor(resolutionMs, resolutionMs / 1000),
    gc: watchGc,
    resources: () => process.getActiveResourcesInfo(),
  };
}

export function cpuUsage(): CpuUsage {
  const usage = process.resourceUsage();
  return {
    user: usage.userCPUTime / 1e6,
    system: usage.systemCPUTime / 1e6,
    voluntarySwitches: usage.voluntaryContextSwitches,
    involuntarySwitches: usage.involuntaryContextSwitches,
    majorFaults: usage.majorPageFault,
    minorFaults: usage.minorPageFault,
  };
}

export function processState(): ProcessState {
  return { residentBytes: process.memoryUsage.rss(), uptimeSeconds: process.uptime() };
}

/** One read for three of them (proc_pid_status(5)); sizes are in units of 1024 bytes there. */
export function linuxProcess(): ProcessState {
  let status = '';
  try {
    status = builtin('node:fs').readFileSync('/proc/self/status', 'latin1');
  } catch {
    // Not mounted, or not to be read.
  }
  const number = (line: RegExp) => {
    const [, digits] = line.exec(status) ?? [];
    return digits === undefined ? undefined : Number(digits);
  };
  const bytes = (line: RegExp) => {
    const kibibytes = number(line);
    return kibibytes && kibibytes * 1024;
  };
  return {
    residentBytes: bytes(/^VmRSS:\s*(\d+) kB/m) ?? process.memoryUsage.rss(),
    uptimeSeconds: process.uptime(),
    virtualBytes: bytes(/^VmSize:\s*(\d+) kB/m),
    threads: number(/^Threads:\s*(\d+)/m),
  };
}

/** Without the one by which they are listed. */
export function openDescriptors(): number {
  return builtin('node:fs').readdirSync('/proc/self/fd').length - 1;
}

function eventLoopTime() {
  const { active, idle } = builtin('node:perf_hooks').performance.eventLoopUtilization();
  return { active: active / 1000, idle: idle / 1000 };
}

/**
 * @param intervalSeconds what of each value is the timer's own: Node measures from one time it runs
 *   to the next.
 */
function delayMonitor(resolutionMs: number, intervalSeconds: number): EventLoopDelayMonitor {
  const histogram = builtin('node:perf_hooks').monitorEventLoopDelay({ resolution: resolutionMs });
  histogram.enable();
  const seconds = (nanoseconds: number) => Math.max(nanoseconds / 1e9 - intervalSeconds, 0);
  return {
    read() {
      if (histogram.count === 0) return undefined;
      const delay = {
        min: seconds(histogram.min),
        max: seconds(histogram.max),
        mean: seconds(histogram.mean),
        stddev: histogram.stddev / 1e9,
        p50: seconds(histogram.percentile(50)),
        p90: seconds(histogram.percentile(90)),
        p99: seconds(histogram.percentile(99)),
      };
      histogram.reset();
      return delay;
    },
    stop: () => void histogram.disable(),
  };
}

function watchGc(heard: (type: GcType, seconds: number) => void): () => void {
  const { PerformanceObserver, constants } = builtin('node:perf_hooks');
  const types = new Map<number, GcType>([
    [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
    // Of V8's minor collector that marks and sweeps, which has no constant.
    [2, 'minor'],
    [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
    [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
    [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
  ]);
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { kind } = (entry as unknown as { readonly detail: { readonly kind: number } }).detail;
      const type = types.get(kind);
      if (type !== undefined) heard(type, entry.duration / 1000);
    }
  });
  observer.observe({ type: 'gc' });
  return () => observer.disconnect();
}
