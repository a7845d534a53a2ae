/**
 * Instruments of the semantic conventions over what a host can tell. Everything but collections of
 * garbage is read when a reader collects, by one callback for all instruments, so that each source
 * is read once however many of its instruments there are.
 */

import {
  type Attributes,
  type BatchObservableResult,
  createNoopMeter,
  type Meter,
  type MeterProvider,
  type MetricOptions,
  metrics,
  type Observable,
  ValueType,
} from '@opentelemetry/api';
import { textOf } from '../api/trace/attributes.ts';
import { say } from '../api/trace/say.ts';
import { VERSION } from '../version.ts';
import { type Group, type RuntimeMetricsOptions, resolveRuntimeMetrics } from './options.ts';
import type { EventLoopDelay, RuntimeSources } from './sources.ts';

/** Observes one group's instruments. */
type Observe = (result: BatchObservableResult) => void;

/** A group at work. */
interface Recorded {
  readonly observables: readonly Observable[];
  readonly observe?: Observe;
  readonly stop?: () => void;
}

/** A group that the host has. */
type Open = (meter: Meter, resolutionMs: number) => Recorded;

/**
 * Values that are of the time since they were last read are kept that long: readers that collect at
 * the same time, of whom the API tells nothing, see the same and leave each other something.
 */
const SHARED_MS = 1000;

/** Seconds (semantic conventions, `v8js.gc.duration`). */
const GC_BOUNDARIES = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** @throws OtlpError `invalid_option` */
export function recordOn(
  sources: RuntimeSources,
  provider: MeterProvider | undefined,
  options: RuntimeMetricsOptions = {},
): () => void {
  const { wanted, resolutionMs } = resolveRuntimeMetrics(options);
  const meter = (provider ?? metrics.getMeterProvider()).getMeter(
    'otlp-wasm/runtime-metrics',
    VERSION,
  );
  if (meter === createNoopMeter()) {
    sources.warn(
      'otlp-wasm: no runtime metrics: there is no meter provider; call recordRuntimeMetrics() ' +
        'after one is registered, or give it one.',
    );
    return () => {};
  }

  const working = new Map<Group, Recorded>();
  const missing: Group[] = [];
  const groups = openers(sources);
  for (const name of Object.keys(groups) as Group[]) {
    if (!wanted[name]) continue;
    const open = groups[name];
    try {
      if (open === undefined) missing.push(name);
      else working.set(name, open(meter, resolutionMs));
    } catch {
      // A host that has the function by name only.
      missing.push(name);
    }
  }
  tellMissing(missing, options, sources);

  const observables = [...working.values()].flatMap((group) => group.observables);
  const observe: Observe = (result) => {
    for (const [name, group] of working) {
      try {
        group.observe?.(result);
      } catch (error) {
        working.delete(name);
        release(group);
        say('warn', `runtime metrics '${name}' end: ${textOf(error).slice(0, 160)}`);
      }
    }
  };
  if (observables.length > 0) meter.addBatchObservableCallback(observe, [...observables]);
  return () => {
    if (observables.length > 0) meter.removeBatchObservableCallback(observe, [...observables]);
    for (const group of working.values()) release(group);
    working.clear();
  };
}

function release(group: Recorded): void {
  try {
    group.stop?.();
  } catch {
    // It is of no use any more either way.
  }
}

/** Who asked for a group by name learns that it is not there; others may ask `diag`. */
function tellMissing(
  missing: readonly Group[],
  options: RuntimeMetricsOptions,
  sources: RuntimeSources,
): void {
  const asked = missing.filter((name) => options[name] === true);
  if (asked.length > 0) {
    sources.warn(`otlp-wasm: runtime metrics that this host has not: ${asked.join(', ')}.`);
  }
  const others = missing.filter((name) => options[name] !== true);
  if (others.length > 0) {
    say('debug', `runtime metrics that this host has not: ${others.join(', ')}`);
  }
}

/** The last answer of `read` for a second, by the monotonic clock. */
function shared<T>(now: () => number, read: () => T): () => T {
  let last: { readonly at: number; readonly value: T } | undefined;
  return () => {
    const at = now();
    if (last === undefined || at - last.at >= SHARED_MS) last = { at, value: read() };
    return last.value;
  };
}

/** The same object for the same value, so that none is made when a reader collects. */
function attribute(key: string): (value: string) => Attributes {
  const known = new Map<string, Attributes>();
  return (value) => {
    let attributes = known.get(value);
    if (attributes === undefined) {
      attributes = Object.freeze({ [key]: value });
      known.set(value, attributes);
    }
    return attributes;
  };
}

const BYTES: MetricOptions = { unit: 'By', valueType: ValueType.INT };
const SECONDS: MetricOptions = { unit: 's', valueType: ValueType.DOUBLE };
const RATIO: MetricOptions = { unit: '1', valueType: ValueType.DOUBLE };
const count = (unit: string): MetricOptions => ({ unit, valueType: ValueType.INT });

function openers(sources: RuntimeSources): Record<Group, Open | undefined> {
  const { now, cpu, processors, process, fileDescriptors, heapSpaces } = sources;
  const { eventLoop, eventLoopDelay, gc, resources } = sources;
  return {
    cpu: cpu && processors && ((meter) => cpuTime(meter, now, cpu, processors)),
    process: process && ((meter) => processState(meter, process)),
    fileDescriptors:
      fileDescriptors &&
      ((meter) => {
        const open = meter.createObservableUpDownCounter('process.unix.file_descriptor.count', {
          ...count('{file_descriptor}'),
          description: 'Number of UNIX file descriptors in use by the process.',
        });
        fileDescriptors();
        return {
          observables: [open],
          observe: (result) => result.observe(open, fileDescriptors()),
        };
      }),
    heap: heapSpaces && ((meter) => heap(meter, heapSpaces)),
    gc:
      gc &&
      ((meter) => {
        const duration = meter.createHistogram('v8js.gc.duration', {
          ...SECONDS,
          description: 'Garbage collection duration.',
          advice: { explicitBucketBoundaries: GC_BOUNDARIES },
        });
        const ofType = attribute('v8js.gc.type');
        const stop = gc((type, seconds) => duration.record(seconds, ofType(type)));
        return { observables: [], stop };
      }),
    eventLoop: eventLoop && ((meter) => eventLoopTime(meter, now, eventLoop)),
    eventLoopDelay:
      eventLoopDelay &&
      ((meter, resolutionMs) => {
        const monitor = eventLoopDelay(resolutionMs);
        const read = shared(now, () => monitor.read());
        return { ...delays(meter, read), stop: () => monitor.stop() };
      }),
    resources: resources && ((meter) => activeResources(meter, resources)),
  };
}

function cpuTime(
  meter: Meter,
  now: () => number,
  cpu: NonNullable<RuntimeSources['cpu']>,
  processors: () => number,
): Recorded {
  const time = meter.createObservableCounter('process.cpu.time', {
    ...SECONDS,
    description: 'Total CPU seconds broken down by different CPU modes.',
  });
  const utilization = meter.createObservableGauge('process.cpu.utilization', {
    ...RATIO,
    description:
      'Difference in process.cpu.time since the last measurement, divided by the elapsed time ' +
      'and number of CPUs available to the process.',
  });
  const switches = meter.createObservableCounter('process.context_switches', {
    ...count('{context_switch}'),
    description: 'Number of times the process has been context switched.',
  });
  const faults = meter.createObservableCounter('process.paging.faults', {
    ...count('{fault}'),
    description: 'Number of page faults the process has made.',
  });
  const inMode = attribute('cpu.mode');
  const switched = attribute('process.context_switch.type');
  const faulted = attribute('system.paging.fault.type');

  processors();
  let usage = cpu();
  let before = { at: now(), usage };
  const used = shared(now, () => {
    const at = now();
    const whole = ((at - before.at) / 1000) * processors();
    const { user, system } = before.usage;
    before = { at, usage };
    return whole > 0
      ? { user: (usage.user - user) / whole, system: (usage.system - system) / whole }
      : undefined;
  });
  return {
    observables: [time, utilization, switches, faults],
    observe(result) {
      usage = cpu();
      result.observe(time, usage.user, inMode('user'));
      result.observe(time, usage.system, inMode('system'));
      const parts = used();
      if (parts !== undefined) {
        // The clock of the processors ticks on its own: it may be ahead of the other by a tick.
        result.observe(utilization, Math.min(parts.user, 1), inMode('user'));
        result.observe(utilization, Math.min(parts.system, 1), inMode('system'));
      }
      result.observe(switches, usage.voluntarySwitches, switched('voluntary'));
      result.observe(switches, usage.involuntarySwitches, switched('involuntary'));
      result.observe(faults, usage.majorFaults, faulted('major'));
      result.observe(faults, usage.minorFaults, faulted('minor'));
    },
  };
}

function processState(meter: Meter, read: NonNullable<RuntimeSources['process']>): Recorded {
  const first = read();
  const usage = meter.createObservableUpDownCounter('process.memory.usage', {
    ...BYTES,
    description: 'The amount of physical memory in use.',
  });
  const uptime = meter.createObservableGauge('process.uptime', {
    ...SECONDS,
    description: 'The time the process has been running.',
  });
  const virtual =
    first.virtualBytes === undefined
      ? undefined
      : meter.createObservableUpDownCounter('process.memory.virtual', {
          ...BYTES,
          description: 'The amount of committed virtual memory.',
        });
  const threads =
    first.threads === undefined
      ? undefined
      : meter.createObservableUpDownCounter('process.thread.count', {
          ...count('{thread}'),
          description: 'Process threads count.',
        });
  return {
    observables: [usage, uptime, virtual, threads].filter((there) => there !== undefined),
    observe(result) {
      const state = read();
      result.observe(usage, state.residentBytes);
      result.observe(uptime, state.uptimeSeconds);
      if (virtual && state.virtualBytes !== undefined) result.observe(virtual, state.virtualBytes);
      if (threads && state.threads !== undefined) result.observe(threads, state.threads);
    },
  };
}

function heap(meter: Meter, read: NonNullable<RuntimeSources['heapSpaces']>): Recorded {
  const instrument = (name: string, description: string) =>
    meter.createObservableUpDownCounter(`v8js.memory.heap.${name}`, { ...BYTES, description });
  const used = instrument('used', 'Heap Memory size allocated.');
  const size = instrument('space.size', 'Total heap memory size pre-allocated for a heap space.');
  const available = instrument('space.available_size', 'Heap space available size.');
  const physical = instrument('space.physical_size', 'Committed size of a heap space.');
  const inSpace = attribute('v8js.heap.space.name');
  /** V8 names spaces that it makes no use of; half of them never have a size. */
  const inUse = new Set<string>();
  read();
  return {
    observables: [used, size, available, physical],
    observe(result) {
      for (const space of read()) {
        const name = space.space_name;
        if (space.space_size > 0) inUse.add(name);
        else if (!inUse.has(name)) continue;
        const attributes = inSpace(name);
        result.observe(used, space.space_used_size, attributes);
        result.observe(size, space.space_size, attributes);
        result.observe(available, space.space_available_size, attributes);
        result.observe(physical, space.physical_space_size, attributes);
      }
    },
  };
}

function eventLoopTime(
  meter: Meter,
  now: () => number,
  read: NonNullable<RuntimeSources['eventLoop']>,
): Recorded {
  const time = meter.createObservableCounter('nodejs.eventloop.time', {
    ...SECONDS,
    description: 'Cumulative duration of time the event loop has been in each state.',
  });
  const utilization = meter.createObservableGauge('nodejs.eventloop.utilization', {
    ...RATIO,
    description: 'Event loop utilization.',
  });
  const inState = attribute('nodejs.eventloop.state');
  let current = read();
  let before = current;
  const used = shared(now, () => {
    const active = current.active - before.active;
    const idle = current.idle - before.idle;
    before = current;
    return active + idle > 0 ? active / (active + idle) : undefined;
  });
  return {
    observables: [time, utilization],
    observe(result) {
      current = read();
      result.observe(time, current.active, inState('active'));
      result.observe(time, current.idle, inState('idle'));
      const ratio = used();
      if (ratio !== undefined) result.observe(utilization, ratio);
    },
  };
}

const DELAYS: Readonly<Record<keyof EventLoopDelay, string>> = {
  min: 'Event loop minimum delay.',
  max: 'Event loop maximum delay.',
  mean: 'Event loop mean delay.',
  stddev: 'Event loop standard deviation delay.',
  p50: 'Event loop 50 percentile delay.',
  p90: 'Event loop 90 percentile delay.',
  p99: 'Event loop 99 percentile delay.',
};

function delays(meter: Meter, read: () => EventLoopDelay | undefined): Recorded {
  const gauges = Object.entries(DELAYS).map(([key, description]) => ({
    key: key as keyof EventLoopDelay,
    gauge: meter.createObservableGauge(`nodejs.eventloop.delay.${key}`, {
      ...SECONDS,
      description,
    }),
  }));
  return {
    observables: gauges.map(({ gauge }) => gauge),
    observe(result) {
      const delay = read();
      if (delay === undefined) return;
      for (const { key, gauge } of gauges) result.observe(gauge, delay[key]);
    },
  };
}

function activeResources(meter: Meter, read: NonNullable<RuntimeSources['resources']>): Recorded {
  const active = meter.createObservableGauge('v8js.resource.active', {
    ...count('{resource}'),
    description: 'Gauge of the active resources that are currently keeping the event loop alive.',
  });
  const ofType = attribute('v8js.resource.type');
  read();
  return {
    observables: [active],
    observe(result) {
      const counts = new Map<string, number>();
      for (const type of read()) counts.set(type, (counts.get(type) ?? 0) + 1);
      for (const [type, many] of counts) result.observe(active, many, ofType(type));
    },
  };
}
