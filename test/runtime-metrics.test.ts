import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  type MeterProvider as ApiMeterProvider,
  type Attributes,
  metrics,
} from '@opentelemetry/api';
import {
  DataPointType,
  type HistogramMetricData,
  MeterProvider,
  type MetricData,
  MetricReader,
} from '@opentelemetry/sdk-metrics';
import * as conventions from '@opentelemetry/semantic-conventions/incubating';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { recordRuntimeMetrics } from '../src/runtime/node/runtime-metrics.ts';
import { recordOn } from '../src/runtime-metrics/record.ts';
import type { RuntimeSources } from '../src/runtime-metrics/sources.ts';
import * as elsewhere from '../src/runtime-metrics.ts';
import { saidDuring } from './support/diag.ts';
import { oursOf } from './support/metric-providers.ts';

class ManualReader extends MetricReader {
  protected async onShutdown() {}
  protected async onForceFlush() {}

  async metrics(): Promise<MetricData[]> {
    const { resourceMetrics, errors } = await this.collect();
    expect(errors).toEqual([]);
    return resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
  }
}

/** A reader of either SDK. */
interface Reader {
  metrics(): Promise<readonly MetricData[]>;
}

const SDKS = ['upstream', 'ours'] as const;

/** Ours, by the same shape. */
function providedByUs(): { provider: ApiMeterProvider; reader: Reader } {
  const cardinalityLimit = 2000;
  const plan = { temporality: 'cumulative', histogram: 'explicit', cardinalityLimit } as const;
  const { provider, collectObjects } = oursOf('simd', { readers: [plan], views: [] });
  const metrics = async () => {
    const { resourceMetrics, errors } = await collectObjects(0);
    expect(errors).toEqual([]);
    return resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics) as MetricData[];
  };
  return { provider, reader: { metrics } };
}

const providers: MeterProvider[] = [];

function provided(readers = 1) {
  const all = Array.from({ length: readers }, () => new ManualReader());
  const provider = new MeterProvider({ readers: all });
  providers.push(provider);
  return { provider, reader: all[0]!, readers: all };
}

afterEach(async () => {
  for (const provider of providers.splice(0)) await provider.shutdown();
});

/** The values of one metric by its only attribute, `''` for none. */
function valuesOf(found: readonly MetricData[], name: string): Record<string, number> {
  const metric = found.find(({ descriptor }) => descriptor.name === name);
  const points = metric?.dataPoints ?? [];
  return Object.fromEntries(
    points.map(({ attributes, value }) => [Object.values(attributes).join(), value as number]),
  );
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 30));

/** Semantic conventions: kind (and whether it only grows), unit, attribute, integer or double. */
const CONVENTIONS: Readonly<Record<string, readonly [string, string, string | undefined, 0 | 1]>> =
  {
    'process.cpu.time': ['counter', 's', conventions.ATTR_CPU_MODE, 1],
    'process.cpu.utilization': ['gauge', '1', conventions.ATTR_CPU_MODE, 1],
    'process.context_switches': [
      'counter',
      '{context_switch}',
      conventions.ATTR_PROCESS_CONTEXT_SWITCH_TYPE,
      0,
    ],
    'process.paging.faults': ['counter', '{fault}', conventions.ATTR_SYSTEM_PAGING_FAULT_TYPE, 0],
    'process.memory.usage': ['updowncounter', 'By', undefined, 0],
    'process.memory.virtual': ['updowncounter', 'By', undefined, 0],
    'process.thread.count': ['updowncounter', '{thread}', undefined, 0],
    'process.uptime': ['gauge', 's', undefined, 1],
    'process.unix.file_descriptor.count': ['updowncounter', '{file_descriptor}', undefined, 0],
    'v8js.memory.heap.used': ['updowncounter', 'By', conventions.ATTR_V8JS_HEAP_SPACE_NAME, 0],
    'v8js.memory.heap.space.size': [
      'updowncounter',
      'By',
      conventions.ATTR_V8JS_HEAP_SPACE_NAME,
      0,
    ],
    'v8js.memory.heap.space.available_size': [
      'updowncounter',
      'By',
      conventions.ATTR_V8JS_HEAP_SPACE_NAME,
      0,
    ],
    'v8js.memory.heap.space.physical_size': [
      'updowncounter',
      'By',
      conventions.ATTR_V8JS_HEAP_SPACE_NAME,
      0,
    ],
    'v8js.gc.duration': ['histogram', 's', conventions.ATTR_V8JS_GC_TYPE, 1],
    'nodejs.eventloop.time': ['counter', 's', conventions.ATTR_NODEJS_EVENTLOOP_STATE, 1],
    'nodejs.eventloop.utilization': ['gauge', '1', undefined, 1],
    'nodejs.eventloop.delay.min': ['gauge', 's', undefined, 1],
    'nodejs.eventloop.delay.max': ['gauge', 's', undefined, 1],
    'nodejs.eventloop.delay.mean': ['gauge', 's', undefined, 1],
    'nodejs.eventloop.delay.stddev': ['gauge', 's', undefined, 1],
    'nodejs.eventloop.delay.p50': ['gauge', 's', undefined, 1],
    'nodejs.eventloop.delay.p90': ['gauge', 's', undefined, 1],
    'nodejs.eventloop.delay.p99': ['gauge', 's', undefined, 1],
    'v8js.resource.active': ['gauge', '{resource}', conventions.ATTR_V8JS_RESOURCE_TYPE, 0],
  };

const LINUX_ONLY = [
  'process.memory.virtual',
  'process.thread.count',
  'process.unix.file_descriptor.count',
];

function kindOf(metric: MetricData): string {
  if (metric.dataPointType === DataPointType.GAUGE) return 'gauge';
  if (metric.dataPointType === DataPointType.HISTOGRAM) return 'histogram';
  return metric.dataPointType === DataPointType.SUM && metric.isMonotonic
    ? 'counter'
    : 'updowncounter';
}

/** Every group, once there is something of each. */
async function everything(sdk: (typeof SDKS)[number]): Promise<readonly MetricData[]> {
  const { provider, reader } = sdk === 'ours' ? providedByUs() : provided();
  const stop = recordRuntimeMetrics(provider, {
    fileDescriptors: true,
    eventLoopDelayResolutionMs: 1,
  });
  try {
    let found: readonly MetricData[] = [];
    await vi.waitFor(
      async () => {
        const kept: Attributes[] = [];
        for (let i = 0; i < 300_000; i++) if (i % 100 === 0) kept.push({ kept: `${i}` });
        await turn();
        found = await reader.metrics();
        const names = found.filter(({ dataPoints }) => dataPoints.length > 0);
        expect(names.map(({ descriptor }) => descriptor.name)).toEqual(
          expect.arrayContaining(['v8js.gc.duration', 'nodejs.eventloop.utilization']),
        );
        expect(names.map(({ descriptor }) => descriptor.name)).toContain(
          'nodejs.eventloop.delay.p99',
        );
      },
      { timeout: 30_000, interval: 1100 },
    );
    return found;
  } finally {
    stop();
  }
}

const published = new Set<unknown>(
  Object.entries(conventions)
    .filter(([name]) => name.startsWith('METRIC_'))
    .map(([, value]) => value),
);

describe.each(SDKS)('what Node tells of itself, by the SDK: %s', (sdk) => {
  let found: readonly MetricData[];
  beforeAll(async () => {
    found = await everything(sdk);
  });

  it('has names of the semantic conventions, and their kinds, units and attributes', () => {
    const wanted = Object.keys(CONVENTIONS).filter(
      (name) => process.platform === 'linux' || !LINUX_ONLY.includes(name),
    );
    expect(found.map(({ descriptor }) => descriptor.name).sort()).toEqual(wanted.sort());
    for (const metric of found) {
      const { name, unit, valueType, description } = metric.descriptor;
      const [kind, wantedUnit, attribute, type] = CONVENTIONS[name]!;
      expect(published, name).toContain(name);
      expect([name, kindOf(metric), unit, valueType]).toEqual([name, kind, wantedUnit, type]);
      expect(description).toMatch(/^[A-Z].*\.$/);
      expect(metric.dataPoints.length, name).toBeGreaterThan(0);
      for (const { attributes } of metric.dataPoints) {
        expect(Object.keys(attributes), name).toEqual(attribute === undefined ? [] : [attribute]);
      }
    }
  });

  it('has values that the process confirms', () => {
    const usage = process.cpuUsage();
    const cpu = valuesOf(found, 'process.cpu.time');
    expect(cpu['user']).toBeGreaterThan(0);
    expect(cpu['user']).toBeLessThanOrEqual(usage.user / 1e6);
    expect(cpu['system']).toBeLessThanOrEqual(usage.system / 1e6);
    const busy = valuesOf(found, 'process.cpu.utilization');
    expect(busy['user']).toBeGreaterThanOrEqual(0);
    expect(busy['user']! + busy['system']!).toBeLessThanOrEqual(2);
    const resident = valuesOf(found, 'process.memory.usage')['']!;
    expect(resident).toBeGreaterThan(process.memoryUsage.rss() / 4);
    expect(valuesOf(found, 'process.uptime')['']).toBeLessThanOrEqual(process.uptime());
    if (process.platform === 'linux') {
      expect(valuesOf(found, 'process.memory.virtual')['']).toBeGreaterThan(resident);
      expect(valuesOf(found, 'process.thread.count')['']).toBeGreaterThan(1);
      expect(valuesOf(found, 'process.unix.file_descriptor.count')['']).toBeGreaterThan(2);
    }
    const used = valuesOf(found, 'v8js.memory.heap.used');
    expect(used['old_space']).toBeGreaterThan(1e6);
    const size = valuesOf(found, 'v8js.memory.heap.space.size');
    for (const name of Object.keys(size)) expect(used[name]).toBeLessThanOrEqual(size[name]!);
    const ratio = valuesOf(found, 'nodejs.eventloop.utilization')['']!;
    expect(ratio).toBeGreaterThan(0);
    expect(ratio).toBeLessThanOrEqual(1);
    expect(valuesOf(found, 'nodejs.eventloop.time')['active']).toBeGreaterThan(0);
    const gc = found.find(({ descriptor }) => descriptor.name === 'v8js.gc.duration');
    const types = ['minor', 'major', 'incremental', 'weakcb'];
    for (const { attributes, value } of (gc as HistogramMetricData).dataPoints) {
      expect(types).toContain(attributes['v8js.gc.type']);
      expect(value.sum).toBeGreaterThan(0);
      expect(value.buckets.boundaries[0]).toBe(0.005);
    }
  });
});

describe('what Node tells of itself', () => {
  it('measures how late the loop is, not how long its own timer waits', async () => {
    const { provider, reader } = provided();
    const stop = recordRuntimeMetrics(provider, { eventLoopDelayResolutionMs: 20 });
    await turn();
    await turn();
    // Measurements begin with a timer that has run.
    const end = performance.now() + 300;
    while (performance.now() < end);
    await turn();
    const found = await reader.metrics();
    stop();
    const of = (name: string) => valuesOf(found, `nodejs.eventloop.delay.${name}`)['']!;
    expect(of('max')).toBeGreaterThan(0.2);
    expect(of('min')).toBeGreaterThanOrEqual(0);
    for (const [less, more] of [
      ['min', 'p50'],
      ['p50', 'p90'],
      ['p90', 'p99'],
      ['p99', 'max'],
    ] as const) {
      expect(of(less)).toBeLessThanOrEqual(of(more));
    }
  });

  it('uses the registered provider, and says when there is none', async () => {
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    try {
      recordRuntimeMetrics()();
      expect(written.mock.calls.join()).toContain('no runtime metrics: there is no meter provider');
      const { provider, reader } = provided();
      metrics.setGlobalMeterProvider(provider);
      const stop = recordRuntimeMetrics();
      expect((await reader.metrics()).length).toBeGreaterThan(10);
      stop();
      expect(written).toHaveBeenCalledTimes(1);
    } finally {
      metrics.disable();
      written.mockRestore();
    }
  });

  it('lets the process end, and ends with what it watches', async () => {
    const entry = fileURLToPath(new URL('../dist/runtime-metrics-node.js', import.meta.url));
    const program = `
      import { MeterProvider } from '@opentelemetry/sdk-metrics';
      import { recordRuntimeMetrics } from ${JSON.stringify(entry)};
      recordRuntimeMetrics(new MeterProvider(), { eventLoopDelayResolutionMs: 1 });
      setTimeout(() => console.log('over'), 20);
    `;
    const node = ['--input-type=module', '--eval', program];
    const { stdout } = await promisify(execFile)(process.execPath, node, { timeout: 30_000 });
    expect(stdout).toBe('over\n');
  });
});

/** A host whose values the test sets. */
function madeUp(own: Partial<RuntimeSources> = {}) {
  const state = { now: 0, cpu: { user: 0, system: 0 }, idle: 0, active: 0, warned: [] as string[] };
  const sources: RuntimeSources = {
    now: () => state.now,
    warn: (line) => void state.warned.push(line),
    ...own,
  };
  return { state, sources };
}

const cpuOf = (state: { cpu: { user: number; system: number } }) => () => ({
  ...state.cpu,
  voluntarySwitches: 1,
  involuntarySwitches: 2,
  majorFaults: 3,
  minorFaults: 4,
});

describe('recording', () => {
  it('reads a source once for all its instruments', async () => {
    const { provider, reader } = provided();
    const space = {
      space_name: 'new_space',
      space_size: 8,
      space_used_size: 4,
      space_available_size: 2,
      physical_space_size: 1,
    };
    const read = vi.fn(() => [space]);
    const { sources } = madeUp({ heapSpaces: read });
    const stop = recordOn(sources, provider);
    read.mockClear();
    expect(await reader.metrics()).toHaveLength(4);
    expect(read).toHaveBeenCalledTimes(1);
    stop();
  });

  it('leaves out heap spaces that are not used, and goes on with those that were', async () => {
    const { provider, reader } = provided();
    const sizes = { old_space: 8, shared_space: 0 };
    const { sources } = madeUp({
      heapSpaces: () =>
        Object.entries(sizes).map(([space_name, size]) => ({
          space_name,
          space_size: size,
          space_used_size: size,
          space_available_size: 16,
          physical_space_size: size,
        })),
    });
    recordOn(sources, provider);
    const size = async () => valuesOf(await reader.metrics(), 'v8js.memory.heap.space.size');
    expect(await size()).toEqual({ old_space: 8 });
    sizes.old_space = 0;
    sizes.shared_space = 5;
    expect(await size()).toEqual({ old_space: 0, shared_space: 5 });
  });

  it('divides processor time by what there was of it since the last collection', async () => {
    const { provider, reader } = provided();
    const { state, sources } = madeUp();
    recordOn({ ...sources, cpu: cpuOf(state), processors: () => 4 }, provider);
    state.now = 10_000;
    state.cpu = { user: 10, system: 4 };
    const first = await reader.metrics();
    expect(valuesOf(first, 'process.cpu.time')).toEqual({ user: 10, system: 4 });
    expect(valuesOf(first, 'process.cpu.utilization')).toEqual({ user: 0.25, system: 0.1 });
    expect(valuesOf(first, 'process.context_switches')).toEqual({ voluntary: 1, involuntary: 2 });
    expect(valuesOf(first, 'process.paging.faults')).toEqual({ major: 3, minor: 4 });
    state.now = 15_000;
    state.cpu = { user: 20, system: 4 };
    const second = await reader.metrics();
    expect(valuesOf(second, 'process.cpu.utilization')).toEqual({ user: 0.5, system: 0 });
  });

  it('shows readers that collect within a second the same', async () => {
    const { provider, readers } = provided(2);
    const { state, sources } = madeUp();
    let reads = 0;
    recordOn(
      {
        ...sources,
        eventLoop: () => ({ active: state.active, idle: state.idle }),
        eventLoopDelay: () => ({
          read: () => {
            const value = ++reads;
            const all = { min: value, max: value, mean: value, stddev: value };
            return { ...all, p50: value, p90: value, p99: value };
          },
          stop() {},
        }),
      },
      provider,
    );
    const seen = async (at: number, active: number, idle: number, reader: ManualReader) => {
      Object.assign(state, { now: at, active, idle });
      const found = await reader.metrics();
      return [
        valuesOf(found, 'nodejs.eventloop.utilization')[''],
        valuesOf(found, 'nodejs.eventloop.delay.max')[''],
        valuesOf(found, 'nodejs.eventloop.time')['active'],
      ];
    };
    expect(await seen(10_000, 3, 1, readers[0]!)).toEqual([0.75, 1, 3]);
    expect(await seen(10_900, 3.9, 1, readers[1]!)).toEqual([0.75, 1, 3.9]);
    expect(await seen(11_000, 4, 2, readers[0]!)).toEqual([0.5, 2, 4]);
  });

  it('records collections of garbage as they come', async () => {
    const { provider, reader } = provided();
    let tell: ((type: 'minor' | 'major', seconds: number) => void) | undefined;
    const { sources } = madeUp({
      gc(heard) {
        tell = heard;
        return () => {
          tell = undefined;
        };
      },
    });
    const stop = recordOn(sources, provider);
    tell?.('minor', 0.001);
    tell?.('major', 0.02);
    tell?.('major', 0.03);
    const [metric] = (await reader.metrics()) as HistogramMetricData[];
    const counts = metric!.dataPoints.map(({ attributes, value }) => [
      attributes['v8js.gc.type'],
      value.count,
      value.sum,
    ]);
    expect(counts).toEqual([
      ['minor', 1, 0.001],
      ['major', 2, 0.05],
    ]);
    stop();
    expect(tell).toBeUndefined();
  });

  it('counts what keeps the event loop alive by type', async () => {
    const { provider, reader } = provided();
    const { sources } = madeUp({ resources: () => ['Timeout', 'TCPSocketWrap', 'Timeout'] });
    recordOn(sources, provider);
    const found = await reader.metrics();
    expect(valuesOf(found, 'v8js.resource.active')).toEqual({ Timeout: 2, TCPSocketWrap: 1 });
  });

  it('leaves out a group that is switched off, and asks nothing for it', async () => {
    const { provider, reader } = provided();
    const process = vi.fn(() => ({ residentBytes: 1, uptimeSeconds: 2 }));
    const resources = vi.fn(() => ['Timeout']);
    const { sources } = madeUp({ process, resources });
    recordOn(sources, provider, { process: false });
    const found = await reader.metrics();
    expect(found.map(({ descriptor }) => descriptor.name)).toEqual(['v8js.resource.active']);
    expect(process).not.toHaveBeenCalled();
  });

  it('says which groups are not there: to who asked for them, else to diag', async () => {
    const { provider } = provided();
    const { state, sources } = madeUp({
      resources() {
        throw new Error('not implemented');
      },
    });
    const said = await saidDuring(() => {
      recordOn(sources, provider, { gc: true, fileDescriptors: true });
    });
    expect(state.warned).toEqual([
      'otlp-wasm: runtime metrics that this host has not: fileDescriptors, gc.',
    ]);
    expect(said.map(({ line }) => line)).toEqual([
      expect.stringContaining('has not: cpu, process, heap, eventLoop, eventLoopDelay, resources'),
    ]);
  });

  it('gives up a group that fails, says so once, and goes on with the others', async () => {
    const { provider, reader } = provided();
    let broken = false;
    const stopped = vi.fn();
    const { sources } = madeUp({
      process: () => ({ residentBytes: 1, uptimeSeconds: 2 }),
      eventLoopDelay: () => ({
        read() {
          broken = true;
          throw new Error('no more');
        },
        stop: stopped,
      }),
    });
    recordOn(sources, provider);
    const said = await saidDuring(async () => {
      const found = [await reader.metrics(), await reader.metrics()];
      expect(found.map((metrics) => metrics.map(({ descriptor }) => descriptor.name))).toEqual([
        ['process.memory.usage', 'process.uptime'],
        ['process.memory.usage', 'process.uptime'],
      ]);
    });
    expect(broken).toBe(true);
    expect(stopped).toHaveBeenCalledTimes(1);
    expect(said.map(({ line }) => line)).toEqual([
      expect.stringContaining("runtime metrics 'eventLoopDelay' end: "),
    ]);
  });

  it('observes nothing after it is stopped, and stops once', async () => {
    const { provider, reader } = provided();
    const stopped = vi.fn();
    const read = vi.fn(() => ({ residentBytes: 1, uptimeSeconds: 2 }));
    const { sources } = madeUp({
      process: read,
      eventLoopDelay: () => ({ read: () => undefined, stop: stopped }),
    });
    const stop = recordOn(sources, provider);
    await reader.metrics();
    stop();
    stop();
    read.mockClear();
    await reader.metrics();
    expect(read).not.toHaveBeenCalled();
    expect(stopped).toHaveBeenCalledTimes(1);
  });

  it.each([
    [{ eventLoopDelayResolutionMs: 0 }, "option 'eventLoopDelayResolutionMs' is 0"],
    [{ eventLoopDelayResolutionMs: 1.5 }, "option 'eventLoopDelayResolutionMs' is 1.5"],
    [{ heap: 'yes' as never }, "option 'heap' is 'yes'"],
    [null as never, "option 'options' is null"],
  ])('refuses options %j', (options, message) => {
    const { provider } = provided();
    const { sources } = madeUp();
    expect(() => recordOn(sources, provider, options)).toThrow(message);
    expect(() => recordOn(sources, provider, options)).toThrow(
      expect.objectContaining({ code: 'invalid_option' }),
    );
  });
});

describe('on hosts that tell nothing', () => {
  it('does nothing, and says so once', () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
    try {
      const { provider } = provided();
      elsewhere.recordRuntimeMetrics(provider)();
      elsewhere.recordRuntimeMetrics(provider, { gc: true })();
      expect(warned.mock.calls).toEqual([[expect.stringContaining('no runtime metrics')]]);
      expect(() => elsewhere.recordRuntimeMetrics(provider, { gc: 1 as never })).toThrow(
        "option 'gc' is 1",
      );
    } finally {
      warned.mockRestore();
    }
  });
});
