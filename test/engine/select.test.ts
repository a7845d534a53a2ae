import { describe, expect, it } from 'vitest';
import { SPAN_RING } from '../../src/engine/generated/layout.ts';
import {
  type Engine,
  type EngineSources,
  type PortableModule,
  selectEngine,
} from '../../src/engine/select.ts';
import { isOtlpError, type OtlpError } from '../../src/errors.ts';
import { ENGINE_NAMES, engineSources } from '../support/engines.ts';

const PAGES = 32;
const BYTES = PAGES * 65_536;

function select(changes: Partial<EngineSources> = {}, requested?: Engine['name']) {
  const tried: string[] = [];
  const spied = Object.fromEntries(
    Object.entries({ ...engineSources, ...changes }).map(([name, source]) => [
      name,
      () => {
        tried.push(name);
        return source();
      },
    ]),
  ) as unknown as EngineSources;
  return { tried, selected: selectEngine(spied, requested, BYTES) };
}

const forbidden = () => {
  throw new EvalError('Refused to compile\n  WebAssembly: policy');
};

describe('the engine', () => {
  it('is the first that works; the others are not even asked for', () => {
    const { selected, tried } = select();
    expect(selected).toMatchObject({ name: 'simd', reason: 'the fastest works here' });
    expect(tried).toEqual(['simd']);
  });

  it('is scalar where a SIMD module does not compile', () => {
    const { selected, tried } = select({ simd: () => new Uint8Array([0, 1, 2, 3]) });
    expect(selected).toMatchObject({ name: 'scalar' });
    expect((selected as Engine).reason).toMatch(/^simd failed: CompileError: /);
    expect(tried).toEqual(['simd', 'scalar']);
  });

  it('is portable where WebAssembly is forbidden, at once if it is there', () => {
    const { selected } = select({ simd: forbidden, scalar: forbidden });
    expect(selected).toMatchObject({
      name: 'portable',
      kernels: undefined,
      reason:
        'simd failed: EvalError: Refused to compile WebAssembly: policy; ' +
        'scalar failed: EvalError: Refused to compile WebAssembly: policy',
    });
  });

  it('is portable later where it must be loaded', async () => {
    const module = Promise.resolve(engineSources.portable() as PortableModule);
    const { selected } = select({ simd: forbidden, scalar: forbidden, portable: () => module });
    expect(selected).toBeInstanceOf(Promise);
    expect(await selected).toMatchObject({ name: 'portable' });
    const failed = select({
      simd: forbidden,
      scalar: forbidden,
      portable: () => Promise.reject(new Error('HTTP 404')),
    });
    await expect(failed.selected).rejects.toThrow('HTTP 404');
  });

  it.each(ENGINE_NAMES)('%s can be asked for: no other is tried', (name) => {
    const { selected, tried } = select({}, name);
    expect(selected).toMatchObject({ name, reason: 'asked for' });
    expect(tried).toEqual([name]);
  });

  it.each(['simd', 'scalar'] as const)('%s cannot be had: a clear error', (name) => {
    let error: unknown;
    try {
      select({ [name]: forbidden }, name);
    } catch (caught) {
      error = caught;
    }
    expect(isOtlpError(error)).toBe(true);
    const { code, message } = error as OtlpError;
    expect(code).toBe('engine_unavailable');
    expect(message).toContain(`engine '${name}' cannot be had`);
    expect(message).toContain('EvalError: Refused to compile WebAssembly: policy');
    expect(message).toContain("Leave the option 'engine' out");
  });

  it('bounds what it repeats of a failure', () => {
    const loud = () => {
      throw new Error('x'.repeat(100_000));
    };
    const { reason } = select({ simd: loud }).selected as Engine;
    expect(reason.length).toBeLessThan(200);
  });

  it.each(ENGINE_NAMES)('%s has the memory that was asked for, of its own', (name) => {
    const one = select({}, name).selected as Engine;
    const other = select({}, name).selected as Engine;
    expect(one.buffer.byteLength).toBe(BYTES);
    expect(one.buffer).not.toBe(other.buffer);
    expect(one.kernels === undefined).toBe(name === 'portable');
    expect(one.core.encodeBatch(SPAN_RING, 0, 0, 0)).toBeLessThan(0);
  });
});
