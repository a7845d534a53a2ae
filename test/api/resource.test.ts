import { readFileSync } from 'node:fs';
import type { Attributes } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { type ResourceOptions, resourceAround } from '../../src/api/resource.ts';
import { variablesOf } from '../../src/options/env.ts';
import { fakeHost, startOn } from '../../src/testing/index.ts';
import { VERSION } from '../../src/version.ts';

const DETECTED = { 'process.executable.name': 'node', 'host.name': 'box' };

interface Sources extends Partial<ResourceOptions> {
  readonly name?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly detected?: Attributes;
}

function resolve(options: Sources = {}) {
  const warnings: string[] = [];
  const around = resourceAround({
    host: { name: options.name ?? 'node' },
    fromEnv: variablesOf(options.env ?? {}, (line) => warnings.push(line)).resource(),
    ...options,
  });
  return { attributes: around(options.detected ?? DETECTED), warnings };
}

const ofEnv = (text: string) => resolve({ env: { OTEL_RESOURCE_ATTRIBUTES: text } });

describe('resourceAround', () => {
  it('describes the SDK and the service, and keeps what was detected', () => {
    const { attributes, warnings } = resolve();
    expect(attributes).toEqual({
      'service.name': 'unknown_service:node',
      'telemetry.sdk.language': 'nodejs',
      'telemetry.sdk.name': 'otlp-wasm',
      'telemetry.sdk.version': VERSION,
      'process.executable.name': 'node',
      'host.name': 'box',
    });
    expect(warnings).toEqual([]);
  });

  it('warns once however often more is detected', async () => {
    const late = Promise.resolve('late');
    const host = fakeHost({
      env: { OTEL_RESOURCE_ATTRIBUTES: 'wrong' },
      detectors: [{ name: 'box', detect: () => ({ 'host.name': late }) }],
    });
    startOn(host).tracer('t').startSpan('s').end();
    await host.advance(1000);
    const { attributes } = host.transport.traces()[0]!.resource;
    expect(attributes).toMatchObject({ 'host.name': 'late' });
    expect(host.warnings).toEqual([
      expect.stringMatching(/^otlp-wasm: OTEL_RESOURCE_ATTRIBUTES is ignored/),
    ]);
  });

  it('has a name for a service whose program is not known', () => {
    expect(resolve({ detected: {} }).attributes['service.name']).toBe('unknown_service');
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
    const sources: Parameters<typeof resolve>[0][] = [
      { env: {} },
      { detected: { 'service.name': 'detected', 'host.name': 'detected' } },
      { env: { OTEL_RESOURCE_ATTRIBUTES: 'service.name=attributes,host.name=attributes' } },
      { env: { OTEL_SERVICE_NAME: 'service' } },
      { resource: { 'service.name': 'resource', 'host.name': 'resource' } },
      { serviceName: 'option' },
    ];
    const seen: unknown[] = [];
    let options: NonNullable<Parameters<typeof resolve>[0]> = {};
    for (const source of sources) {
      const env = { ...options.env, ...source?.env };
      options = { ...options, ...source, env };
      const { attributes } = resolve(options);
      seen.push([attributes['service.name'], attributes['host.name']]);
    }
    expect(seen).toEqual([
      ['unknown_service:node', 'box'],
      ['detected', 'detected'],
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

describe('VERSION', () => {
  it('is the version of the package', () => {
    const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    expect(VERSION).toBe(JSON.parse(manifest).version);
  });
});
