import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { host as browser } from '../../src/runtime/browser/host.ts';
import { watchUnload } from '../../src/runtime/deno/exit.ts';

// The end of a page and of a Deno program; on the hosts themselves: test/runtime.

let page: EventTarget;
let flushed: number;
let lost: number;
let answer: Promise<boolean>;
const hooks = {
  flush() {
    flushed++;
    return answer;
  },
  lost: () => void lost++,
};

beforeEach(() => {
  page = new EventTarget();
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
  flushed = 0;
  lost = 0;
  answer = Promise.resolve(true);
});

afterEach(() => vi.unstubAllGlobals());

describe('a page', () => {
  it('flushes when it is left and when it hides, until it is told to stop', () => {
    const document = Object.assign(new EventTarget(), { visibilityState: 'hidden' });
    vi.stubGlobal('document', document);
    const stop = browser.onExit(hooks);
    page.dispatchEvent(new Event('pagehide'));
    expect(flushed).toBe(1);
    document.dispatchEvent(new Event('visibilitychange'));
    expect(flushed).toBe(2);
    document.visibilityState = 'visible';
    document.dispatchEvent(new Event('visibilitychange'));
    expect(flushed).toBe(2);
    document.visibilityState = 'hidden';
    stop();
    page.dispatchEvent(new Event('pagehide'));
    document.dispatchEvent(new Event('visibilitychange'));
    expect([flushed, lost]).toEqual([2, 0]);
  });

  it('without a document, as in a worker, is watched all the same', () => {
    const stop = browser.onExit(hooks);
    page.dispatchEvent(new Event('pagehide'));
    stop();
    expect(flushed).toBe(1);
  });
});

describe('a Deno program', () => {
  /** Whether the end is put off. */
  function beforeUnload() {
    const event = new Event('beforeunload', { cancelable: true });
    page.dispatchEvent(event);
    return event.defaultPrevented;
  }

  it('puts its end off for two flushes, and no more', async () => {
    watchUnload(hooks);
    const putOff: boolean[] = [];
    for (let i = 0; i < 3; i++) {
      putOff.push(beforeUnload());
      await nextTurn();
    }
    expect(putOff).toEqual([true, true, false]);
    expect(flushed).toBe(2);
  });

  it.each([
    ['leaves something', () => Promise.resolve(false)],
    ['fails', () => Promise.reject(new Error('expected'))],
  ])('does not put it off again when a flush %s', async (_, outcome) => {
    answer = outcome();
    watchUnload(hooks);
    expect(beforeUnload()).toBe(true);
    await nextTurn();
    expect(beforeUnload()).toBe(false);
    expect(flushed).toBe(1);
  });

  it('counts what is lost at its very end', () => {
    const stop = watchUnload(hooks);
    page.dispatchEvent(new Event('unload'));
    expect([flushed, lost]).toEqual([0, 1]);
    stop();
    page.dispatchEvent(new Event('unload'));
    expect(beforeUnload()).toBe(false);
    expect([flushed, lost]).toEqual([0, 1]);
  });
});
