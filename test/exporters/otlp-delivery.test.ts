import { gunzipSync } from 'node:zlib';
import { context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { afterEach, describe, expect, it } from 'vitest';
import { JSON_FORMAT } from '../../src/exporters/json-format.ts';
import type { SpanLike } from '../../src/exporters/span-like.ts';
import { AsyncLocalStorageContextManager } from '../../src/runtime/node/context-manager.ts';
import { decodeRequest } from '../../src/workbench/collector/decode.ts';
import { ENGINE_NAMES, engineSources } from '../support/engines.ts';
import { endedSpans, exporting, unaccounted } from '../support/otlp-exporter.ts';
import { randomFrom } from '../support/random.ts';

const AWAY = { kind: 'retryable', reason: 'connect ECONNREFUSED' } as const;
const MINUTE = 60_000;

const refusing = (name: string) => () => {
  throw new Error(`no ${name} here`);
};

describe('a batch', () => {
  it('is told of once, when the collector has answered', async () => {
    const run = exporting();
    let answer = (_: { kind: 'delivered' }) => {};
    run.transport.next(
      new Promise((resolve) => {
        answer = resolve;
      }),
    );
    run.export(3);
    await run.host.settle();
    expect(run.results).toEqual([]);
    expect(run.traces()).toMatchObject({ recorded: 3, queued: 3 });
    answer({ kind: 'delivered' });
    await run.host.settle();
    expect(run.results).toEqual([{ code: 0 }]);
    expect(run.traces()).toMatchObject({ recorded: 3, queued: 0, sent: 3, requests: 1 });
    expect(run.transport.traces().map(({ name }) => name)).toEqual(['span 0', 'span 1', 'span 2']);
  });

  it('is counted before it is told of', async () => {
    const run = exporting();
    let sent = -1;
    run.exporter.export(endedSpans(2), () => {
      ({ sent } = run.traces());
    });
    await run.host.settle();
    expect(sent).toBe(2);
  });

  it('without spans succeeds at once, and sends nothing', async () => {
    const run = exporting();
    run.export([]);
    expect(run.results).toEqual([{ code: 0 }]);
    await run.host.settle();
    expect(run.transport.payloads).toEqual([]);
    expect(run.exporter.health().engine.name).toBe('loading');
  });

  it('is encoded within the call: spans may change afterwards', async () => {
    const run = exporting();
    const [span] = endedSpans(1, { a: 1 });
    const mine = {
      ...span!,
      name: 'before',
      attributes: { a: 1 },
      spanContext: () => span!.spanContext(),
    };
    run.export([mine]);
    mine.name = 'after';
    mine.attributes = { a: 2 };
    await run.host.settle();
    expect(run.transport.traces()).toMatchObject([{ name: 'before', attributes: { a: 1 } }]);
  });

  it.each(ENGINE_NAMES)('is the same from the engine %s', async (name) => {
    const others = Object.fromEntries(
      ENGINE_NAMES.filter((each) => each !== name).map((each) => [each, refusing(each)]),
    );
    const spans = endedSpans(700, { text: 'größe', n: 1.5, list: [1, 2], yes: true });
    const run = exporting({ compression: 'gzip' }, { engines: others });
    run.export(spans);
    await run.host.settle();
    expect(run.exporter.health().engine.name).toBe(name);
    const usual = exporting({ compression: 'gzip' });
    usual.export(spans);
    await usual.host.settle();
    expect(run.transport.traces()).toEqual(usual.transport.traces());
    expect(run.transport.payloads[0]).toMatchObject({ encoding: 'gzip', records: 700 });
    expect(run.traces().bytesCompressed).toBeLessThan(run.traces().bytesRaw / 3);
  });

  it.each(ENGINE_NAMES)('goes as JSON from the engine %s, compressed or not', async (name) => {
    const others = Object.fromEntries(
      ENGINE_NAMES.filter((each) => each !== name).map((each) => [each, refusing(each)]),
    );
    const spans = endedSpans(50, { n: 1.5 });
    for (const compression of ['none', 'gzip'] as const) {
      const run = exporting({ compression }, { engines: others }, JSON_FORMAT);
      const bodies: Uint8Array[] = [];
      run.transport.always(({ body, contentType, encoding, rawBytes }) => {
        expect({ contentType, encoding }).toEqual({
          contentType: 'application/json',
          encoding: compression === 'gzip' ? 'gzip' : 'identity',
        });
        const raw = compression === 'gzip' ? gunzipSync(body) : body;
        expect(rawBytes).toBe(raw.length);
        bodies.push(raw);
        // The fake transport reads protobuf only.
        return { kind: 'rejected', reason: 'looked at' };
      });
      run.export(spans);
      await run.host.settle();
      const names = bodies.flatMap((body) =>
        decodeRequest('traces', 'json', body).spans.map((span) => span.name),
      );
      expect(names).toEqual(spans.map((span) => span.name));
    }
  });

  it('as JSON that is longer than the engine has room for is compressed by the host', async () => {
    const run = exporting({ compression: 'gzip' }, {}, JSON_FORMAT);
    const encodings: string[] = [];
    run.transport.always(({ encoding, rawBytes }) => {
      encodings.push(encoding);
      expect(rawBytes).toBeGreaterThan(8 * 1024 * 1024);
      return { kind: 'rejected', reason: 'looked at' };
    });
    // Each byte of it is six in JSON.
    run.export(endedSpans(1, { text: '\u0001'.repeat(2 * 1024 * 1024) }));
    await run.host.settle();
    expect(encodings).toEqual(['gzip']);
  });

  it('larger than one request goes as several, and is told of when all are answered', async () => {
    const run = exporting();
    run.transport.next({ kind: 'delivered' }, AWAY);
    run.export(endedSpans(7, { text: 'x'.repeat(2 * 1024 * 1024) }));
    await run.host.settle();
    expect(run.transport.payloads.length).toBeGreaterThan(1);
    expect(run.results).toEqual([]);
    await run.host.advance(1000);
    expect(run.results).toEqual([{ code: 0 }]);
    expect(run.transport.traces()).toHaveLength(7);
  });

  it('with a span of nearly 4 MiB is delivered; what is larger is dropped and told of', async () => {
    const run = exporting();
    const mebibytes = (count: number) => endedSpans(1, { text: 'x'.repeat(count * 1024 * 1024) });
    run.export([...mebibytes(3.9), ...mebibytes(4.1), ...endedSpans(2)]);
    await run.host.settle();
    expect(run.traces()).toMatchObject({ sent: 3, dropped: { too_large: 1 } });
    expect(run.results).toMatchObject([{ code: 1, error: { code: 'not_delivered' } }]);
    expect(run.results[0]!.error!.message).toBe('1 span dropped (too_large): larger than 4 MiB');
    expect(run.host.warnings[0]).toContain('1 span lost (too_large 1)');
  });

  it('with what is no span delivers the others', async () => {
    const run = exporting();
    const throwing = { ...endedSpans(1)[0], spanContext: refusing('context') } as never;
    run.export([...endedSpans(1), {} as SpanLike, throwing, ...endedSpans(1)]);
    await run.host.settle();
    expect(run.traces()).toMatchObject({ recorded: 4, sent: 2, dropped: { unreadable: 2 } });
    expect(run.results[0]!.error!.message).toBe(
      '2 spans dropped (unreadable): Error: no context here',
    );
  });

  it('of a span that exports spans when it is read', async () => {
    const run = exporting();
    const [span, inner] = endedSpans(2);
    let exported = false;
    const nested = {
      ...span!,
      spanContext() {
        if (!exported) {
          exported = true;
          run.export([inner!]);
        }
        expect(unaccounted(run.exporter.health())).toBe(0);
        return span!.spanContext();
      },
    };
    run.export([nested as never]);
    await run.host.settle();
    expect(run.results).toEqual([{ code: 0 }, { code: 0 }]);
    expect(run.transport.traces()).toHaveLength(2);
  });

  it('does not mind what its callback throws', async () => {
    const run = exporting();
    run.exporter.export(endedSpans(1), refusing('sense'));
    run.exporter.export([], refusing('sense'));
    run.export(1);
    await run.host.settle();
    expect(run.results).toEqual([{ code: 0 }]);
  });
});

describe('what the collector answers', () => {
  it('a refusal fails the batch, with the reason', async () => {
    const run = exporting();
    run.transport.next({ kind: 'rejected', reason: 'HTTP 400: no such tenant', status: 400 });
    run.export(2);
    await run.host.settle();
    expect(run.results[0]!.error!.message).toBe('2 spans rejected: HTTP 400: no such tenant');
    expect(run.traces()).toMatchObject({ rejected: 2, queued: 0 });
    expect(run.host.warnings[0]).toContain('2 spans lost (rejected 2)');
  });

  it('a partial success is a success, which is counted and warned of', async () => {
    const run = exporting();
    run.transport.next({ kind: 'partial', rejected: 2, message: 'too old' });
    run.export(5);
    await run.host.settle();
    expect(run.results).toEqual([{ code: 0 }]);
    expect(run.traces()).toMatchObject({ sent: 3, rejected: 2 });
    expect(run.host.warnings[0]).toMatch(/2 spans lost \(rejected 2\).*too old/);
  });

  it('a request runs in a context in which nothing is traced, and with no other in it', async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    try {
      const run = exporting();
      const mine = createContextKey('mine');
      const seen: unknown[] = [];
      run.transport.always(() => {
        seen.push(isTracingSuppressed(context.active()), context.active().getValue(mine));
        return { kind: 'delivered' };
      });
      context.with(ROOT_CONTEXT.setValue(mine, 1), () => run.export(1));
      await run.host.settle();
      expect(seen).toEqual([true, undefined]);
    } finally {
      context.disable();
    }
  });
});

describe('while the collector is away', () => {
  it('a batch is told to be kept at its second failure, and delivered when it is back', async () => {
    const run = exporting();
    run.transport.always(AWAY);
    run.export(5);
    await run.host.settle();
    // One failure is nothing.
    expect(run.results).toEqual([]);
    await run.host.advance(1000);
    expect(run.results).toMatchObject([{ code: 0, error: { code: 'not_delivered' } }]);
    expect(run.results[0]!.error!.message).toBe(
      '5 spans kept, to be sent again for up to 300 s: connect ECONNREFUSED',
    );
    await run.host.advance(2 * MINUTE);
    expect(run.traces()).toMatchObject({ queued: 5, sent: 0 });
    run.transport.always({ kind: 'delivered' });
    await run.host.advance(MINUTE);
    expect(run.traces()).toMatchObject({ queued: 0, sent: 5 });
    expect(run.results).toHaveLength(1);
    expect(run.host.warnings).toEqual([
      'otlp-wasm: the collector does not answer, spans wait: 5 spans kept, to be sent again for up ' +
        'to 300 s: connect ECONNREFUSED.',
    ]);
  });

  it('that is said once, and once more when it happens again', async () => {
    const run = exporting();
    const said = () => run.host.warnings.filter((line) => line.includes('does not answer')).length;
    for (let outage = 1; outage <= 2; outage++) {
      run.transport.always(AWAY);
      for (let i = 0; i < 5; i++) {
        run.export(10);
        await run.host.advance(5000);
      }
      expect(said()).toBe(outage);
      run.transport.always({ kind: 'delivered' });
      await run.host.advance(MINUTE);
      expect(run.traces()).toMatchObject({ queued: 0 });
    }
  });

  it('one failure costs nobody a thing', async () => {
    const run = exporting();
    run.transport.next(AWAY);
    run.export(5);
    await run.host.advance(1000);
    expect(run.results).toEqual([{ code: 0 }]);
  });

  it('further batches are told so at once, and none is lost', async () => {
    const run = exporting();
    run.transport.always(AWAY);
    for (let i = 0; i < 20; i++) {
      run.export(512);
      await run.host.advance(5000);
      expect(run.results).toHaveLength(i + 1);
      expect(unaccounted(run.exporter.health())).toBe(0);
    }
    run.export(1);
    expect(run.results[20]!.error!.message).toContain('1 span kept');
    expect(run.traces()).toMatchObject({ queued: 20 * 512 + 1, sent: 0 });
    run.transport.always({ kind: 'delivered' });
    await run.host.advance(MINUTE);
    expect(run.traces()).toMatchObject({ queued: 0, sent: 20 * 512 + 1 });
    expect(run.exporter.health().endpoints[0]).toMatchObject({ state: 'ok' });
  });

  it('those that wait behind the batch that fails are told so with it', async () => {
    const run = exporting({ concurrencyLimit: 1 });
    run.transport.always(AWAY);
    run.export(1);
    run.export(2);
    run.export(3);
    await run.host.advance(1000);
    expect(run.results.map(({ error }) => error!.message.slice(0, 12))).toEqual([
      '1 span kept,',
      '2 spans kept',
      '3 spans kept',
    ]);
  });

  it('a long Retry-After is as good as a second failure', async () => {
    const run = exporting();
    run.transport.next({ kind: 'retryable', reason: 'HTTP 429', delayMs: 30_000 });
    run.export(1);
    await run.host.settle();
    expect(run.results[0]!.error!.message).toContain('1 span kept');
    await run.host.advance(31_000);
    expect(run.traces()).toMatchObject({ sent: 1 });
  });

  it('a stale connection is no failure', async () => {
    const run = exporting();
    run.transport.next({ ...AWAY, atOnce: true }, AWAY);
    run.export(1);
    await run.host.advance(1000);
    expect(run.results).toEqual([{ code: 0 }]);
  });

  it('what is too old is dropped and said', async () => {
    const run = exporting({ queue: { retry: { maxAgeMs: 10_000 } } });
    run.transport.always(AWAY);
    run.export(5);
    await run.host.advance(MINUTE);
    expect(run.results[0]!.error!.message).toContain('for up to 10 s');
    expect(run.traces()).toMatchObject({ queued: 0, dropped: { retry_expired: 5 } });
    run.export(1);
    expect(run.host.warnings.at(-1)).toContain('5 spans lost (retry_expired 5)');
  });

  it('a Retry-After that ends too late drops the batch and says so', async () => {
    const run = exporting({ queue: { retry: { maxAgeMs: 10_000 } } });
    run.transport.always({ kind: 'retryable', reason: 'HTTP 503', delayMs: 20_000 });
    run.export(5);
    await run.host.settle();
    expect(run.results[0]!.error!.message).toBe('5 spans dropped (retry_expired): HTTP 503');
  });

  it('a full queue drops the batch, says so, and takes others that fit', async () => {
    const run = exporting({ queue: { maxBytes: 12_000 } });
    run.transport.always(AWAY);
    run.export(100);
    run.export(100);
    expect(run.results[0]!.error!.message).toBe('100 spans dropped (queue_full)');
    run.export(1);
    await run.host.settle();
    expect(run.traces()).toMatchObject({ queued: 101, dropped: { queue_full: 100 } });
    expect(run.host.warnings[0]).toContain('queue.maxBytes');
  });
});

describe('an engine that must be loaded first', () => {
  const loading = () => {
    let load = () => {};
    let fail = () => {};
    const loaded = new Promise<ReturnType<typeof engineSources.portable>>((resolve, reject) => {
      load = () => resolve(engineSources.portable());
      fail = () => reject(new Error('blocked'));
    });
    const engines = {
      simd: refusing('simd'),
      scalar: refusing('scalar'),
      portable: () => loaded as never,
    };
    return { engines, load, fail };
  };

  it('batches wait for it, and are delivered', async () => {
    const { engines, load } = loading();
    const run = exporting({}, { engines });
    run.export(3);
    run.export(4);
    await run.host.settle();
    expect(run.exporter.health().engine).toEqual({
      name: 'loading',
      reason: 'the portable engine is being loaded',
    });
    expect(run.traces()).toMatchObject({ recorded: 7, queued: 7 });
    load();
    await run.host.settle();
    expect(run.results).toEqual([{ code: 0 }, { code: 0 }]);
    expect(run.transport.traces()).toHaveLength(7);
    expect(run.exporter.health().engine.name).toBe('portable');
  });

  it('so many of them, no more', async () => {
    const { engines, load } = loading();
    const run = exporting({}, { engines });
    run.export(2000);
    run.export(49);
    expect(run.results[0]!.error!.message).toBe(
      '49 spans dropped (engine_loading): the engine is being loaded',
    );
    run.export(48);
    load();
    await run.host.settle();
    expect(run.traces()).toMatchObject({ sent: 2048, dropped: { engine_loading: 49 } });
  });

  it('forceFlush waits for it', async () => {
    const { engines, load } = loading();
    const run = exporting({}, { engines });
    run.export(3);
    let flushed = false;
    const flush = run.exporter.forceFlush().then(() => {
      flushed = true;
    });
    await run.host.settle();
    expect(flushed).toBe(false);
    load();
    await run.host.settle();
    await flush;
    expect(run.traces().sent).toBe(3);
  });

  it('that cannot be had fails what waited, and what comes later', async () => {
    const { engines, fail } = loading();
    const run = exporting({}, { engines });
    run.export(3);
    fail();
    await run.host.settle();
    run.export(2);
    expect(run.results.map(({ error }) => error!.message)).toEqual([
      expect.stringMatching(/^3 spans dropped \(engine_loading\): .*blocked/),
      expect.stringMatching(/^2 spans dropped \(engine_loading\): .*blocked/),
    ]);
    expect(run.host.warnings[0]).toContain('no engine');
    expect(unaccounted(run.exporter.health())).toBe(0);
    await run.exporter.shutdown();
  });

  it('nor at once, where none works', () => {
    const engines = Object.fromEntries(ENGINE_NAMES.map((name) => [name, refusing(name)]));
    const run = exporting({}, { engines });
    run.export(2);
    expect(run.results[0]!.error!.message).toContain('no engine works on this host');
    expect(run.traces().dropped.engine_loading).toBe(2);
  });

  it('is given up at shutdown', async () => {
    const { engines } = loading();
    const run = exporting({}, { engines });
    run.export(3);
    const down = expect(run.exporter.shutdown()).rejects.toMatchObject({ code: 'timeout' });
    await run.host.advance(10_000);
    await down;
    expect(run.results[0]!.error!.message).toContain('3 spans dropped (engine_loading)');
    expect(unaccounted(run.exporter.health())).toBe(0);
  });
});

describe('an engine that fails', () => {
  it('costs the batch it fails with, and is opened anew for the next one', async () => {
    const working = await engineSources.portable();
    let opened = 0;
    let broken = true;
    const portable = () => ({
      instantiate(imports: Parameters<typeof working.instantiate>[0]) {
        opened++;
        const core = working.instantiate(imports);
        const encodeBatch: typeof core.encodeBatch = (...args) => {
          if (broken) throw new Error('unreachable');
          return core.encodeBatch(...args);
        };
        return { ...core, encodeBatch };
      },
    });
    const engines = { simd: refusing('simd'), scalar: refusing('scalar'), portable };
    const run = exporting({}, { engines });
    run.export(3);
    expect(run.results[0]!.error!.message).toBe('3 spans dropped (unreadable): Error: unreachable');
    expect(unaccounted(run.exporter.health())).toBe(0);
    broken = false;
    run.export(2);
    await run.host.settle();
    expect(run.results[1]).toEqual({ code: 0 });
    // Nothing of the first batch is in the second one's request.
    expect(run.transport.traces()).toHaveLength(2);
    expect(opened).toBe(2);
  });
});

describe('a host that compresses later', () => {
  const noKernels = { simd: refusing('simd'), scalar: refusing('scalar') };

  it('is waited for', async () => {
    let finish = () => {};
    const gzip = (bytes: Uint8Array) =>
      new Promise<Uint8Array>((resolve) => {
        finish = () => resolve(bytes);
      });
    const run = exporting({ compression: 'gzip' }, { engines: noKernels, gzip });
    run.transport.always({ kind: 'rejected', reason: 'not gzip at all' });
    run.export(30);
    const flush = run.exporter.forceFlush();
    await run.host.settle();
    expect(run.transport.payloads).toEqual([]);
    expect(run.traces()).toMatchObject({ queued: 30 });
    finish();
    await run.host.settle();
    await flush;
    expect(run.transport.payloads).toHaveLength(1);
    expect(run.traces()).toMatchObject({ rejected: 30, queued: 0 });
  });
});

describe('forceFlush', () => {
  it('resolves when everything before it is answered', async () => {
    const run = exporting();
    run.transport.next(AWAY);
    run.export(3);
    run.export(3);
    const flush = run.exporter.forceFlush();
    await run.host.advance(3000);
    await flush;
    expect(run.traces()).toMatchObject({ sent: 6, queued: 0 });
  });

  it('rejects when that takes longer than 10 seconds; everything is kept', async () => {
    const run = exporting();
    run.transport.always(new Promise(() => {}));
    run.export(3);
    const flush = expect(run.exporter.forceFlush()).rejects.toMatchObject({
      code: 'timeout',
      message: 'forceFlush is not complete, 3 spans wait; see health().',
    });
    await run.host.advance(10_000);
    await flush;
    expect(run.traces()).toMatchObject({ queued: 3 });
  });

  it('resolves at once when there is nothing to do', async () => {
    await exporting().exporter.forceFlush();
  });
});

describe('shutdown', () => {
  it('delivers what waits, then closes', async () => {
    const run = exporting();
    run.export(3);
    const down = run.exporter.shutdown();
    await run.host.settle();
    await down;
    expect(run.results).toEqual([{ code: 0 }]);
    expect(run.transport.closed).toBe(true);
    expect(run.host.pending).toBe(0);
  });

  it('gives up after 10 seconds what is left, and says so', async () => {
    const run = exporting();
    run.transport.always(AWAY);
    run.export(3);
    const down = expect(run.exporter.shutdown()).rejects.toMatchObject({ code: 'timeout' });
    await run.host.advance(10_000);
    await down;
    expect(run.traces()).toMatchObject({ queued: 0, dropped: { shutdown: 3 } });
    expect(run.host.warnings.join()).toContain('3 spans lost (shutdown 3)');
    expect(run.transport.closed).toBe(true);
  });

  it('is done once', async () => {
    const run = exporting();
    const first = run.exporter.shutdown();
    expect(run.exporter.shutdown()).toBe(first);
    await first;
  });

  it('is the end of exporting', async () => {
    const run = exporting();
    await run.exporter.shutdown();
    run.export(2);
    expect(run.results[0]!.error!.message).toBe(
      '2 spans dropped (after_shutdown): the exporter has been shut down',
    );
    expect(run.traces()).toMatchObject({ recorded: 2, dropped: { after_shutdown: 2 } });
    await run.exporter.forceFlush();
  });
});

describe('accounts', () => {
  it('for every span at every step of random scripts', async () => {
    for (let seed = 1; seed <= 6; seed++) {
      const random = randomFrom(seed);
      const run = exporting({
        concurrencyLimit: 2,
        queue: { maxBytes: 30_000, retry: { maxAgeMs: 20_000 } },
      });
      run.transport.always(() => {
        expect(unaccounted(run.exporter.health())).toBe(0);
        switch (random.below(5)) {
          case 0:
            return AWAY;
          case 1:
            return { kind: 'rejected', reason: 'no' };
          case 2:
            return { kind: 'partial', rejected: random.below(3), message: 'some' };
          default:
            return { kind: 'delivered' };
        }
      });
      let exported = 0;
      for (let step = 0; step < 60; step++) {
        if (random.below(3) > 0) {
          const broken = random.below(4) === 0 ? [{} as SpanLike] : [];
          run.export([...endedSpans(random.below(60)), ...broken]);
          exported++;
        }
        expect(unaccounted(run.exporter.health())).toBe(0);
        await run.host.advance(random.below(2000));
        expect(unaccounted(run.exporter.health())).toBe(0);
      }
      await run.host.advance(10 * MINUTE);
      expect(run.traces().queued).toBe(0);
      // Once each.
      expect(run.results).toHaveLength(exported);
    }
  });
});

afterEach(() => context.disable());
