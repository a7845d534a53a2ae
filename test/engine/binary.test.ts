import { describe, expect, it } from 'vitest';
import { type Binary, onFirstUse, selectBinary } from '../../src/engine/binary.ts';
import type { HashesExports } from '../../src/engine/generated/contract.ts';
import { CODECS_WORK } from '../../src/engine/generated/layout.ts';
import { ENGINES } from '../../src/engine/select.ts';
import { isOtlpError } from '../../src/errors.ts';
import { refused } from '../support/codecs.ts';
import { hashesSources, onlyHashes } from '../support/hashes.ts';

const none = { simd: refused, scalar: refused, portable: refused };

const PAGE_BYTES = 65536;
const BYTES = CODECS_WORK + PAGE_BYTES;

describe('a binary', () => {
  it('runs on the first engine that works', () => {
    const binary = selectBinary(hashesSources, BYTES) as Binary<HashesExports>;
    expect(binary.engine).toBe('simd');
    expect(binary.buffer.byteLength).toBe(Math.ceil(BYTES / PAGE_BYTES) * PAGE_BYTES);
    const without = selectBinary({ ...hashesSources, simd: refused }, BYTES);
    expect(without).toMatchObject({ engine: 'scalar' });
  });

  it('is a promise where it must be loaded', async () => {
    const late = { ...none, portable: async () => hashesSources.portable() };
    const binary = selectBinary(late, BYTES);
    expect(binary).toBeInstanceOf(Promise);
    expect(await binary).toMatchObject({ engine: 'portable' });
  });

  it('cannot be had where nothing works', () => {
    expect(() => selectBinary(none, BYTES)).toThrow('not on this host');
  });

  describe.each(ENGINES)('%s', (engine) => {
    const only = onlyHashes(engine);
    const bytes = new TextEncoder().encode('123456789');
    const crc = ({ exports }: Binary<HashesExports>, at: number) =>
      exports.crc32(0, at, bytes.length) >>> 0;

    it('grows, and has what it had', () => {
      const before = selectBinary(only, BYTES, 2 * BYTES) as Binary<HashesExports>;
      new Uint8Array(before.buffer).set(bytes, CODECS_WORK);
      expect(crc(before, CODECS_WORK)).toBe(0xcbf43926);
      const after = before.grown(2 * BYTES);
      expect(after.engine).toBe(engine);
      expect(after.buffer.byteLength).toBe(Math.ceil((2 * BYTES) / PAGE_BYTES) * PAGE_BYTES);
      expect(crc(after, CODECS_WORK)).toBe(0xcbf43926);
      const last = after.buffer.byteLength - bytes.length;
      new Uint8Array(after.buffer).set(bytes, last);
      expect(crc(after, last)).toBe(0xcbf43926);
    });

    it('grows no further than it may', () => {
      const binary = selectBinary(only, BYTES, 2 * BYTES) as Binary<HashesExports>;
      expect(() => binary.grown(3 * BYTES)).toThrow(RangeError);
      new Uint8Array(binary.buffer).set(bytes, CODECS_WORK);
      expect(crc(binary, CODECS_WORK)).toBe(0xcbf43926);
      const fixed = selectBinary(only, BYTES) as Binary<HashesExports>;
      expect(() => fixed.grown(BYTES + PAGE_BYTES)).toThrow(RangeError);
    });
  });
});

describe('what an entry runs on', () => {
  it('is opened by the first use, once', async () => {
    let opened = 0;
    const use = onFirstUse('otlp-wasm/x', () => ({ number: ++opened }));
    expect(opened).toBe(0);
    expect(use.now()).toEqual({ number: 1 });
    await use.ready();
    expect(use.now()).toEqual({ number: 1 });
  });

  it('is not there before it is loaded, and is loaded once', async () => {
    let opened = 0;
    const use = onFirstUse('otlp-wasm/x', async () => ({ number: ++opened }));
    expect(() => use.now()).toThrow("call 'await ready()' of 'otlp-wasm/x' once before");
    await Promise.all([use.ready(), use.ready()]);
    expect(use.now()).toEqual({ number: 1 });
  });

  it('is tried again after it could not be had', async () => {
    let opened = 0;
    const use = onFirstUse('otlp-wasm/x', async () => {
      if (++opened === 1) throw new Error('HTTP 404');
      return { number: opened };
    });
    await expect(use.ready()).rejects.toThrow('HTTP 404');
    let error: unknown;
    try {
      use.now();
    } catch (caught) {
      error = caught;
    }
    expect(isOtlpError(error)).toBe(true);
    await use.ready();
    expect(use.now()).toEqual({ number: 2 });
  });

  it('throws at once what cannot be had at once', async () => {
    const use = onFirstUse('otlp-wasm/x', () => selectBinary(none, BYTES));
    expect(() => use.now()).toThrow('no engine works on this host');
    await expect(use.ready()).rejects.toThrow('no engine works on this host');
  });
});
