import { gzipSync } from 'node:zlib';
import type { Tracer } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import type { PortableModule } from '../src/engine/select.ts';
import type { FlushReport } from '../src/health/report.ts';
import type { StartOptions } from '../src/options/options.ts';
import type { Answer, Outcome } from '../src/testing/index.ts';
import { ENGINE_NAMES, engineSources } from './support/engines.ts';
import { randomFrom, type SeededRandom } from './support/random.ts';
import { type Started, settledBy, started, unaccounted } from './support/telemetry.ts';

const KIB = 1024;
const MIB = KIB * KIB;
const UNAVAILABLE: Outcome = { kind: 'retryable', reason: 'HTTP 503' };

function record(tracer: Tracer, count: number, attributes: Record<string, string> = {}): void {
  for (let i = 0; i < count; i++) tracer.startSpan(`span ${i}`, { attributes }).end();
}

/** An answer that comes when it is given. */
function held(): { promise: Promise<Outcome>; answer(outcome: Outcome): void } {
  let answer: (outcome: Outcome) => void = () => {};
  const promise = new Promise<Outcome>((resolve) => {
    answer = resolve;
  });
  return { promise, answer };
}

describe.each(ENGINE_NAMES)('on the engine %s', (engine) => {
  const open = (options: StartOptions = {}) => started({ engine, ...options });

  describe('a batch leaves', () => {
    it('when it has 512 spans, after the call that ended the last of them', async () => {
      const { host, transport, tracer } = open();
      record(tracer, 511);
      await host.settle();
      expect(transport.payloads).toHaveLength(0);
      record(tracer, 1);
      expect(transport.payloads).toHaveLength(0);
      await host.settle();
      expect(transport.payloads.map(({ records }) => records)).toEqual([512]);
    });

    it('after one second, whatever its size', async () => {
      const { host, transport, tracer } = open();
      record(tracer, 3);
      await host.advance(400);
      record(tracer, 2);
      await host.advance(599);
      expect(transport.payloads).toHaveLength(0);
      await host.advance(1);
      expect(transport.payloads.map(({ records }) => records)).toEqual([5]);
      await host.advance(5000);
      record(tracer, 1);
      await host.advance(999);
      expect(transport.payloads).toHaveLength(1);
      await host.advance(1);
      expect(transport.payloads).toHaveLength(2);
    });

    it('of the size and the age that were asked for', async () => {
      const { host, transport, tracer } = open({ batch: { size: 10, delayMs: 50 } });
      record(tracer, 25);
      await host.settle();
      expect(transport.payloads.map(({ records }) => records)).toEqual([10, 10]);
      await host.advance(50);
      expect(transport.payloads.map(({ records }) => records)).toEqual([10, 10, 5]);
    });

    it('gathering for 10 ms after the last one, or up to the maximum, where spans end fast', async () => {
      const { host, transport, tracer } = open();
      const sizes = () => transport.payloads.map(({ records }) => records);
      record(tracer, 512);
      await host.settle();
      expect(sizes()).toEqual([512]);
      await host.advance(4);
      record(tracer, 700);
      await host.advance(5);
      expect(sizes()).toEqual([512]);
      await host.advance(1);
      expect(sizes()).toEqual([512, 700]);
      record(tracer, 2048);
      await host.settle();
      expect(sizes()).toEqual([512, 700, 2048]);
      await host.advance(10);
      record(tracer, 512);
      await host.settle();
      expect(sizes()).toEqual([512, 700, 2048, 512]);
    });

    it('sent by flush while they gather, and never twice', async () => {
      const { host, transport, tracer, telemetry } = open();
      record(tracer, 512);
      await host.settle();
      record(tracer, 600);
      const flushed = telemetry.flush();
      await host.settle();
      expect(transport.payloads.map(({ records }) => records)).toEqual([512, 600]);
      expect((await flushed).complete).toBe(true);
      await host.advance(2000);
      expect(transport.traces()).toHaveLength(1112);
    });

    it('of one size where a size is asked for, larger with maxSize', async () => {
      const fixed = open({ batch: { size: 100 } });
      record(fixed.tracer, 350);
      await fixed.host.settle();
      expect(fixed.transport.payloads.map(({ records }) => records)).toEqual([100, 100, 100]);
      const larger = open({ batch: { size: 100, maxSize: 300 } });
      record(larger.tracer, 350);
      await larger.host.settle();
      expect(larger.transport.payloads.map(({ records }) => records)).toEqual([300]);
    });

    it('several a turn, and the rest in the turns after it', async () => {
      const { host, transport, tracer } = open({ batch: { size: 2 } });
      record(tracer, 40);
      await host.settle();
      expect(transport.payloads.map(({ records }) => records)).toEqual(Array(20).fill(2));
    });

    it('within end() when the ring fills up: one batch at most, and none is lost', async () => {
      const { host, tracer, telemetry, traces, transport } = open({
        ringBytes: MIB,
        batch: { size: 4 },
      });
      let taken = 0;
      let before = 0;
      for (let i = 0; i < 100; i++) {
        record(tracer, 1, { text: `${i}`.padEnd(30_000, '.') });
        const after = telemetry.health().memory.ring.records;
        expect(before + 1 - after).toBeGreaterThanOrEqual(0);
        expect(before + 1 - after).toBeLessThanOrEqual(4);
        taken += before + 1 - after;
        before = after;
        expect(traces()).toMatchObject({ recorded: i + 1, queued: i + 1, sent: 0 });
      }
      expect(taken).toBeGreaterThan(50);
      await host.advance(1000);
      expect(traces()).toMatchObject({ recorded: 100, sent: 100, queued: 0 });
      expect(transport.traces()).toHaveLength(100);
    });

    it('within end() once, also when the string table is full at the same time', () => {
      const { tracer, telemetry } = open({ ringBytes: MIB, batch: { size: 1 } });
      const scoped = (i: number) =>
        telemetry.tracerProvider.getTracer('scope', undefined, {
          attributes: { large: `${i}`.padEnd(55_000, '.') },
        } as object);
      for (let i = 0; i < 4; i++) scoped(i).startSpan('s').end();
      const ring = () => telemetry.health().memory.ring;
      while (ring().used < MIB / 2 - 20_000) record(tracer, 1, { text: 'x'.repeat(5000) });
      const before = ring().records;
      scoped(4)
        .startSpan('s', { attributes: { text: 'y'.repeat(40_000) } })
        .end();
      expect(ring().used).toBeGreaterThan(MIB / 2);
      expect(ring().records).toBe(before);
    });
  });

  describe('a request', () => {
    it('is split where it would exceed the limit; order and content stay', async () => {
      const { arrived, tracer, transport } = open({
        compression: 'none',
        batch: { maxRequestBytes: 16 * KIB },
      });
      record(tracer, 512, { text: 'a value of some length that no other attribute has' });
      const spans = await arrived();
      expect(spans.map(({ name }) => name)).toEqual(
        Array.from({ length: 512 }, (_, i) => `span ${i}`),
      );
      expect(transport.payloads.length).toBeGreaterThan(2);
      for (const { body, rawBytes } of transport.payloads) {
        expect(rawBytes).toBeLessThanOrEqual(16 * KIB);
        expect(body.length).toBe(rawBytes);
      }
    });

    it('leaves out a span that alone exceeds the limit, and counts it', async () => {
      const { arrived, tracer, traces } = open({ batch: { maxRequestBytes: 4 * KIB } });
      record(tracer, 3);
      tracer.startSpan('large', { attributes: { text: 'x'.repeat(10_000) } }).end();
      record(tracer, 3);
      expect(await arrived()).toHaveLength(6);
      expect(traces()).toMatchObject({ recorded: 7, sent: 6, queued: 0 });
      expect(traces().dropped).toMatchObject({ too_large: 1 });
    });

    it('is compressed, and its own copy', async () => {
      const { arrived, host, tracer, transport } = open();
      record(tracer, 512);
      await host.settle();
      const [{ body, encoding, rawBytes }] = transport.payloads as [(typeof transport.payloads)[0]];
      expect(encoding).toBe('gzip');
      expect(body.length).toBeLessThan(rawBytes / 2);
      const kept = Buffer.from(body);
      record(tracer, 512, { other: 'x' });
      await arrived();
      expect(kept.equals(body)).toBe(true);
      expect(body.buffer.byteLength).toBe(body.length);
    });
  });

  describe('counts as dropped', () => {
    it('a span larger than its share of the ring (too_large)', async () => {
      const { arrived, tracer, traces } = open({ ringBytes: MIB });
      tracer.startSpan('large', { attributes: { text: 'x'.repeat(100_000) } }).end();
      tracer.startSpan('small').end();
      expect((await arrived()).map(({ name }) => name)).toEqual(['small']);
      expect(traces()).toMatchObject({ recorded: 2, sent: 1, dropped: { too_large: 1 } });
    });

    it('a span for which draining makes no room (ring_full)', async () => {
      const { telemetry, tracer, traces, arrived } = open({
        resource: { large: 'r'.repeat(180_000) },
      });
      tracer.startSpan('fits').end();
      telemetry.tracerProvider
        .getTracer('scope', '1', { attributes: { large: 's'.repeat(120_000) } } as object)
        .startSpan('does not')
        .end();
      tracer.startSpan('fits, too').end();
      expect((await arrived()).map(({ name }) => name)).toEqual(['fits', 'fits, too']);
      expect(traces()).toMatchObject({ recorded: 3, sent: 2, dropped: { ring_full: 1 } });
    });

    it('spans that end after shutdown (after_shutdown)', async () => {
      const { host, telemetry, tracer, traces } = open();
      const late = tracer.startSpan('late');
      const down = telemetry.shutdown();
      late.end();
      await host.settle();
      await down;
      record(tracer, 2);
      expect(traces()).toMatchObject({ recorded: 3, queued: 0, dropped: { after_shutdown: 3 } });
      expect(host.pending).toBe(0);
    });
  });

  it('accounts for every span at every step of random scripts', async () => {
    for (let seed = 1; seed <= 6; seed++) {
      // A failure names its seed.
      await expect(runScript({ engine }, randomFrom(seed * 7919)), `seed ${seed}`).resolves.toBe(
        undefined,
      );
    }
  });
});

/** A random life of a telemetry; throws when the books do not balance. */
async function runScript(
  options: StartOptions,
  random: SeededRandom,
  gzip?: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array | Promise<Uint8Array>,
): Promise<void> {
  const run = started(
    {
      ringBytes: MIB,
      flushTimeoutMs: 3000,
      batch: { size: 1 + random.below(60), maxRequestBytes: 8 * KIB },
      queue: { maxBytes: 200 * KIB, maxInFlight: 1 + random.below(4), retry: { maxAgeMs: 20_000 } },
      ...options,
    },
    gzip === undefined ? {} : { gzip },
  );
  const { host, telemetry, tracer, transport, traces } = run;
  const reports: Promise<FlushReport>[] = [];
  const open: ReturnType<typeof held>[] = [];
  let partial = 0;
  const answers: (() => Answer)[] = [
    () => ({ kind: 'delivered' }),
    () => ({ kind: 'delivered', warning: 'slow down' }),
    () => UNAVAILABLE,
    () => ({ kind: 'retryable', reason: 'HTTP 429', delayMs: random.below(30_000) }),
    () => ({ kind: 'rejected', reason: 'HTTP 400' }),
    () => (payload) => {
      const rejected = random.below(payload.records + 1);
      partial += rejected;
      return { kind: 'partial', rejected, message: 'some are bad' };
    },
    () => {
      const one = held();
      open.push(one);
      return one.promise;
    },
    () => () => {
      throw new Error('a transport that breaks its promise');
    },
  ];
  const pick = <T>(from: readonly T[]) => from[random.below(from.length)] as T;
  const check = () => {
    const lost = unaccounted(traces());
    if (lost !== 0) throw new Error(`${lost} spans unaccounted for: ${JSON.stringify(traces())}`);
  };
  const actions: (() => unknown)[] = [
    () => record(tracer, random.below(80)),
    () => record(tracer, random.below(8), { text: 'x'.repeat(random.below(20_000)) }),
    () => record(tracer, 1, { text: 'x'.repeat(70_000) }),
    () => host.advance(random.below(3000)),
    () => host.advance(random.below(3000)),
    () => host.settle(),
    () => transport.next(...Array.from({ length: random.below(5) }, () => pick(answers)())),
    () => {
      for (const { answer } of open.splice(0)) answer(pick([UNAVAILABLE, { kind: 'delivered' }]));
    },
    () => void reports.push(telemetry.flush()),
  ];
  const steps = 60 + random.below(60);
  for (let i = 0; i < steps; i++) {
    const done = pick(actions)();
    check();
    await done;
    check();
  }
  const down = telemetry.shutdown();
  check();
  record(tracer, 5);
  await host.advance(3000);
  check();
  const report = await down;
  for (const { answer } of open) answer({ kind: 'delivered' });
  await host.settle();
  const end = traces();
  const arrived = transport.traces().length - partial;
  if (end.queued !== 0 || host.pending !== 0) throw new Error('something is left');
  // What is answered after the deadline has been given up before.
  if (arrived < end.sent || (report.complete && arrived !== end.sent)) {
    throw new Error(`${arrived} arrived, ${end.sent} sent: ${JSON.stringify(end)}`);
  }
  for (const each of await Promise.all(reports)) {
    if (each.recorded !== each.sent + each.rejected + each.dropped + each.queued) {
      throw new Error(`a report does not add up: ${JSON.stringify(each)}`);
    }
  }
}

describe('while the engine is being loaded', () => {
  const forbidden = () => {
    throw new Error('blocked by policy');
  };

  function loading(options: StartOptions = {}) {
    let loaded: (module: PortableModule) => void = () => {};
    let failed: (error: Error) => void = () => {};
    const module = new Promise<PortableModule>((resolve, reject) => {
      loaded = resolve;
      failed = reject;
    });
    const run = started(options, {
      engines: { simd: forbidden, scalar: forbidden, portable: () => module },
    });
    const load = () => loaded(engineSources.portable() as PortableModule);
    return { ...run, load, fail: () => failed(new Error('HTTP 404')) };
  }

  it('spans wait, 2048 of them, and go out once it is there', async () => {
    const { host, load, telemetry, tracer, traces, transport } = loading();
    record(tracer, 2100);
    await host.advance(5000);
    expect(telemetry.health().engine.name).toBe('loading');
    expect(traces()).toMatchObject({
      recorded: 2100,
      queued: 2048,
      dropped: { engine_loading: 52 },
    });
    load();
    await host.settle();
    expect(telemetry.health().engine).toMatchObject({
      name: 'portable',
      reason: expect.stringMatching(/simd failed: .*blocked by policy; scalar failed: /),
    });
    await host.advance(1000);
    expect(traces()).toMatchObject({ recorded: 2100, sent: 2048, queued: 0 });
    expect(transport.traces()).toHaveLength(2048);
  });

  it('a failure is counted and warned of once, and nothing waits any more', async () => {
    const { fail, host, telemetry, tracer, traces } = loading();
    record(tracer, 10);
    fail();
    await host.settle();
    expect(host.warnings).toEqual([expect.stringContaining('no engine')]);
    expect(host.warnings[0]).toContain('HTTP 404');
    expect(telemetry.health().engine).toMatchObject({
      name: 'loading',
      reason: expect.stringContaining('could not be loaded'),
    });
    record(tracer, 5);
    expect(traces()).toMatchObject({ recorded: 15, queued: 0, dropped: { engine_loading: 15 } });
    const { done, value } = await settledBy(telemetry.flush(), host.settle);
    expect(done).toBe(true);
    expect(value).toMatchObject({ complete: true, dropped: 15 });
  });

  it('flush and shutdown wait for it until their deadline', async () => {
    const { host, load, telemetry, tracer, traces } = loading({ flushTimeoutMs: 5000 });
    record(tracer, 10);
    const flush = telemetry.flush();
    expect((await settledBy(flush, () => host.advance(4999))).done).toBe(false);
    const flushed = await settledBy(flush, () => host.advance(1));
    expect(flushed.value).toMatchObject({ complete: false, queued: 10 });
    const down = await settledBy(telemetry.shutdown(), () => host.advance(5000));
    expect(down.value).toMatchObject({ complete: false, queued: 0, dropped: 10 });
    load();
    await host.advance(5000);
    expect(traces()).toMatchObject({ recorded: 10, sent: 0, dropped: { engine_loading: 10 } });
    expect(host.pending).toBe(0);
  });

  it('flush delivers what has waited when it is loaded in time', async () => {
    const { host, load, telemetry, tracer } = loading();
    record(tracer, 10);
    const flush = telemetry.flush();
    await host.advance(100);
    load();
    const { value } = await settledBy(flush, host.settle);
    expect(value).toMatchObject({ complete: true, sent: 10, queued: 0 });
  });
});

describe('a host that compresses for the portable engine', () => {
  it('may answer later; spans stay counted and arrive', async () => {
    const ready: (() => void)[] = [];
    const run = started(
      { engine: 'portable', batch: { size: 512 } },
      {
        gzip: (bytes) =>
          new Promise((resolve) => {
            ready.push(() => resolve(gzipSync(bytes)));
          }),
      },
    );
    const { host, telemetry, tracer, traces, transport } = run;
    record(tracer, 600);
    await host.advance(1000);
    expect(ready).toHaveLength(2);
    expect(traces()).toMatchObject({ recorded: 600, queued: 600, sent: 0 });
    const flush = telemetry.flush();
    expect((await settledBy(flush, host.settle)).done).toBe(false);
    for (const answer of ready) answer();
    const { value } = await settledBy(flush, host.settle);
    expect(value).toMatchObject({ complete: true, sent: 600, queued: 0 });
    expect(transport.payloads.map(({ encoding }) => encoding)).toEqual(['gzip', 'gzip']);
    expect(transport.traces()).toHaveLength(600);
  });

  it('may fail at once or later: the bytes go as they are', async () => {
    for (const gzip of [
      () => {
        throw new Error('no such thing');
      },
      () => Promise.reject(new Error('no such thing')),
    ]) {
      const { arrived, tracer, transport } = started({ engine: 'portable' }, { gzip });
      record(tracer, 20);
      expect(await arrived()).toHaveLength(20);
      expect(transport.payloads[0]).toMatchObject({ encoding: 'identity' });
    }
  });

  it('may never answer: flush and shutdown keep their deadline', async () => {
    const never = () => new Promise<never>(() => {});
    const run = started({ engine: 'portable', flushTimeoutMs: 2000 }, { gzip: never });
    const { host, telemetry, tracer } = run;
    record(tracer, 20);
    const flushed = await settledBy(telemetry.flush(), () => host.advance(2000));
    expect(flushed.value).toMatchObject({ complete: false, queued: 20 });
    const down = await settledBy(telemetry.shutdown(), () => host.advance(2000));
    expect(down.value).toMatchObject({ complete: false });
    expect(unaccounted(run.traces())).toBe(0);
  });

  it('keeps the books under random scripts', async () => {
    for (let seed = 1; seed <= 4; seed++) {
      const random = randomFrom(seed * 104_729);
      const gzip = (bytes: Uint8Array<ArrayBuffer>) => {
        if (random.below(4) === 0) throw new Error('no');
        if (random.below(4) === 0) return Promise.reject(new Error('no'));
        return Promise.resolve(gzipSync(bytes));
      };
      await expect(runScript({ engine: 'portable' }, random, gzip), `seed ${seed}`).resolves.toBe(
        undefined,
      );
    }
  });
});

describe('flush', () => {
  it('resolves when what is in flight is answered, not before', async () => {
    const { host, telemetry, tracer, transport } = started();
    const first = held();
    const second = held();
    transport.next(first.promise, second.promise);
    record(tracer, 512);
    await host.settle();
    expect(transport.inFlight).toBe(1);
    record(tracer, 3);
    const flush = telemetry.flush();
    expect((await settledBy(flush, () => host.advance(10_000))).done).toBe(false);
    expect(transport.inFlight).toBe(2);
    second.answer({ kind: 'delivered' });
    expect((await settledBy(flush, host.settle)).done).toBe(false);
    first.answer({ kind: 'delivered' });
    const { value } = await settledBy(flush, host.settle);
    expect(value).toEqual({
      complete: true,
      recorded: 515,
      sent: 515,
      rejected: 0,
      dropped: 0,
      queued: 0,
      lastError: undefined,
    });
  });

  it('does not wait for what is recorded after the call', async () => {
    const { host, telemetry, tracer, transport } = started({ batch: { size: 1 } });
    transport.always(() => {
      record(tracer, 1);
      return { kind: 'delivered' };
    });
    record(tracer, 1);
    let done = false;
    void telemetry.flush().then(() => {
      done = true;
      transport.always({ kind: 'delivered' });
    });
    await host.settle();
    expect(done).toBe(true);
  });

  it('says when the collector did not answer before the deadline', async () => {
    const { host, telemetry, tracer, transport } = started({ flushTimeoutMs: 5000 });
    transport.always(UNAVAILABLE);
    record(tracer, 7);
    const { done, value } = await settledBy(telemetry.flush(), () => host.advance(5000));
    expect(done).toBe(true);
    expect(value).toMatchObject({ complete: false, queued: 7, sent: 0, lastError: 'HTTP 503' });
    transport.always({ kind: 'delivered' });
    await host.advance(60_000);
    expect(telemetry.health().signals.traces).toMatchObject({ sent: 7, queued: 0 });
  });

  it('resolves at once when there is nothing to wait for', async () => {
    const { host, telemetry, transport } = started();
    const { value } = await settledBy(telemetry.flush(), host.settle);
    expect(value).toMatchObject({ complete: true, recorded: 0 });
    expect(transport.payloads).toHaveLength(0);
    expect(host.pending).toBe(0);
  });
});

describe('shutdown', () => {
  it('delivers what is there and closes', async () => {
    const { host, telemetry, tracer, transport } = started();
    record(tracer, 3000);
    const { value } = await settledBy(telemetry.shutdown(), host.settle);
    expect(value).toMatchObject({ complete: true, recorded: 3000, sent: 3000, queued: 0 });
    expect(transport.closed).toBe(true);
    expect(transport.traces()).toHaveLength(3000);
    expect(host.pending).toBe(0);
  });

  it('drops what is left at the deadline, with its cause', async () => {
    const { host, telemetry, tracer, traces, transport } = started({ flushTimeoutMs: 4000 });
    transport.always(held().promise);
    record(tracer, 9);
    const down = telemetry.shutdown();
    expect((await settledBy(down, () => host.advance(3999))).done).toBe(false);
    const { value } = await settledBy(down, () => host.advance(1));
    expect(value).toMatchObject({ complete: false, recorded: 9, dropped: 9, queued: 0 });
    expect(traces().dropped).toMatchObject({ shutdown: 9 });
    expect(transport.closed).toBe(true);
    expect(host.pending).toBe(0);
  });

  it('answers a second call with the first one’s report', async () => {
    const { host, telemetry, tracer } = started();
    record(tracer, 3);
    const first = telemetry.shutdown();
    const second = telemetry.shutdown();
    await host.settle();
    expect(await second).toBe(await first);
    record(tracer, 1);
    expect(await telemetry.shutdown()).toBe(await first);
  });

  it('leaves flush harmless', async () => {
    const { host, telemetry, tracer } = started();
    record(tracer, 3);
    const down = telemetry.shutdown();
    await host.settle();
    await down;
    const { value } = await settledBy(telemetry.flush(), host.settle);
    expect(value).toMatchObject({ complete: true, sent: 3 });
  });
});

describe('the end of the process', () => {
  it('flushes when there is time', async () => {
    const { host, tracer, traces } = started();
    record(tracer, 3);
    const { value } = await settledBy(host.exitGracefully(), host.settle);
    expect(value).toBe(true);
    expect(traces()).toMatchObject({ sent: 3 });
  });

  it('counts and shows what is lost when there is none', async () => {
    const run: Started = started();
    const { host, tracer, traces, transport } = run;
    transport.always(held().promise);
    record(tracer, 512);
    await host.settle();
    record(tracer, 8);
    host.exitNow();
    expect(traces()).toMatchObject({ recorded: 520, queued: 0, dropped: { exit: 520 } });
    expect(host.warnings).toEqual([expect.stringContaining('520 spans')]);
    host.exitNow();
    expect(host.warnings).toHaveLength(1);
    record(tracer, 1);
    expect(traces().dropped).toMatchObject({ after_shutdown: 1 });
  });

  it('says nothing when nothing is lost, each loss once, and is not watched after shutdown', async () => {
    const { host, telemetry, tracer } = started();
    host.exitNow();
    expect(host.warnings).toEqual([]);
    const other = started();
    other.transport.always(held().promise);
    record(other.tracer, 2);
    void other.telemetry.shutdown();
    await other.host.advance(30_000);
    expect(other.host.warnings).toEqual([
      expect.stringContaining('otlp-wasm: 2 spans lost (shutdown 2)'),
    ]);
    other.host.exitNow();
    expect(other.host.warnings).toHaveLength(1);
    record(tracer, 1);
    await telemetry.shutdown();
  });
});
