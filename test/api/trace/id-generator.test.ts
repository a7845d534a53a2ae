import { join } from 'node:path';
import { ROOT_CONTEXT, type SpanContext, trace as traceApi } from '@opentelemetry/api';
import * as sdk from '@opentelemetry/sdk-trace';
import { describe, expect, it } from 'vitest';
import {
  GeneratedIds,
  hexOfWord,
  type IdGenerator,
  RandomWords,
  traceIdHex,
} from '../../../src/api/trace/ids.ts';
import { alwaysOff } from '../../../src/api/trace/samplers/always.ts';
import type { StartOptions } from '../../../src/options/options.ts';
import { bundle, ROOT, runNode, temporaryFolder } from '../../support/bundle.ts';
import { randomFrom } from '../../support/random.ts';
import { started } from '../../support/telemetry.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const SPAN_ID = 'b7ad6b7169203331';
const REMOTE: SpanContext = { traceId: TRACE_ID, spanId: SPAN_ID, traceFlags: 1, isRemote: true };
const BLOCK_WORDS = 192;

const hex = (digits: number, n: number) => n.toString(16).padStart(digits, '0');

/** Ids that count up. */
function counting(): IdGenerator & { asked: string[] } {
  let n = 0;
  const asked: string[] = [];
  return {
    asked,
    generateTraceId() {
      asked.push('trace');
      return hex(32, ++n);
    },
    generateSpanId() {
      asked.push('span');
      return hex(16, ++n);
    },
  };
}

describe('IdGenerators', () => {
  it('IdGenerators: a custom one makes the ids of roots and of children', async () => {
    const generator = counting();
    const { arrived, tracer } = started({ idGenerator: generator });
    const root = tracer.startSpan('root');
    const child = tracer.startSpan('child', {}, traceApi.setSpan(ROOT_CONTEXT, root));
    expect(generator.asked).toEqual(['span', 'trace', 'span']);
    expect(root.spanContext()).toMatchObject({ spanId: hex(16, 1), traceId: hex(32, 2) });
    expect(child.spanContext()).toMatchObject({ spanId: hex(16, 3), traceId: hex(32, 2) });
    child.end();
    root.end();
    expect(await arrived()).toMatchObject([
      { traceId: hex(32, 2), spanId: hex(16, 3), parentSpanId: hex(16, 1) },
      { traceId: hex(32, 2), spanId: hex(16, 1), parentSpanId: '' },
    ]);
  });

  it('IdGenerators: a custom one makes the ids of spans that are not recorded, too', () => {
    const { tracer } = started({ idGenerator: counting(), sampler: alwaysOff() });
    expect(tracer.startSpan('s').spanContext()).toEqual({
      spanId: hex(16, 1),
      traceId: hex(32, 2),
      traceFlags: 0,
    });
  });

  it('Support W3C Trace Context Level 2 randomness: set for our ids, not for a generator’s', () => {
    const flagsOf = (options: StartOptions, parent?: SpanContext) =>
      started(options)
        .tracer.startSpan(
          's',
          {},
          parent === undefined ? ROOT_CONTEXT : traceApi.setSpanContext(ROOT_CONTEXT, parent),
        )
        .spanContext().traceFlags;
    const idGenerator = counting();
    expect(flagsOf({})).toBe(3);
    expect(flagsOf({ sampler: alwaysOff() })).toBe(2);
    expect(flagsOf({ idGenerator })).toBe(1);
    expect(flagsOf({ idGenerator: { ...counting(), isRandom: true } })).toBe(3);
    // The trace id is the parent's, and so is what is known of it.
    for (const options of [{}, { idGenerator }]) {
      expect(flagsOf(options, { ...REMOTE, traceFlags: 3 })).toBe(3);
      expect(flagsOf(options, { ...REMOTE, traceFlags: 1 })).toBe(1);
    }
  });

  it('is called as a method, of a class as well', () => {
    class Own {
      private readonly prefix = 'ab';
      generateTraceId() {
        return this.prefix.repeat(16);
      }
      generateSpanId() {
        return this.prefix.repeat(8);
      }
    }
    const { host, tracer } = started({ idGenerator: new Own() });
    expect(tracer.startSpan('s').spanContext()).toMatchObject({
      traceId: 'ab'.repeat(16),
      spanId: 'ab'.repeat(8),
    });
    expect(host.warnings).toEqual([]);
  });

  it('may be one of the OpenTelemetry SDK', () => {
    const { host, tracer } = started({ idGenerator: new sdk.RandomIdGenerator() });
    const ids = Array.from({ length: 100 }, () => tracer.startSpan('s').spanContext().traceId);
    expect(new Set(ids).size).toBe(100);
    expect(host.warnings).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['zeros', '0'.repeat(32)],
    ['capitals', 'AB'.repeat(16)],
    ['too short', 'ab'],
    ['too long', 'ab'.repeat(17)],
    ['no hex', 'xy'.repeat(16)],
    ['a line more', `${'ab'.repeat(16)}\n`],
    ['empty', ''],
    ['undefined', undefined],
    ['null', null],
    ['a number', 7],
    ['a bigint', 7n],
    ['a promise', Promise.resolve('ab'.repeat(16))],
    ['an object that cannot be text', Object.create(null)],
  ])('ids that are none (%s) are drawn at random, with one warning', (_, id) => {
    const generator = { generateTraceId: () => id, generateSpanId: () => id };
    const { host, tracer } = started({ idGenerator: generator as IdGenerator });
    const contexts = Array.from({ length: 3 }, () => tracer.startSpan('s').spanContext());
    for (const { traceId, spanId } of contexts) {
      expect(traceId).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
      expect(spanId).toMatch(/^(?!0{16})[0-9a-f]{16}$/);
    }
    expect(new Set(contexts.map(({ traceId }) => traceId)).size).toBe(3);
    expect(new Set(contexts.map(({ spanId }) => spanId)).size).toBe(3);
    expect(host.warnings).toEqual([
      expect.stringMatching(
        /^otlp-wasm: idGenerator\.generateSpanId returned .*, not 16 lower-case hex digits/s,
      ),
    ]);
  });

  it('one that throws is passed over, with one warning that says why', async () => {
    const { arrived, host, tracer } = started({
      idGenerator: {
        generateTraceId() {
          throw new Error('no entropy');
        },
        generateSpanId: () => 'ab'.repeat(8),
      },
    });
    for (let i = 0; i < 3; i++) tracer.startSpan('s').end();
    const spans = await arrived();
    expect(spans.map(({ spanId }) => spanId)).toEqual(Array(3).fill('ab'.repeat(8)));
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(3);
    expect(host.warnings).toEqual([
      'otlp-wasm: idGenerator.generateTraceId threw Error: no entropy; such ids are drawn at random.',
    ]);
  });

  it('a warning shows no more than the beginning of what it got', () => {
    const warnings: string[] = [];
    const random = new RandomWords((words) => words.fill(1));
    const generator = { generateTraceId: () => 'x'.repeat(1e6), generateSpanId: () => '' };
    new GeneratedIds(generator, random, (line) => void warnings.push(line)).traceId({
      traceId0: 0,
      traceId1: 0,
      traceId2: 0,
      traceId3: 0,
    });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.length).toBeLessThan(200);
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['a function', () => TRACE_ID],
    ['without generateSpanId', { generateTraceId: () => TRACE_ID }],
    ['without generateTraceId', { generateSpanId: () => SPAN_ID }],
    ['text', 'random'],
  ])('option idGenerator: %s is an invalid_option', (_, idGenerator) => {
    expect(() => started({ idGenerator } as StartOptions)).toThrow(
      expect.objectContaining({
        code: 'invalid_option',
        message: expect.stringContaining('idGen'),
      }),
    );
  });
});

/** A source seeded by the seeds given, then by others; counts how often it asks for one. */
function seededBy(...seeds: number[]) {
  let calls = 0;
  const words = new RandomWords((target) => {
    const random = randomFrom(seeds[calls] ?? (seeds[0] as number) * 7919 + calls);
    calls++;
    for (let i = 0; i < target.length; i++) target[i] = random.below(2 ** 32);
  });
  const spanId = () => {
    const id = { spanId0: 0, spanId1: 0 };
    words.spanId(id);
    return hexOfWord(id.spanId0) + hexOfWord(id.spanId1);
  };
  const traceId = () => {
    const id = { traceId0: 0, traceId1: 0, traceId2: 0, traceId3: 0 };
    words.traceId(id);
    return traceIdHex(id);
  };
  return { spanId, traceId, calls: () => calls };
}

describe('the built-in generator', () => {
  it('takes a new seed from the host every 64 blocks, and none between', () => {
    const { spanId, calls } = seededBy(1, 2, 3, 4);
    const perSeed = (64 * BLOCK_WORDS) / 2;
    expect(calls()).toBe(0);
    for (let seeds = 1; seeds <= 3; seeds++) {
      for (let i = 0; i < perSeed; i++) {
        spanId();
        if (calls() !== seeds) expect.fail(`${calls()} seeds after ${i} ids of seed ${seeds}`);
      }
    }
  });

  it('makes two copies of one process part ways with the next seed', () => {
    const [a, b] = [seededBy(1, 2), seededBy(1, 3)];
    const perSeed = (64 * BLOCK_WORDS) / 4;
    for (let i = 0; i < perSeed; i++) if (a.traceId() !== b.traceId()) expect.fail(`at ${i}`);
    for (let i = 0; i < perSeed; i++) if (a.traceId() === b.traceId()) expect.fail(`at ${i}`);
  });

  it('sets every bit half of the time, independent of its neighbours and of the last id', () => {
    const count = 20_000;
    // Ten standard deviations of a fair coin; the seeds are fixed.
    const most = 10 * Math.sqrt(count / 4);
    for (const draw of [seededBy(11).spanId, seededBy(12).traceId]) {
      let before = 0n;
      const bits = draw().length * 4;
      const ones = new Array<number>(bits).fill(0);
      const changes = new Array<number>(bits).fill(0);
      const unlikeNext = new Array<number>(bits).fill(0);
      for (let i = 0; i < count; i++) {
        const id = BigInt(`0x${draw()}`);
        const changed = id ^ before;
        const unlike = id ^ (id >> 1n);
        before = id;
        const [idText, changedText, unlikeText] = [id, changed, unlike].map((n) =>
          n.toString(2).padStart(bits, '0'),
        ) as [string, string, string];
        for (let bit = 0; bit < bits; bit++) {
          if (idText[bit] === '1') ones[bit]!++;
          if (changedText[bit] === '1') changes[bit]!++;
          if (unlikeText[bit] === '1') unlikeNext[bit]!++;
        }
      }
      for (const counts of [ones, changes, unlikeNext]) {
        const worst = Math.max(...counts.map((n) => Math.abs(n - count / 2)));
        expect(worst).toBeLessThan(most);
        // A generator that only counts, say, would be too even.
        expect(worst).toBeGreaterThan(1);
      }
    }
  });

  it('draws every byte as often as any other', () => {
    const { traceId } = seededBy(13);
    const counts = new Array<number>(256).fill(0);
    const ids = 40_000;
    for (let i = 0; i < ids; i++) for (const byte of Buffer.from(traceId(), 'hex')) counts[byte]!++;
    const expected = (ids * 16) / 256;
    const chiSquare = counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
    // 255 degrees of freedom: mean 255, standard deviation 22.6.
    expect(chiSquare).toBeGreaterThan(255 - 6 * 22.6);
    expect(chiSquare).toBeLessThan(255 + 6 * 22.6);
  });

  it('never repeats an id in the process, its worker threads, forks and cluster workers', async () => {
    const folder = temporaryFolder();
    try {
      const entry = await bundle('src/runtime/node/index.ts', folder.path);
      const count = 2500;
      const program = join(ROOT, 'test', 'fixtures', 'ids.mjs');
      const { code, stdout, stderr } = await runNode([program, entry, String(count)]);
      expect(stderr).toBe('');
      expect(code).toBe(0);
      const drawn = JSON.parse(stdout) as Record<string, string[][]>;
      expect(Object.entries(drawn).map(([kind, lists]) => [kind, lists.length])).toEqual([
        ['process', 3],
        ['worker', 2],
        ['fork', 2],
        ['cluster', 2],
      ]);
      const all = Object.values(drawn).flat(2);
      expect(all).toHaveLength(9 * count * 2);
      expect(new Set(all).size).toBe(all.length);
      expect(all.filter((id) => !/^([0-9a-f]{16}|[0-9a-f]{32})$/.test(id))).toEqual([]);
    } finally {
      folder.remove();
    }
  });
});
