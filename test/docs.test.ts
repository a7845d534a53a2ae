/**
 * Runs what docs/getting-started.md shows, and follows the links of all pages. In front of a block, a comment says what it is for:
 *
 *   <!-- test: file app.mjs -->              a file of the project
 *   <!-- test: run -->                       a command, run in the project
 *   <!-- test: prints -->                    what that prints, standard error first
 *   <!-- test: arrives shop: GET, GET -->    service and names of the spans it sends (no block)
 */

import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCollector } from '../src/workbench/collector/collector.ts';
import { ROOT } from './support/bundle.ts';

const GUIDE = join(ROOT, 'docs/getting-started.md');
/** Where the guide says that its collector listens. */
const USUAL = 'http://localhost:4318';

interface Step {
  readonly command: string;
  prints: string;
  service: string;
  spans: readonly string[];
}

interface Guide {
  readonly files: ReadonlyMap<string, string>;
  readonly steps: readonly Step[];
}

function parse(text: string): Guide {
  const files = new Map<string, string>();
  const steps: Step[] = [];
  const marks = /<!-- test: (\w+) ?(.*?) -->(?:\n\n```\w+\n([\s\S]*?)^```$)?/gm;
  for (const [, kind, argument = '', block = ''] of text.matchAll(marks)) {
    const step = steps.at(-1);
    if (kind === 'file') files.set(argument, block);
    else if (kind === 'run') steps.push({ command: block, prints: '', service: '', spans: [] });
    else if (kind === 'prints') step!.prints = block;
    else if (kind === 'arrives') {
      const [service = '', names = ''] = argument.split(': ');
      Object.assign(step!, { service, spans: names.split(', ') });
    } else throw new Error(`docs/getting-started.md: '${kind}' is not known`);
  }
  return { files, steps };
}

/** `NAME=value … node argument …`, which is as much of a shell as the guide needs. */
function commandOf(text: string): { env: Record<string, string>; args: string[] } {
  const words = text.trim().split(/\s+/);
  const at = words.indexOf('node');
  const env = Object.fromEntries(words.slice(0, at).map((word) => word.split('=')));
  return { env, args: words.slice(at + 1) };
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command of the guide in the project. What `OTEL_*` this process has is not for it. */
function run(command: string, endpoint: string): Promise<Ended> {
  const { env: given, args } = commandOf(command);
  const own = Object.entries(process.env).filter(([name]) => !/^(OTEL_|NODE_OPTIONS$)/.test(name));
  const env = { ...Object.fromEntries(own), ...given, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint };
  return new Promise((ended) => {
    const child = execFile(process.execPath, args, { cwd: project, env }, (_, stdout, stderr) => {
      ended({ code: child.exitCode, stdout, stderr });
    });
  });
}

const guide = parse(readFileSync(GUIDE, 'utf8'));
let project = '';

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'otlp-wasm-guide-'));
  const modules = join(project, 'node_modules');
  await mkdir(modules);
  await symlink(ROOT, join(modules, 'otlp-wasm'), 'junction');
  const installed = join(ROOT, 'node_modules/@opentelemetry');
  await symlink(installed, join(modules, '@opentelemetry'), 'junction');
  const dependencies = { '@opentelemetry/instrumentation-http': '*', 'otlp-wasm': '*' };
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'shop', dependencies }));
  for (const [name, text] of guide.files) await writeFile(join(project, name), text);
});
afterAll(() => rm(project, { recursive: true, force: true }));

it('the guide shows each of the three ways in', () => {
  const commands = guide.steps.map(({ command }) => command.trim());
  expect(commands).toEqual([
    expect.stringMatching(/--import otlp-wasm\/register app\.mjs$/),
    expect.stringMatching(/--require otlp-wasm\/register app\.cjs$/),
    'node shop.mjs',
    'node --import ./telemetry.mjs app.mjs',
    'node sdk.mjs',
    'node shop.cjs',
  ]);
  for (const { spans } of guide.steps) expect(spans).not.toEqual([]);
});

it.each(guide.steps)('$command', async ({ command, prints, service, spans }) => {
  const collector = await startCollector({ port: 0 });
  try {
    const { code, stdout, stderr } = await run(command, collector.url);
    expect(`${stderr}${stdout}`.replaceAll(collector.url, USUAL)).toBe(prints);
    expect(code).toBe(0);
    const arrived = collector.traces();
    expect(arrived.map(({ name }) => name).sort()).toEqual([...spans].sort());
    for (const { resource } of arrived) expect(resource.attributes['service.name']).toBe(service);
  } finally {
    await collector.close();
  }
});

/** What GitHub makes of a heading. */
function anchorOf(heading: string): string {
  const text = heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .trim()
    .toLowerCase();
  return text.replace(/[^\p{L}\p{N}_ -]/gu, '').replaceAll(' ', '-');
}

/** Links of a page that lead nowhere. */
function broken(page: string): string[] {
  const text = readFileSync(page, 'utf8').replace(/^```[\s\S]*?^```$/gm, '');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
    if (/^[a-z]+:/.test(link)) return [];
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? page : resolve(dirname(page), path);
    if (!existsSync(target)) return [link];
    if (anchor === undefined) return [];
    const headings = readFileSync(target, 'utf8').matchAll(/^#+ (.*)$/gm);
    return [...headings].some(([, heading = '']) => anchorOf(heading) === anchor) ? [] : [link];
  });
}

const pages = ['docs', 'docs/decisions'].flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`),
);

it.each(['README.md', 'CONTRIBUTING.md', ...pages])('links of %s lead somewhere', (page) => {
  expect(broken(join(ROOT, page))).toEqual([]);
});
