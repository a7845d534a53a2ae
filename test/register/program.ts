/** Programs in folders of their own, which find packages as applications do: by name. */

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Ended, ROOT } from '../support/bundle.ts';

export const API_1_9 = 'node_modules/api-1.9';
export const API_1_10 = 'node_modules/@opentelemetry/api';

export interface Application {
  readonly path: string;
  /** Links a folder of the repository as an installed package. */
  install(name: string, folder?: string): void;
  /** Writes files by their path in the application; objects as JSON. */
  write(files: Readonly<Record<string, string | object>>): void;
  /** Runs `node` in the application's folder to its end. */
  node(args: readonly string[], env?: NodeJS.ProcessEnv, cwd?: string): Promise<Ended>;
  remove(): void;
}

/** Outside of the repository: what is not installed is not found. */
export function application(): Application {
  const path = mkdtempSync(join(tmpdir(), 'otlp-wasm-register-'));
  const app: Application = {
    path,
    install(name, folder = `node_modules/${name}`) {
      const link = join(path, 'node_modules', name);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(join(ROOT, folder), link, 'junction');
    },
    write(files) {
      for (const [name, content] of Object.entries(files)) {
        const file = join(path, name);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
      }
    },
    node(args, env = {}, cwd = path) {
      // What the surroundings of the tests say of telemetry is not meant for these programs.
      const inherited = Object.entries(process.env).filter(
        ([name]) => !name.startsWith('OTEL_') && name !== 'NODE_OPTIONS',
      );
      return new Promise((resolve) => {
        const child = execFile(
          process.execPath,
          [...args],
          { cwd, env: { ...Object.fromEntries(inherited), ...env }, timeout: 50_000 },
          (_error, stdout, stderr) =>
            resolve({ code: child.exitCode, signal: child.signalCode, stdout, stderr }),
        );
        child.stdin?.end();
      });
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
  app.install('otlp-wasm', '.');
  return app;
}

/** A program that records a span by its own copy of the API, and says what it saw. */
export const TRACES = `
  const { context, trace } = require('@opentelemetry/api');
  trace.getTracer('app').startActiveSpan('work', (span) => {
    setImmediate(() => {
      console.log(span.isRecording(), trace.getActiveSpan() === span);
      trace.getTracer('app').startSpan('part').end();
      span.end();
    });
  });
`;
