/** Surroundings of detectors: variables, a folder that stands for the root of a file system, answers. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Attributes, AttributeValue } from '@opentelemetry/api';
import { afterAll } from 'vitest';
import type { ResourceDetector, Surroundings, System } from '../../src/api/resource/detector.ts';
import { createResource } from '../../src/api/resource/resource.ts';
import { readText } from '../../src/runtime/node/surroundings.ts';

export interface SurroundingsPlan {
  readonly env?: Readonly<Record<string, string>>;
  /** Contents by absolute path. */
  readonly files?: Readonly<Record<string, string>>;
  /** Documents by URL; what is not here cannot be had. */
  readonly documents?: Readonly<Record<string, unknown>>;
  readonly system?: Partial<System>;
}

const SYSTEM: System = {
  pid: 42,
  startedMs: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
  argv: ['node', 'app.mjs', '--token=secret'],
  executablePath: '/opt/node/bin/node',
  runtimeName: 'nodejs',
  runtimeVersion: '20.0.0',
  runtimeDescription: 'Node.js',
  arch: 'amd64',
  osType: 'linux',
  osRelease: '6.1.0',
  hostName: 'box',
  owner: async () => 'alice',
};

let folder: string | undefined;
let roots = 0;

afterAll(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  folder = undefined;
});

/** A new folder that holds these files. */
function rootOf(files: Readonly<Record<string, string>>): string {
  folder ??= mkdtempSync(join(tmpdir(), 'otlp-wasm-root-'));
  const root = join(folder, `${++roots}`);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

export function surroundingsOf(plan: SurroundingsPlan = {}): Surroundings {
  const root = rootOf(plan.files ?? {});
  return {
    env: plan.env ?? {},
    fillRandom: (words) => void crypto.getRandomValues(words),
    system: () => ({ ...SYSTEM, ...plan.system }),
    readText: (path) => readText(join(root, path)),
    async getJson(url) {
      const document = plan.documents?.[url];
      if (document === undefined) throw new Error(`nothing at ${url}`);
      return document;
    },
  };
}

/** The answer of a detector, with everything that comes later. */
export async function answerOf(
  detector: ResourceDetector,
  surroundings: Surroundings,
): Promise<Record<string, AttributeValue | undefined>> {
  const first = detector.detect(surroundings);
  const answer = await (typeof first === 'function' ? first() : first);
  const entries = Object.entries(answer).map(
    async ([key, value]) => [key, await (typeof value === 'function' ? value() : value)] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

/** What a detector finds, as it gets into the resource. */
export async function found(detector: ResourceDetector, plan: SurroundingsPlan = {}) {
  return createResource((await answerOf(detector, surroundingsOf(plan))) as Attributes).attributes;
}

/** A service account's token with this issuer; nobody checks its signature. */
export function tokenOf(issuer: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256' })}.${part({ iss: issuer, sub: 'system:serviceaccount:a:ü?>' })}.x`;
}
