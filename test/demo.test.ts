import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const DEMO = fileURLToPath(new URL('../examples/demo/demo.mjs', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the demo as `npm run demo` does, on the built package. */
function demo(...args: string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    // Whoever runs the tests on a terminal may have asked for colours.
    const { FORCE_COLOR: _, ...env } = process.env;
    const child = spawn(process.execPath, [DEMO, ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

// Of 50 requests two meet a warehouse that is offline: 48 × 9 + 2 × 8 spans.
const REQUESTS = ['--requests', '50'];

describe('npm run demo', () => {
  it.each(['simd', 'scalar', 'portable'])('loses no span on %s', async (engine) => {
    const { code, stdout, stderr } = await demo(...REQUESTS, '--engine', engine);
    expect(stderr).toBe('');
    expect(stdout).toContain(
      'complete: 448 spans of 50 traces recorded, sent and received, ' +
        'every parent among them (2 with an error).',
    );
    expect(stdout).toContain(`${engine} (asked for)`);
    expect(stdout).toMatch(/^gateway +248 +248 +0 +248 .*×/m);
    expect(stdout).toMatch(/^inventory +200 +200 +0 +200 .*×/m);
    expect(stdout).toMatch(/^total +448 +448 +0 +448 .*×/m);
    expect(code).toBe(0);
  });

  it('draws a trace that runs through both services', async () => {
    const { stdout } = await demo(...REQUESTS);
    expect(stdout).toContain('8 spans · 2 services · 5 errors');
    expect(stdout).toMatch(/^gateway +✖ GET \/products\/:sku/m);
    expect(stdout).toMatch(/^inventory .*└ ✖ SELECT inventory\.stock .*◆/m);
    expect(stdout).toContain('requests 100%  50/50');
    // No terminal: neither colours nor lines drawn again.
    expect(stdout).not.toContain('\u001b');
    expect(stdout).not.toContain('\r');
  });

  it('fails when a span is missing, and says which', async () => {
    const { code, stdout, stderr } = await demo(...REQUESTS, '--reject', '1');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^total +448 +447 +0 +1 +447 /m);
    expect(stdout).not.toContain('complete:');
    expect(stderr).toMatch(/(248 recorded, 247 sent, 247|200 recorded, 199 sent, 199) received/);
    expect(stderr).toContain('partial success, 1 rejected');
  });

  it.each([
    [['--engine', 'jit'], '--engine must be one of simd, scalar, portable; got "jit"'],
    [['--requests', 'many'], '--requests must be a number from 1 to 10000, got "many"'],
    [['--fast'], "Unknown option '--fast'"],
  ])('refuses %j', async (args, message) => {
    const { code, stdout, stderr } = await demo(...args);
    expect(stderr).toContain(message);
    expect(stderr).toContain('see npm run demo -- --help');
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });
});
