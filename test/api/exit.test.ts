import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/**
 * What the programs below share. `watch(name)` watches with hooks that write a line when they
 * are called; their flush takes a while when anything is queued, on a timer that would not keep
 * the process running.
 */
const PRELUDE = `
import { writeSync } from 'node:fs';
import { watchExit } from './exit.mjs';
const log = (line) => writeSync(1, line + '\\n');
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms).unref());
function watch(name, { queued = 2, flushes = () => wait(20), complete = true } = {}) {
  const hooks = {
    async flush() {
      log(name + ': flush');
      if (queued === 0) return true;
      await flushes();
      if (complete) queued = 0;
      log(name + ': flushed');
      return complete;
    },
    lost: () => log(name + ': lost ' + queued),
    record: () => void queued++,
  };
  return { hooks, stop: watchExit(hooks, (line) => log('warning: ' + line)) };
}
const run = () => { setInterval(() => {}, 1000); log('ready'); };
`;

let directory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'otlp-wasm-exit-'));
  const source = fileURLToPath(new URL('../../src/runtime/node/exit.ts', import.meta.url));
  for (const outfile of ['exit.mjs', 'copy.mjs']) {
    await build({
      entryPoints: [source],
      outfile: join(directory, outfile),
      bundle: true,
      format: 'esm',
      platform: 'node',
      logLevel: 'silent',
    });
  }
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lines: string[];
  readonly stderr: string;
}

let programs = 0;

/** Runs a program to its end. When it writes a line that `signals` names, it gets that signal. */
function program(source: string, signals: Record<string, NodeJS.Signals> = {}): Promise<Ended> {
  const file = join(directory, `program-${programs++}.mjs`);
  writeFileSync(file, PRELUDE + source);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'pipe'] });
    const lines: string[] = [];
    let partial = '';
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const whole = (partial + text).split('\n');
      partial = whole.pop() ?? '';
      for (const line of whole) {
        lines.push(line);
        const signal = signals[line];
        if (signal !== undefined) child.kill(signal);
      }
    });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, lines, stderr }));
  });
}

describe('at the end of the event loop', () => {
  it('waits for the flush, and asks again until nothing is left to do', async () => {
    const { code, lines, stderr } = await program(`watch('a');`);
    expect(lines).toEqual(['a: flush', 'a: flushed', 'a: flush', 'a: lost 0']);
    expect(code).toBe(0);
    expect(stderr).toBe('');
  });

  it('ends at once when nothing is queued', async () => {
    const { code, lines } = await program(`watch('a', { queued: 0 });`);
    expect(lines).toEqual(['a: flush', 'a: lost 0']);
    expect(code).toBe(0);
  });

  it('does not ask again after a flush that gave up', async () => {
    const { code, lines } = await program(`watch('a', { complete: false });`);
    expect(lines).toEqual(['a: flush', 'a: flushed', 'a: lost 2']);
    expect(code).toBe(0);
  });

  it('shows a flush that fails, and ends', async () => {
    const { code, lines } = await program(`
      watch('a', { flushes: async () => { await wait(1); throw new Error('no network'); } });
    `);
    expect(lines).toEqual([
      'a: flush',
      'warning: otlp-wasm: flushing at exit failed: no network',
      'a: lost 2',
    ]);
    expect(code).toBe(0);
  });

  it('ends although the application records something each time', async () => {
    const { code, lines } = await program(`
      const { hooks } = watch('a');
      process.on('beforeExit', () => hooks.record());
    `);
    expect(lines.filter((line) => line === 'a: flushed')).toHaveLength(10);
    expect(lines.at(-1)).toBe('a: lost 1');
    expect(code).toBe(0);
  });

  it('keeps the exit code of the application', async () => {
    const { code } = await program(`watch('a'); process.exitCode = 4;`);
    expect(code).toBe(4);
  });

  it('does nothing after watching has stopped', async () => {
    const { code, lines } = await program(`
      const { stop } = watch('a');
      stop();
      stop();
    `);
    expect(lines).toEqual([]);
    expect(code).toBe(0);
  });

  it('flushes in a worker thread', async () => {
    const { code, lines } = await program(`
      const { isMainThread, Worker } = await import('node:worker_threads');
      if (isMainThread) new Worker(new URL(import.meta.url));
      else watch('worker');
    `);
    expect(lines).toEqual(['worker: flush', 'worker: flushed', 'worker: flush', 'worker: lost 0']);
    expect(code).toBe(0);
  });
});

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  it('flushes, then ends the process by the signal', async () => {
    const ended = await program(`watch('a'); run();`, { ready: signal });
    expect(ended.lines).toEqual(['ready', 'a: flush', 'a: flushed', 'a: lost 0']);
    expect(ended).toMatchObject({ code: null, signal, stderr: '' });
  });

  it('flushes, and leaves the end to an application that listens', async () => {
    const ended = await program(
      `
      let flushed;
      const done = new Promise((resolve) => { flushed = resolve; });
      process.on('${signal}', async () => {
        log('application');
        await done;
        for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
        process.exit(3);
      });
      watch('a', { flushes: async () => { await wait(20); flushed(); } });
      run();
    `,
      { ready: signal },
    );
    expect(ended.lines).toEqual(['ready', 'a: flush', 'application', 'a: flushed', 'a: lost 0']);
    expect(ended.code).toBe(3);
  });

  it.each(['before', 'after'])(
    'sees an application that listens once, since %s us',
    async (when) => {
      const listen = `
        process.once('${signal}', async () => {
          log('application');
          await flushing;
          for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
          process.exit(3);
        });
      `;
      const ended = await program(
        `
        let resolve;
        const flushing = new Promise((done) => { resolve = done; });
        ${when === 'before' ? listen : ''}
        watch('a', { flushes: async () => { await wait(20); resolve(); } });
        ${when === 'after' ? listen : ''}
        run();
      `,
        { ready: signal },
      );
      expect(ended.lines).toContain('application');
      expect(ended.lines).toContain('a: flushed');
      expect(ended.code).toBe(3);
    },
  );

  it('ends at once when it comes again while flushing', async () => {
    const ended = await program(`watch('a', { flushes: () => new Promise(() => {}) }); run();`, {
      ready: signal,
      'a: flush': signal,
    });
    expect(ended.lines).toEqual(['ready', 'a: flush', 'a: lost 2']);
    expect(ended.signal).toBe(signal);
  });

  it('ends the process although watching stops meanwhile', async () => {
    const ended = await program(
      `
      const { stop } = watch('a', { flushes: async () => { await wait(5); stop(); } });
      run();
    `,
      { ready: signal },
    );
    expect(ended.lines).toEqual(['ready', 'a: flush', 'a: flushed']);
    expect(ended.signal).toBe(signal);
  });

  it('does not wait for others that step back as it does', async () => {
    // What the package signal-exit does, of which many command line tools have a copy.
    const ended = await program(
      `
      const others = (globalThis[Symbol.for('signal-exit emitter')] = { count: 1 });
      process.on('${signal}', function stepBack() {
        if (process.listenerCount('${signal}') !== others.count) return;
        log('others');
        process.removeListener('${signal}', stepBack);
        process.kill(process.pid, '${signal}');
      });
      watch('a');
      run();
    `,
      { ready: signal },
    );
    expect(ended.lines).toEqual(['ready', 'a: flush', 'a: flushed', 'a: lost 0', 'others']);
    expect(ended.signal).toBe(signal);
  });
});

describe('without time left', () => {
  it('counts what process.exit() loses', async () => {
    const { code, lines } = await program(`watch('a'); process.exit(5);`);
    expect(lines).toEqual(['a: lost 2']);
    expect(code).toBe(5);
  });

  it('counts what a crash loses', async () => {
    const { code, lines, stderr } = await program(`watch('a'); throw new Error('crashed');`);
    expect(lines).toEqual(['a: lost 2']);
    expect(stderr).toContain('Error: crashed');
    expect(code).toBe(1);
  });

  it('counts what a rejected promise loses', async () => {
    const { code, lines } = await program(`watch('a'); Promise.reject(new Error('crashed'));`);
    expect(lines).toEqual(['a: lost 2']);
    expect(code).toBe(1);
  });

  it('counts for all although one fails', async () => {
    const { lines } = await program(`
      const { hooks } = watch('a');
      hooks.lost = () => { throw new Error('no count'); };
      watch('b');
      process.exit();
    `);
    expect(lines).toEqual([
      'warning: otlp-wasm: counting what was lost at exit failed: no count',
      'b: lost 2',
    ]);
  });
});

describe('several in one process', () => {
  it('share one set of listeners, also from two copies of the package', async () => {
    const { code, lines, stderr } = await program(`
      const { watchExit: copy } = await import('./copy.mjs');
      const events = ['beforeExit', 'exit', 'SIGTERM', 'SIGINT'];
      const before = events.map((event) => process.listenerCount(event));
      const count = () => events.map((event, i) => process.listenerCount(event) - before[i]).join();
      const stops = [copy({ flush: async () => true, lost() {} }, log)];
      for (let i = 0; i < 30; i++) stops.push(watch('a').stop);
      log('all ' + count());
      stops.pop()();
      log('one fewer ' + count());
      for (const stop of stops) stop();
      log('none ' + count());
    `);
    expect(lines).toEqual(['all 1,1,1,1', 'one fewer 1,1,1,1', 'none 0,0,0,0']);
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  it('all flush before a signal ends the process', async () => {
    const ended = await program(
      `
      const { watchExit: copy } = await import('./copy.mjs');
      watch('slow', { flushes: () => wait(50) });
      const { hooks, stop } = watch('copied');
      stop();
      copy(hooks, log);
      run();
    `,
      { ready: 'SIGTERM' },
    );
    expect(ended.lines).toEqual([
      'ready',
      'slow: flush',
      'copied: flush',
      'copied: flushed',
      'slow: flushed',
      'slow: lost 0',
      'copied: lost 0',
    ]);
    expect(ended.signal).toBe('SIGTERM');
  });
});
