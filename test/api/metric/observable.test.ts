import type { BatchObservableResult, Observable, ObservableResult } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { DELTA_TEMPORALITY } from '../../../src/api/metric/aggregation.ts';
import type { DataPoint } from '../../../src/api/metric/data.ts';
import { manualReader } from '../../../src/api/metric/readers.ts';
import { byAttributes, metricsOf, pointsOf, rig } from './rig.ts';

describe('asynchronous instruments', () => {
  it('call a callback once for each collection of each reader, which alone gets what it observes', async () => {
    const other = manualReader({ temporality: DELTA_TEMPORALITY });
    const { provider, points } = rig({ readers: [other] });
    let calls = 0;
    const counter = provider.getMeter('m').createObservableCounter('c');
    counter.addCallback((result) => result.observe(++calls * 10));
    expect(await points('c')).toMatchObject([{ value: 10 }]);
    const seen = async () => pointsOf(metricsOf((await other.collect()).resourceMetrics), 'c');
    expect(await seen()).toMatchObject([{ value: 20 }]);
    expect(await points('c')).toMatchObject([{ value: 30 }]);
    expect(await seen()).toMatchObject([{ value: 20 }]);
    expect(calls).toBe(4);
  });

  it('add a callback once, and remove it', async () => {
    const { provider, points } = rig();
    let calls = 0;
    const callback = (result: ObservableResult) => result.observe(++calls);
    const gauge = provider.getMeter('m').createObservableGauge('g');
    gauge.addCallback(callback);
    gauge.addCallback(callback);
    await points('g');
    expect(calls).toBe(1);
    gauge.removeCallback(callback);
    expect(await points('g')).toEqual([]);
  });

  it('observe several instruments in one callback; those that it does not name are left out', async () => {
    const { provider, collect, points } = rig();
    const meter = provider.getMeter('m');
    const [a, b, c] = ['a', 'b', 'c'].map((name) => meter.createObservableGauge(name));
    const callback = (result: BatchObservableResult) => {
      for (const [i, each] of [a!, b!, c!].entries()) result.observe(each as Observable, i, { i });
    };
    meter.addBatchObservableCallback(callback, [a!, b!]);
    meter.addBatchObservableCallback(callback, [b!, a!]);
    const metrics = metricsOf((await collect()).resourceMetrics);
    expect(metrics.map(({ descriptor }) => descriptor.name)).toEqual(['a', 'b']);
    meter.removeBatchObservableCallback(callback, [b!, a!]);
    expect(await points('a')).toEqual([]);
  });

  it('leave out series that are not observed any more', async () => {
    const { provider, points } = rig();
    let ids = [1, 2];
    const gauge = provider.getMeter('m').createObservableUpDownCounter('g');
    gauge.addCallback((result) => {
      for (const id of ids) result.observe(id, { id });
    });
    expect(byAttributes(await points('g'))).toEqual({ 'id=1': 1, 'id=2': 2 });
    ids = [2];
    expect(byAttributes(await points('g'))).toEqual({ 'id=2': 2 });
    ids = [1, 2];
    expect(byAttributes(await points('g'))).toEqual({ 'id=1': 1, 'id=2': 2 });
  });

  it('wait for callbacks that are promises, for as long as they may take', async () => {
    const made = rig();
    const meter = made.provider.getMeter('m');
    const later = (ms: number) =>
      new Promise<void>((resolve) => {
        made.host.setTimer(resolve, ms);
      });
    const observeAfter = (ms: number) => async (result: ObservableResult) => {
      await later(ms);
      result.observe(ms);
    };
    meter.createObservableGauge('quick').addCallback(observeAfter(10));
    meter.createObservableGauge('slow').addCallback(observeAfter(500));
    meter.createCounter('c').add(1);
    const collecting = made.reader.collect({ timeoutMillis: 100 });
    await made.host.advance(100);
    const { resourceMetrics, errors } = await collecting;
    const names = metricsOf(resourceMetrics).map(({ descriptor }) => descriptor.name);
    expect(names).toEqual(['quick', 'c']);
    expect(errors).toMatchObject([{ message: expect.stringMatching(/not over after 100 ms/) }]);
    // It still runs: it is not called again, and what it observes then is nobody's any more.
    const again = made.reader.collect({ timeoutMillis: 100 });
    await made.host.advance(100);
    expect((await again).errors).toMatchObject([{ message: expect.stringMatching(/still runs/) }]);
    await made.host.advance(1000);
    const last = made.reader.collect();
    await made.host.advance(1000);
    expect(metricsOf((await last).resourceMetrics)).toHaveLength(3);
  });

  it('leave out all that a callback observed before it threw, and say why', async () => {
    const { provider, collect } = rig();
    const meter = provider.getMeter('m');
    meter.createObservableGauge('a').addCallback((result) => {
      result.observe(1);
      throw new Error('no more');
    });
    meter.createObservableGauge('b').addCallback(async (result) => {
      result.observe(1);
      throw new Error('nor here');
    });
    meter.createObservableGauge('c').addCallback((result) => result.observe(1));
    const { resourceMetrics, errors } = await collect();
    expect(metricsOf(resourceMetrics).map(({ descriptor }) => descriptor.name)).toEqual(['c']);
    expect(errors).toMatchObject([{ message: 'no more' }, { message: 'nor here' }]);
  });

  it('ignore what is observed outside of a callback', async () => {
    const { provider, points } = rig();
    let kept: ObservableResult | undefined;
    provider
      .getMeter('m')
      .createObservableGauge('g')
      .addCallback((result) => {
        kept ??= result;
        result.observe(1);
      });
    await points('g');
    kept!.observe(99, { late: true });
    expect(byAttributes(await points('g'))).toEqual({ '': 1 });
  });

  it('add up what a view makes one series of; of the same attributes the last value counts', async () => {
    const views = [{ instrumentName: '*', allowAttributes: ['a'] }];
    for (const temporality of [undefined, DELTA_TEMPORALITY]) {
      const { provider, points } = rig({ views, reader: { temporality } });
      const meter = provider.getMeter('m');
      const observe = (result: ObservableResult) => {
        result.observe(1, { a: 1, b: 1 });
        result.observe(10, { a: 1, b: 2 });
        result.observe(5, { b: 2, a: 1 });
      };
      meter.createObservableCounter('sum').addCallback(observe);
      meter.createObservableGauge('last').addCallback(observe);
      expect(await points('sum')).toMatchObject([{ value: 6 }]);
      expect(await points('last')).toMatchObject([{ value: 5 }]);
    }
  });

  it('report what a counter counted since it began anew', async () => {
    const { provider, points } = rig({ reader: { temporality: DELTA_TEMPORALITY } });
    const totals = [10, 15, 4, 5];
    const meter = provider.getMeter('m');
    meter.createObservableCounter('c').addCallback((result) => result.observe(totals[0]!));
    const seen: unknown[] = [];
    while (totals.length > 0) {
      seen.push((await points('c'))[0]!.value);
      totals.shift();
    }
    expect(seen).toEqual([10, 5, 4, 1]);
  });

  it('are collected at once where there is no time, without those that are promises', () => {
    const { provider, reader } = rig();
    const meter = provider.getMeter('m');
    meter.createObservableGauge('a').addCallback((result) => result.observe(1));
    meter.createObservableGauge('b').addCallback(async (result) => {
      await Promise.resolve();
      result.observe(1);
    });
    meter.createCounter('c').add(1);
    let count = 0;
    reader.collector!.collectRequestsNow({ maxBytes: 100_000 }, (_, points) => {
      count += points;
    });
    expect(count).toBe(2);
  });

  it('have one start time with delta temporality, that of the collection before', async () => {
    const made = rig({ reader: { temporality: DELTA_TEMPORALITY } });
    const counter = made.provider.getMeter('m').createCounter('c');
    const begin = Date.UTC(2026, 0, 1) / 1000;
    const times = (found: readonly DataPoint<unknown>[]) =>
      found.map(({ startTime, endTime }) => [startTime[0] - begin, endTime[0] - begin]);
    await made.wait(1000);
    counter.add(1, { a: 1 });
    await made.wait(1000);
    counter.add(1, { a: 2 });
    expect(times(await made.points('c'))).toEqual([
      [0, 2],
      [0, 2],
    ]);
    await made.wait(3000);
    counter.add(1, { a: 1 });
    counter.add(1, { a: 3 });
    expect(times(await made.points('c'))).toEqual([
      [2, 5],
      [2, 5],
    ]);
    await made.points('c');
    await made.wait(1000);
    counter.add(1, { a: 2 });
    expect(times(await made.points('c'))).toEqual([[5, 6]]);
  });
});
