// Chromium, the bundle of a page and the server it comes from. Copied next to the packages it needs.

import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { capture, Unavailable } from './support.mjs';

const CHROMIUM = '/usr/bin/chromium';
const APT_MS = 150_000;

const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Debian's chromium; root gets it installed when it is missing. */
async function provideChromium() {
  if (existsSync(CHROMIUM)) return;
  if (process.getuid?.() !== 0) throw new Unavailable(`${CHROMIUM} is missing`);
  const args = ['install', '-y', '--no-install-recommends', 'chromium'];
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const { code, stderr } = await capture('apt-get', args, { env, timeoutMs: APT_MS });
  if (code !== 0 || !existsSync(CHROMIUM)) {
    throw new Unavailable(`${CHROMIUM} is missing, and apt-get install chromium failed\n${stderr}`);
  }
}

/** A browser that has no window. Rejects with `Unavailable` where there is none. */
export async function launch() {
  await provideChromium();
  return chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS });
}

/**
 * The script of a page as an application's bundler makes it: what is imported lazily becomes a
 * file of its own. By path: `/<name>.js`, and `/chunk-…` in the folder `under`.
 */
export async function bundle(project, name, under = '') {
  const outdir = join('build', name);
  await build({
    absWorkingDir: project,
    entryPoints: { [name]: `${name}.mjs` },
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    chunkNames: 'chunk-[name]-[hash]',
    minify: true,
    logLevel: 'warning',
  });
  const files = new Map();
  for (const file of await readdir(join(project, outdir))) {
    files.set(`${under}/${file}`, await readFile(join(project, outdir, file)));
  }
  return files;
}

const pageOf = (script) =>
  `<!doctype html><title>smoke</title><script type="module" src="${script}"></script>`;

/**
 * Serves pages on loopback; `csp` is the policy of what follows.
 *
 * @param {Map<string, Buffer>} files scripts by path, as `bundle` gives them
 * @param {Record<string, string>} pages paths of pages, and the script of each
 */
export async function serve(files, pages) {
  let csp = '';
  let asked = [];
  const server = createServer((request, response) => {
    const path = request.url.split('?', 1)[0];
    asked.push(path);
    if (path in pages) {
      response.setHeader('content-type', 'text/html; charset=utf-8');
      if (csp) response.setHeader('content-security-policy', csp);
      response.end(pageOf(pages[path]));
    } else if (path === '/elsewhere') {
      response.setHeader('content-type', 'text/html; charset=utf-8');
      response.end('<!doctype html><title>elsewhere</title>');
    } else if (files.has(path)) {
      response.setHeader('content-type', 'text/javascript');
      response.end(files.get(path));
    } else {
      // An icon, which browsers ask for.
      response.writeHead(path === '/favicon.ico' ? 204 : 404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    visit(policy) {
      csp = policy;
      asked = [];
    },
    asked: () => asked,
    close: () => server.close(),
  };
}
