import { describe, expect, it } from 'vitest';
import { DELTA_TEMPORALITY } from '../../../src/api/metric/aggregation.ts';
import { manualReader, periodicReader } from '../../../src/api/metric/readers.ts';
import type { Cells } from '../../../src/buffer/cells.ts';
import { isOtlpError } from '../../../src/errors.ts';
import { byAttributes, metricsOf, openCells, rig } from './rig.ts';

describe('a meter provider whose engine is late', () => {
  it('keeps what is measured until then, as it was', async () => {
    let open: (cells: Cells) => void = () => {};
    const cells = new Promise<Cells>((resolve) => {
      open = resolve;
    });
    const { provider, points } = rig({ cells });
    const counter = provider.getMeter('m').createCounter('c');
    const attributes = { a: 1 };
    const bound = counter.bind(attributes);
    counter.add(1, attributes);
    attributes.a = 2;
    bound.add(10);
    expect(counter.enabled()).toBe(true);
    const collected = points('c');
    open(openCells());
    expect(byAttributes(await collected)).toEqual({ 'a=1': 11 });
    bound.add(100);
    expect(byAttributes(await points('c'))).toEqual({ 'a=1': 111 });
  });

  it('counts what is more than it can keep, and all of it when no engine comes', async () => {
    let fail: (error: Error) => void = () => {};
    const cells = new Promise<Cells>((_, reject) => {
      fail = reject;
    });
    const { provider, collect } = rig({ cells });
    const counter = provider.getMeter('m').createCounter('c');
    for (let i = 0; i < 2050; i++) counter.add(1);
    expect(provider.health().dropped.engine_loading).toBe(2);
    fail(new Error('no engine'));
    expect((await collect()).resourceMetrics.scopeMetrics).toEqual([]);
    counter.add(1);
    expect(provider.health().dropped.engine_loading).toBe(2051);
  });
});

describe('several readers', () => {
  it('collect each on its own, with temporality and limits of its own', async () => {
    const delta = manualReader({ temporality: DELTA_TEMPORALITY, cardinalityLimit: 2 });
    const { provider, points } = rig({ readers: [delta] });
    const counter = provider.getMeter('m').createCounter('c');
    const bound = counter.bind({ i: 0 });
    const deltas = async () => {
      const [metric] = metricsOf((await delta.collect()).resourceMetrics);
      return metric && byAttributes(metric.dataPoints as never);
    };
    for (let i = 0; i < 3; i++) counter.add(1, { i });
    bound.add(1);
    expect(await deltas()).toEqual({ 'i=0': 2, 'otel.metric.overflow=true': 2 });
    expect(await deltas()).toBeUndefined();
    for (let i = 0; i < 3; i++) counter.add(1, { i });
    expect(byAttributes(await points('c'))).toEqual({ 'i=0': 3, 'i=1': 2, 'i=2': 2 });
    expect(await deltas()).toEqual({ 'i=0': 1, 'otel.metric.overflow=true': 2 });
  });

  it('have one provider each', () => {
    const reader = manualReader();
    rig({ readers: [reader] });
    expect(() => rig({ readers: [reader] })).toThrow(/has a meter provider already/);
  });

  it('cannot collect before they have a provider, nor after their shutdown', async () => {
    const reader = manualReader();
    await expect(reader.collect()).rejects.toSatisfy(isOtlpError);
    const { provider } = rig({ readers: [reader] });
    await reader.collect();
    await provider.shutdown();
    await expect(reader.collect()).rejects.toSatisfy(isOtlpError);
  });
});

describe('the periodic reader', () => {
  it('exports first at a random time within the interval, then once in each', async () => {
    const firsts: number[] = [];
    for (let i = 0; i < 40; i++) {
      const times: number[] = [];
      const exporter = {
        export: (_: unknown, done: (result: { code: number }) => void) => {
          times.push(host.now() - began);
          done({ code: 0 });
        },
        forceFlush: async () => {},
        shutdown: async () => {},
      };
      const { host, provider } = rig({ readers: [periodicReader({ exporter, intervalMs: 1000 })] });
      const began = host.now();
      provider.getMeter('m').createCounter('c').add(1);
      await host.advance(4000);
      expect(times).toHaveLength(4);
      expect(times[0]).toBeLessThanOrEqual(1000);
      for (let k = 1; k < 4; k++) expect(times[k]! - times[k - 1]!).toBeCloseTo(1000);
      firsts.push(times[0]!);
    }
    expect(Math.max(...firsts) - Math.min(...firsts)).toBeGreaterThan(100);
  });

  it('refuses intervals that are none', () => {
    const exporter = { export() {}, forceFlush: async () => {}, shutdown: async () => {} };
    for (const options of [{ intervalMs: 0 }, { timeoutMs: -1 }, { intervalMs: Number.NaN }]) {
      expect(() => periodicReader({ exporter, ...options })).toThrow(/positive number/);
    }
  });
});

describe('reconfiguration', () => {
  it('leaves alone what stays the same, and gives back the memory of what goes', async () => {
    const made = rig();
    const meter = made.provider.getMeter('m');
    const [kept, gone] = [meter.createCounter('kept'), meter.createCounter('gone')];
    kept.add(1, { a: 1 });
    for (let i = 0; i < 500; i++) gone.add(1, { i });
    const before = made.provider.health();
    made.provider.update({ views: [{ instrumentName: 'gone', aggregation: { type: 1 } }] });
    kept.add(2, { a: 1 });
    gone.add(5);
    const [first, last] = await made.metrics();
    expect(byAttributes(first!.dataPoints as never)).toEqual({ 'a=1': 3 });
    expect(last!.dataPoints).toHaveLength(500);
    expect(gone.enabled()).toBe(false);
    const after = made.provider.health();
    expect(after.series).toBe(1);
    expect(after.usedBytes).toBeLessThan(before.usedBytes / 2);
  });

  it('bounds instruments and meters, whose names have no end', async () => {
    const { provider, warnings, metrics } = rig();
    const meter = provider.getMeter('m');
    for (let i = 0; i < 4100; i++) meter.createCounter(`c${i}`).add(1);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/4096 instruments/);
    for (let i = 0; i < 1100; i++) provider.getMeter(`m${i}`).createCounter('c').add(1);
    expect((await metrics()).length).toBe(4096 + 1023);
  });
});

describe('requests', () => {
  it('hold what objects hold, in as many requests as the limits ask for', async () => {
    const { provider, reader } = rig();
    const counter = provider.getMeter('m').createCounter('c');
    for (let i = 0; i < 10; i++) counter.add(1, { i });
    const sizes: number[] = [];
    const limits = { maxBytes: 100_000, maxPoints: 4 };
    const done = await reader.collector!.collectRequests(limits, (bytes, points) => {
      expect(bytes.length).toBeGreaterThan(0);
      sizes.push(points);
    });
    expect(sizes).toEqual([4, 4, 2]);
    expect(done).toMatchObject({ points: 10, requests: 3, tooLarge: 0, errors: [] });
  });
});
