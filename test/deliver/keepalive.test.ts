import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { keepaliveFetch } from '../../src/runtime/browser/keepalive.ts';

const KIB = 1024;

describe('requests that outlive their page', () => {
  /** What each call of `fetch` was given, and how to settle it. */
  let calls: { init: RequestInit; answer: () => void; fail: (error: unknown) => void }[];
  let send: (kib: number) => Promise<unknown>;
  const kept = () => calls.map(({ init }) => init.keepalive === true);

  beforeEach(() => {
    calls = [];
    vi.stubGlobal('fetch', (_: string, init: RequestInit) => {
      return new Promise((resolve, reject) => {
        calls.push({ init, answer: () => resolve(new Response()), fail: reject });
      });
    });
    const keepalive = keepaliveFetch();
    send = (kib) =>
      keepalive('http://collector.test/', { method: 'POST', body: new Uint8Array(kib * KIB) });
  });

  afterEach(() => vi.unstubAllGlobals());

  it('keep what else they were asked for', () => {
    void send(1);
    expect(calls[0]?.init).toMatchObject({ method: 'POST', keepalive: true });
    expect(calls[0]?.init.body).toHaveLength(KIB);
  });

  it('have bodies of 60 KiB together, and those that do not fit are sent as usual', () => {
    for (const kib of [40, 21, 20, 1]) void send(kib);
    expect(kept()).toEqual([true, false, true, false]);
  });

  it('are eight at most', () => {
    for (let i = 0; i < 10; i++) void send(1);
    expect(kept()).toEqual([...Array(8).fill(true), false, false]);
  });

  it('make room once they are answered, or have failed', async () => {
    const first = send(60);
    void send(1);
    calls[0]?.answer();
    await first;
    const third = send(60);
    calls[2]?.fail(new TypeError('gone'));
    await expect(third).rejects.toThrow('gone');
    void send(60);
    expect(kept()).toEqual([true, false, true, true]);
  });
});
