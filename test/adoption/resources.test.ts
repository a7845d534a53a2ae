import { describe, expect, it } from 'vitest';
import { resourceComplaints } from './resources.mjs';

const resource = (attributes: Record<string, string>) => ({
  attributes: Object.entries(attributes).map(([key, value]) => ({
    key,
    value: { type: 'string', value },
  })),
});
const shop = { 'service.name': 'shop' };
const complaints = (
  upstream: Record<string, string>,
  ...ours: Record<string, string>[]
): readonly string[] => resourceComplaints([resource(upstream)], ours.map(resource));

describe('resources of the two SDKs', () => {
  it('may differ in what is listed, and in what no two processes share', () => {
    const theirs = { ...shop, 'telemetry.sdk.name': 'opentelemetry', 'process.pid': '1' };
    const own = { ...shop, 'telemetry.sdk.name': 'otlp-wasm', 'process.pid': '2' };
    expect(complaints(theirs, own, own)).toEqual([]);
    expect(complaints({ ...shop, 'process.command_args': 'a' }, shop)).toEqual([]);
    expect(complaints(shop, { ...shop, 'os.name': 'Debian' })).toEqual([]);
  });

  it('must have the same values otherwise', () => {
    expect(complaints(shop, { 'service.name': 'till' })).toEqual([
      expect.stringMatching(/^resource: service\.name: upstream .*shop.*, otlp-wasm .*till/),
    ]);
  });

  it('must have the same attributes otherwise', () => {
    const hosted = { ...shop, 'host.name': 'vm' };
    expect(complaints(hosted, shop)).toEqual([
      expect.stringMatching(/^resource: only upstream has host\.name/),
    ]);
    expect(complaints(shop, hosted)).toEqual([
      expect.stringMatching(/^resource: only otlp-wasm has host\.name/),
    ]);
  });

  it('must be the same in all requests of a process', () => {
    expect(complaints(shop, shop, { ...shop, 'os.name': 'Debian' })).toEqual([
      expect.stringMatching(/^otlp-wasm: 2 different resources/),
    ]);
  });
});
