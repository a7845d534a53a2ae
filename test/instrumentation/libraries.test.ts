import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LIBRARIES } from './libraries.mjs';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
const { dependencies } = JSON.parse(read('package.json'));
const table = read('../../docs/instrumentation.md')
  .split('\n')
  .filter((line) => line.startsWith('|'));

describe('the libraries whose instrumentation is tried', () => {
  it('have a program each, and every program a library', () => {
    const programs = readdirSync(new URL('cases', import.meta.url));
    expect(programs.sort()).toEqual(LIBRARIES.map(({ name }) => `${name}.mjs`).sort());
  });

  it.each(LIBRARIES)(
    '$name: docs/instrumentation.md names the versions that are installed',
    ({ packages }) => {
      const row = table.find((line) => packages.every((name) => line.includes(name)));
      for (const name of packages) expect(row).toMatch(`${dependencies[name]}`);
    },
  );

  it('are pinned to exact versions, the lock included', () => {
    for (const version of Object.values(dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(existsSync(new URL('package-lock.json', import.meta.url))).toBe(true);
    expect(JSON.parse(read('package-lock.json')).packages[''].dependencies).toEqual(dependencies);
  });
});
