import { readFileSync } from 'node:fs';
import { arch, hostname, platform } from 'node:os';
import { describe, expect, it } from 'vitest';
import { type ResourceOptions, resolveResource } from '../../src/api/resource.ts';
import { processResource } from '../../src/runtime/node/resource.ts';
import { VERSION } from '../../src/version.ts';

function resolve(options: Partial<ResourceOptions> & { name?: string } = {}) {
  const warnings: string[] = [];
  const attributes = resolveResource({
    env: {},
    host: {
      name: options.name ?? 'node',
      fillRandom: (words) => void crypto.getRandomValues(words),
      resource: () => ({ 'process.executable.name': 'node', 'host.name': 'box' }),
      warn: (line) => warnings.push(line),
    },
    ...options,
  });
  return { attributes, warnings };
}

const ofEnv = (text: string) => resolve({ env: { OTEL_RESOURCE_ATTRIBUTES: text } });

describe('resolveResource', () => {
  it('describes the SDK, the service and the host by default', () => {
    const { attributes, warnings } = resolve();
    expect(attributes).toEqual({
      'service.name': 'unknown_service:node',
      'service.instance.id': expect.stringMatching(
        /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      ),
      'telemetry.sdk.language': 'nodejs',
      'telemetry.sdk.name': 'otlp-wasm',
      'telemetry.sdk.version': VERSION,
      'process.executable.name': 'node',
      'host.name': 'box',
    });
    expect(warnings).toEqual([]);
  });

  it('gives each telemetry its own instance id', () => {
    const id = () => resolve().attributes['service.instance.id'];
    expect(id()).not.toBe(id());
  });

  it('lays out the instance id as version 4 whatever the random bits', () => {
    const id = (fill: number) =>
      resolveResource({
        env: {},
        host: {
          name: 'node',
          fillRandom: (words) => void words.fill(fill),
          resource: () => ({}),
          warn: () => {},
        },
      })['service.instance.id'];
    expect(id(0)).toBe('00000000-0000-4000-8000-000000000000');
    expect(id(0xffffffff)).toBe('ffffffff-ffff-4fff-bfff-ffffffffffff');
  });

  it('has a name for a service whose program is not known', () => {
    const host = { name: 'x', fillRandom: () => {}, resource: () => ({}), warn: () => {} };
    expect(resolveResource({ env: {}, host })['service.name']).toBe('unknown_service');
  });

  it.each([
    ['node', 'nodejs'],
    ['bun', 'nodejs'],
    ['deno', 'nodejs'],
    ['browser', 'webjs'],
    ['workerd', 'webjs'],
    ['edge', 'webjs'],
  ])('language on %s: %s', (name, language) => {
    expect(resolve({ name }).attributes['telemetry.sdk.language']).toBe(language);
  });

  it('prefers the stronger source', () => {
    const sources = [
      { env: {} },
      { env: { OTEL_RESOURCE_ATTRIBUTES: 'service.name=attributes,host.name=attributes' } },
      { env: { OTEL_SERVICE_NAME: 'service' } },
      { resource: { 'service.name': 'resource', 'host.name': 'resource' } },
      { serviceName: 'option' },
    ];
    const seen: unknown[] = [];
    let options: Partial<ResourceOptions> = {};
    for (const source of sources) {
      const env = { ...options.env, ...source.env };
      options = { ...options, ...source, env };
      const { attributes } = resolve(options);
      seen.push([attributes['service.name'], attributes['host.name']]);
    }
    expect(seen).toEqual([
      ['unknown_service:node', 'box'],
      ['attributes', 'attributes'],
      ['service', 'attributes'],
      ['resource', 'resource'],
      ['option', 'resource'],
    ]);
  });

  it('takes empty and missing values for unset', () => {
    const { attributes } = resolve({
      env: { OTEL_SERVICE_NAME: '', OTEL_RESOURCE_ATTRIBUTES: '' },
      resource: { 'host.name': undefined, kept: false },
      serviceName: '',
    });
    expect(attributes).toMatchObject({
      'service.name': 'unknown_service:node',
      'host.name': 'box',
      kept: false,
    });
  });
});

describe('OTEL_RESOURCE_ATTRIBUTES', () => {
  it.each([
    ['a=1,b=2', { a: '1', b: '2' }],
    [' a = 1 , b = two words ', { a: '1', b: 'two words' }],
    ['a=1,', { a: '1' }],
    ['a=', { a: '' }],
    ['a=x%2Cy%3Dz%20%C3%A9,b%2Cc=1', { a: 'x,y=z é', 'b,c': '1' }],
    ['a=1,a=2', { a: '2' }],
  ])('%j', (text, expected) => {
    const { attributes, warnings } = ofEnv(text);
    expect(attributes).toMatchObject(expected);
    expect(warnings).toEqual([]);
  });

  it.each([
    ['a=1,secret', 'member 2 has no "="'],
    ['a=1,b=secret=3', 'member 2 (b) has more than one "="'],
    ['a=1,b=secret%', 'member 2 (b) is not percent-encoded correctly'],
    ['a=1,b=secret%ff', 'member 2 (b) is not percent-encoded correctly'],
    ['a=1,%=secret', 'member 2 (%) is not percent-encoded correctly'],
    ['a=1,=secret', 'member 2 has no key'],
  ])('%j is discarded whole, with a warning that shows no value', (text, problem) => {
    const { attributes, warnings } = ofEnv(text);
    expect(attributes).not.toHaveProperty('a');
    expect(attributes).not.toHaveProperty('b');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(`OTEL_RESOURCE_ATTRIBUTES is ignored: ${problem}`);
    expect(warnings[0]).not.toContain('secret');
  });
});

describe('processResource', () => {
  it('describes this process, host and operating system', () => {
    const attributes = processResource();
    expect(attributes).toMatchObject({
      'process.pid': process.pid,
      'process.command': process.argv0,
      'process.runtime.name': 'nodejs',
      'process.runtime.version': process.versions.node,
      'process.runtime.description': 'Node.js',
      'host.name': hostname(),
    });
    expect(attributes['process.executable.name']).toMatch(/^node(\.exe)?$/);
    if (arch() === 'x64') expect(attributes['host.arch']).toBe('amd64');
    if (platform() === 'linux') expect(attributes['os.type']).toBe('linux');
  });

  it('holds no command line arguments', () => {
    expect(Object.keys(processResource()).filter((key) => key.includes('arg'))).toEqual([]);
  });
});

describe('VERSION', () => {
  it('is the version of the package', () => {
    const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    expect(VERSION).toBe(JSON.parse(manifest).version);
  });
});
