import { Buffer } from 'node:buffer';
import zlib, { deflateRawSync, gunzipSync, inflateRawSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { tracesToJson } from '../src/codec/json.ts';
import type { Encoding, Payload } from '../src/deliver/transport.ts';
import { remake as onNode } from '../src/runtime/node/node-slow-path.ts';
import { remake as onWeb } from '../src/runtime/web/web-slow-path.ts';
import { type Means, remade } from '../src/slow-path.ts';
import { wireOf } from '../src/workbench/collector/schema.ts';
import { ENCODE } from './support/encoded.ts';
import { expectSame } from './support/expect-same.ts';
import { decodeOfficially, spansOf } from './support/trace-model.ts';

afterEach(() => void vi.unstubAllGlobals());

const ENCODINGS = Object.keys(ENCODE) as Encoding[];

/** A request of so many spans. */
function requestOf(spans: number): Uint8Array {
  const type = wireOf('ExportTraceServiceRequest');
  const message = type.fromObject({
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'till' } }] },
        scopeSpans: [
          {
            scope: { name: 'till.checkout' },
            spans: Array.from({ length: spans }, (_, i) => ({
              traceId: Buffer.alloc(16, i + 1),
              spanId: Buffer.alloc(8, i + 1),
              name: `span ${i}`,
            })),
          },
        ],
      },
    ],
  });
  return type.encode(message).finish();
}

function payloadOf(spans: number, encoding: Encoding, more: Partial<Payload> = {}): Payload {
  const raw = more.body ?? requestOf(spans);
  const body = encoding === 'identity' ? raw : ENCODE[encoding]!(raw);
  return {
    signal: 'traces',
    contentType: 'application/x-protobuf',
    encoding,
    records: spans,
    rawBytes: raw.length,
    ...more,
    body,
  };
}

const rawOf = ({ body, encoding }: Payload) => (encoding === 'gzip' ? gunzipSync(body) : body);
const namesOf = (payload: Payload) =>
  spansOf(decodeOfficially(rawOf(payload))).map(({ name }) => name);
const names = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `span ${from + i}`);

/** A gzip member of so many MiB of zeros, which is a thousandth of that. */
function zeros(mebibytes: number): Uint8Array {
  const block = deflateRawSync(Buffer.alloc(1 << 20), { finishFlush: zlib.constants.Z_FULL_FLUSH });
  const header = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);
  const trailer = Buffer.alloc(10);
  // An empty block, the last one; a CRC; the size.
  trailer[0] = 3;
  trailer.writeUInt32LE(mebibytes * 2 ** 20, 6);
  return Buffer.concat([header, ...Array(mebibytes).fill(block), trailer]);
}

describe.each([
  ['Node', onNode, () => {}],
  ['the web', onWeb, () => {}],
  [
    'the web without CompressionStream',
    onWeb,
    () => {
      vi.stubGlobal('CompressionStream', undefined);
      vi.stubGlobal('DecompressionStream', undefined);
    },
  ],
] as const)('a refused payload on %s', (_, remake, prepare) => {
  it('goes uncompressed where its encoding was not understood', async () => {
    prepare();
    const payload = payloadOf(9, 'gzip');
    const before = Uint8Array.from(payload.body);
    const raw = requestOf(9);
    const got = await remake(payload, 'identity');
    expect(got).toHaveLength(1);
    expect([...got![0]!.body]).toEqual([...raw]);
    expect({ ...got![0], body: null }).toEqual({
      signal: 'traces',
      contentType: 'application/x-protobuf',
      encoding: 'identity',
      records: 9,
      rawBytes: raw.length,
      body: null,
    });
    expect([...payload.body]).toEqual([...before]);
    expect(payload.encoding).toBe('gzip');
  });

  it.each(['gzip', 'identity'] as const)(
    'goes in halves where it was too large (%s)',
    async (encoding) => {
      prepare();
      const payload = payloadOf(9, encoding);
      const before = Uint8Array.from(payload.body);
      const [first, second, ...more] = (await remake(payload, 'split'))!;
      expect(more).toEqual([]);
      expectSame(namesOf(first!), names(0, 4));
      expectSame(namesOf(second!), names(4, 9));
      expect([first!.records, second!.records]).toEqual([4, 5]);
      for (const half of [first!, second!]) {
        expect({ ...half, body: null, records: 0 }).toEqual({
          signal: 'traces',
          contentType: 'application/x-protobuf',
          encoding,
          rawBytes: rawOf(half).length,
          records: 0,
          body: null,
        });
        expect(half.body.buffer).not.toBe(payload.body.buffer);
      }
      expect([...payload.body]).toEqual([...before]);
    },
  );

  it('in JSON goes in halves of JSON', async () => {
    prepare();
    const body = tracesToJson(requestOf(7));
    const contentType = 'application/json';
    const halves = (await remake(payloadOf(7, 'gzip', { body, contentType }), 'split'))!;
    const spans = halves.map((half) => {
      const request = JSON.parse(Buffer.from(rawOf(half)).toString('utf8'));
      return request.resourceSpans[0].scopeSpans[0].spans.map(({ name }: { name: string }) => name);
    });
    expect(spans).toEqual([names(0, 3), names(3, 7)]);
    expect(halves.map((half) => [half.contentType, half.encoding, half.records])).toEqual([
      [contentType, 'gzip', 3],
      [contentType, 'gzip', 4],
    ]);
    expect(halves.map(({ rawBytes }) => rawBytes)).toEqual(
      halves.map((half) => rawOf(half).length),
    );
  });

  it('is divided again and again, down to one record', async () => {
    prepare();
    const singles: Payload[] = [];
    const open = [payloadOf(6, 'gzip')];
    for (let next = open.shift(); next !== undefined; next = open.shift()) {
      const halves = await remake(next, 'split');
      if (halves === undefined) singles.push(next);
      else open.unshift(...halves);
    }
    expect(singles.map(({ records }) => records)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(singles.flatMap(namesOf)).toEqual(names(0, 6));
  });

  it('has no other form when it is not compressed, or has one record', async () => {
    prepare();
    expect(await remake(payloadOf(9, 'identity'), 'identity')).toBeUndefined();
    expect(await remake(payloadOf(1, 'identity'), 'split')).toBeUndefined();
    expect(await remake(payloadOf(1, 'gzip'), 'split')).toBeUndefined();
  });

  it('has no other form when its body is damaged', async () => {
    prepare();
    const { body, ...payload } = payloadOf(9, 'gzip');
    const flipped = Uint8Array.from(body);
    for (let i = 0; i < 8; i++) flipped[20 + i]! ^= 0xff;
    for (const damaged of [
      new Uint8Array(),
      Uint8Array.of(1, 2, 3),
      body.subarray(0, body.length - 4),
      body.subarray(0, 12),
      flipped,
      requestOf(9),
    ]) {
      expect(await remake({ ...payload, body: damaged }, 'identity')).toBeUndefined();
      expect(await remake({ ...payload, body: damaged }, 'split')).toBeUndefined();
    }
  });

  it('has no other form when its body would explode, which takes no memory to find out', async () => {
    prepare();
    const body = zeros(1024);
    expect(body.length).toBeLessThan(2 ** 21);
    expect(inflateRawSync(zeros(2).subarray(10, -8))).toHaveLength(2 ** 21);
    const payload: Payload = { ...payloadOf(9, 'gzip'), body };
    const before = process.resourceUsage().maxRSS;
    expect(await remake(payload, 'identity')).toBeUndefined();
    // In KiB.
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(512 * 1024);
  });

  describe.each(ENCODINGS.filter((one) => one !== 'br' || remake === onNode))('%s', (encoding) => {
    it('becomes gzip, or what it was', async () => {
      prepare();
      const payload = payloadOf(9, encoding);
      const [gzip, ...none] = (await remake(payload, 'gzip'))!;
      expect(none).toEqual([]);
      expect(gzip).toMatchObject({ encoding: 'gzip', records: 9, rawBytes: payload.rawBytes });
      expect(Buffer.compare(gunzipSync(gzip!.body), requestOf(9))).toBe(0);
      const [plain] = (await remake(payload, 'identity'))!;
      expect(plain).toMatchObject({ encoding: 'identity', records: 9 });
      expect(Buffer.compare(plain!.body, requestOf(9))).toBe(0);
    });

    it('is divided, in its encoding or in gzip', async () => {
      prepare();
      const halves = (await remake(payloadOf(9, encoding), 'split'))!;
      const all: string[] = [];
      for (const half of halves) {
        expect(['gzip', encoding]).toContain(half.encoding);
        const [plain] = (await remake(half, 'identity'))!;
        all.push(...namesOf(plain!));
      }
      expect(all).toEqual(names(0, 9));
    });

    it('has no other form when it is torn, or another length', async () => {
      prepare();
      const payload = payloadOf(9, encoding);
      const torn = { ...payload, body: payload.body.subarray(0, -9) };
      const other = { ...payload, rawBytes: payload.rawBytes + 1 };
      for (const damaged of [torn, other]) {
        expect(await remake(damaged, 'gzip')).toBeUndefined();
        expect(await remake(damaged, 'split')).toBeUndefined();
      }
    });
  });
});

describe('a refused payload', () => {
  const never: Means = {
    inflate: () => Promise.reject(new Error('not to be inflated')),
    compress: { gzip: () => Promise.reject(new Error('not to be compressed')) },
  };

  it('is not divided when the records inside are not those it says', async () => {
    for (const records of [8, 10]) {
      expect(await remade(payloadOf(9, 'identity', { records }), 'split', never)).toBeUndefined();
    }
    expect(await remade(payloadOf(9, 'identity'), 'split', never)).toHaveLength(2);
  });

  it('is not taken for what it says when it inflates to another length', async () => {
    const means: Means = { ...never, inflate: async () => requestOf(9) };
    const payload = payloadOf(9, 'gzip');
    expect(await remade(payload, 'identity', means)).toHaveLength(1);
    const other = { ...payload, rawBytes: payload.rawBytes + 1 };
    expect(await remade(other, 'identity', means)).toBeUndefined();
  });

  it('of profiles is not divided', async () => {
    expect(
      await remade(payloadOf(9, 'identity', { signal: 'profiles' }), 'split', never),
    ).toBeUndefined();
  });

  it('is given up where a host can do nothing, by whatever it throws', async () => {
    const thrown = () => {
      throw new Error('at once');
    };
    for (const means of [never, { inflate: thrown, compress: { gzip: thrown } }]) {
      expect(await remade(payloadOf(9, 'gzip'), 'identity', means)).toBeUndefined();
      expect(await remade(payloadOf(9, 'gzip'), 'split', means)).toBeUndefined();
    }
    const means: Means = { ...never, inflate: async () => requestOf(9) };
    expect(await remade(payloadOf(9, 'gzip'), 'split', means)).toBeUndefined();
  });

  it.runIf('zstdCompressSync' in zlib)('goes in halves of zstd', async () => {
    const { zstdCompressSync, zstdDecompressSync } = zlib as unknown as Record<
      'zstdCompressSync' | 'zstdDecompressSync',
      (bytes: Uint8Array) => Uint8Array
    >;
    const payload = { ...payloadOf(9, 'zstd'), body: zstdCompressSync(requestOf(9)) };
    const halves = (await onNode(payload, 'split'))!;
    const whole = (half: Payload) => ({
      ...half,
      encoding: 'identity' as const,
      body: zstdDecompressSync(half.body),
    });
    expect(halves.map((half) => namesOf(whole(half)))).toEqual([names(0, 4), names(4, 9)]);
    const [plain] = (await onNode(payload, 'identity'))!;
    expect([...plain!.body]).toEqual([...requestOf(9)]);
  });
});
