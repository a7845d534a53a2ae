/** Readers of compressed bodies, on what compressors that are not ours have made. */

import { describe, expect, it } from 'vitest';
import { TooLong } from '../../../src/compress/inflate/damaged.ts';
import { inflateLz4 } from '../../../src/compress/inflate/lz4.ts';
import { inflateSnappy, inflateSnappyFramed } from '../../../src/compress/inflate/snappy.ts';
import { inflateZstd } from '../../../src/compress/inflate/zstd.ts';
import { ENCODE } from '../../support/encoded.ts';
import { randomFrom } from '../../support/random.ts';

const LINES = Buffer.from(
  Array.from({ length: 7000 }, (_, i) => `span ${i % 7} of ${i % 11}\n`).join(''),
);

/** What the command lines of zstd 1.5 and lz4 1.9 made of {@link LINES}. */
const VECTORS: Readonly<Record<string, string>> = {
  'zstd -19 --check, of a file':
    'KLUv/aScSgEADQQAgkYREcC3AQDElf8GJLK7e3NQw2EBwA+riWd108Nq4lnd9LCaeFY3PawmntVND6uJZ3XTw2riWd' +
    '1+WHUm4p1Z1U/ANAqZiDAnVKgQ4LVvkBsqwwESoBGgCKbf////M/ZGpgNcC4ArAXAliK4U0JUYIOnXY+drVUgXa+qy' +
    '7UPIiyQFxul37Q==',
  'zstd -19, of a stream':
    'KLUv/QRoDQQAgkYREcC3AQDElf8GJLK7e3NQw2EBwA+riWd108Nq4lnd9LCaeFY3PawmntVND6uJZ3XTw2riWd1+WH' +
    'Um4p1Z1U/ANAqZiDAnVKgQ4LVvkBsqwwESoBGgCKbf////M/ZGpgNcC4ArAXAliK4U0JUYIOnXY+drVUgXa+qy7UPI' +
    'iyQFxul37Q==',
  'lz4 -9 -BX --content-size':
    'BCJNGHxQnEoBAAAAAAC6owIAAMFzcGFuIDAgb2YgMAoMABAxDAASMQwAEDIMABIyDAAQMwwAEjMMABA0DAASNAwAED' +
    'UMABI1DAAQNgwAJjYKVAAXN1QAFzhUABc5VAAnMTBVABcwVQAXMVUAFzJVABczVQAXNFUAFzVVABc2VAAXN1QAFzhU' +
    'ABc5VAAYMf4AFzBVABcxVQAXMlUAFzNVABc0VQAXNVUAFzZUABc3VAAXOFQAFzlUABgx/gAXMFUAFzFVABcyVQAXM1' +
    'UAFzRVABc1VQAXNlQAFzdUABc4VAAYOfsBCP4AGDCoAQdVABcyVQAXM1UAFzRVABc1VQAXNlQAFzdUABc4VAAYOfsB' +
    'CP4AGDCoAQdVABcyVQAXM1UAFzRVABc1VQAXNlQAFzdUABc4VAAYOfsBCP4ACKUCFzFVABcyVQAXM1UAFzRVABc1VQ' +
    'AXNlQAFzdUABc4VAAYOfsBLzAKowP/////////////////////////////////////////////////////////////' +
    '//////////////////////////////////////////////////////////////////////////////////////////' +
    '//////////////////////////////////////////////////////////////////////////////////////////' +
    '//////////////////////////////////////////////////////////////////////////////////////////' +
    '//////////////////////////////////////////////////////////////////////////////////////////' +
    '////////////////KVBvZiAzCv7nwP4AAAAAI1Dpuw==',
  'lz4 -9 -B4 -BD':
    'BCJNGERAXlgCAADBc3BhbiAwIG9mIDAKDAAQMQwAEjEMABAyDAASMgwAEDMMABIzDAAQNAwAEjQMABA1DAASNQwAED' +
    'YMACY2ClQAFzdUABc4VAAXOVQAJzEwVQAXMFUAFzFVABcyVQAXM1UAFzRVABc1VQAXNlQAFzdUABc4VAAXOVQAGDH+' +
    'ABcwVQAXMVUAFzJVABczVQAXNFUAFzVVABc2VAAXN1QAFzhUABc5VAAYMf4AFzBVABcxVQAXMlUAFzNVABc0VQAXNV' +
    'UAFzZUABc3VAAXOFQAGDn7AQj+ABgwqAEHVQAXMlUAFzNVABc0VQAXNVUAFzZUABc3VAAXOFQAGDn7AQj+ABgwqAEH' +
    'VQAXMlUAFzNVABc0VQAXNVUAFzZUABc3VAAXOFQAGDn7AQj+AAilAhcxVQAXMlUAFzNVABc0VQAXNVUAFzZUABc3VA' +
    'AXOFQAGDn7AS8wCqMD////////////////////////////////////////////////////////////////////////' +
    '//////////////////////////////////////////////////////////////////////////////////////////' +
    '//////////////////////////////////////////////////////////////////////////////////////////' +
    '/////////////////////////////////////////////////////////////////////////////////////0JQCn' +
    'NwYW5UAAAAD6MD////////////////////////////////////////////////////////////////////////////' +
    '///////////////////////OUG9mIDMKAAAAACNQ6bs=',
  'lz4 -9 --no-frame-crc':
    'BCJNGGBQ+6MCAADBc3BhbiAwIG9mIDAKDAAQMQwAEjEMABAyDAASMgwAEDMMABIzDAAQNAwAEjQMABA1DAASNQwAED' +
    'YMACY2ClQAFzdUABc4VAAXOVQAJzEwVQAXMFUAFzFVABcyVQAXM1UAFzRVABc1VQAXNlQAFzdUABc4VAAXOVQAGDH+' +
    'ABcwVQAXMVUAFzJVABczVQAXNFUAFzVVABc2VAAXN1QAFzhUABc5VAAYMf4AFzBVABcxVQAXMlUAFzNVABc0VQAXNV' +
    'UAFzZUABc3VAAXOFQAGDn7AQj+ABgwqAEHVQAXMlUAFzNVABc0VQAXNVUAFzZUABc3VAAXOFQAGDn7AQj+ABgwqAEH' +
    'VQAXMlUAFzNVABc0VQAXNVUAFzZUABc3VAAXOFQAGDn7AQj+AAilAhcxVQAXMlUAFzNVABc0VQAXNVUAFzZUABc3VA' +
    'AXOFQAGDn7AS8wCqMD////////////////////////////////////////////////////////////////////////' +
    '//////////////////////////////////////////////////////////////////////////////////////////' +
    '//////////////////////////////////////////////////////////////////////////////////////////' +
    '//////////////////////////////////////////////////////////////////////////////////////////' +
    '//////////////////////////////////////////////////////////////////////////////////////////' +
    '/////ylQb2YgMwoAAAAA',
};

type Inflate = (bytes: Uint8Array, maxBytes: number) => Uint8Array;

const READERS: readonly (readonly [name: string, inflate: Inflate, encoding: string])[] = [
  ['zstd', inflateZstd, 'zstd'],
  ['lz4', inflateLz4, 'lz4'],
  ['snappy, a block', inflateSnappy, 'snappy'],
  ['snappy, framed', inflateSnappyFramed, 'x-snappy-framed'],
];

const MAX_BYTES = 1 << 20;

describe.each(Object.entries(VECTORS))('what %s wrote', (name, base64) => {
  const inflate = name.startsWith('zstd') ? inflateZstd : inflateLz4;
  const bytes = Buffer.from(base64, 'base64');

  it('is read', () => {
    expect(Buffer.compare(inflate(bytes, LINES.length), LINES)).toBe(0);
  });

  it('is not read where it would be a byte too long', () => {
    expect(() => inflate(bytes, LINES.length - 1)).toThrow(TooLong);
  });

  it('is not read in part', () => {
    // fzstd does not miss a checksum.
    const whole = bytes.length - (inflate === inflateZstd ? 4 : 0);
    for (let length = 0; length < whole; length++) {
      expect(() => inflate(bytes.subarray(0, length), MAX_BYTES)).toThrow();
    }
  });
});

describe.each(READERS)('%s', (_, inflate, encoding) => {
  const encode = ENCODE[encoding]!;

  it('is read, whatever its length', () => {
    const random = randomFrom(7);
    const noise = Uint8Array.from({ length: 200_000 }, () => random.next() * 256);
    for (const length of [1, 13, 14, 300, 65_535, 65_536, 65_537, 131_072, 200_000]) {
      for (const source of [noise, new Uint8Array(length), LINES]) {
        const bytes = source.slice(0, length);
        const read = inflate(encode(bytes), MAX_BYTES);
        expect(Buffer.compare(read, bytes)).toBe(0);
      }
    }
  });

  it('is read where it stands in the middle of other bytes, and from a Buffer', () => {
    const body = encode(LINES);
    const around = Buffer.alloc(body.length + 20, 0xff);
    around.set(body, 7);
    const read = inflate(around.subarray(7, 7 + body.length), MAX_BYTES);
    expect(Buffer.compare(read, LINES)).toBe(0);
    expect(Buffer.isBuffer(read)).toBe(false);
  });

  it('is no bomb', () => {
    const bomb = encode(new Uint8Array(300_000));
    expect(() => inflate(bomb, 299_999)).toThrow(TooLong);
    expect(inflate(bomb, 300_000)).toHaveLength(300_000);
  });

  it('ends, whatever happened to the bytes', () => {
    const random = randomFrom(11);
    const body = Buffer.from(encode(LINES.subarray(0, 3000)));
    for (let i = 0; i < 2000; i++) {
      const torn = Buffer.from(body);
      for (let n = 0; n < 1 + random.below(4); n++)
        torn[random.below(torn.length)] = random.below(256);
      try {
        expect(inflate(torn, 100_000).length).toBeLessThanOrEqual(100_000);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }
  });

  it.each(['', 'x', 'no such format at all'])('refuses %j', (text) => {
    expect(() => inflate(Buffer.from(text), MAX_BYTES)).toThrow();
  });
});

describe('checksums', () => {
  const lz4 = () => Buffer.from(VECTORS['lz4 -9 -BX --content-size']!, 'base64');

  it('of the header, of blocks and of the content of lz4 are looked at', () => {
    const body = lz4();
    const at = { header: 14, block: body.length - 12, content: body.length - 1 };
    for (const [what, offset] of Object.entries(at)) {
      const torn = lz4();
      torn[offset]! ^= 1;
      expect(() => inflateLz4(torn, MAX_BYTES), what).toThrow('checksum');
    }
  });

  it("of snappy's chunks are looked at", () => {
    for (const pieces of [1000, 70_000]) {
      const torn = Buffer.from(ENCODE['x-snappy-framed']!(new Uint8Array(pieces)));
      torn[pieces < 65_536 ? 14 : torn.length - 1]! ^= 1;
      expect(() => inflateSnappyFramed(torn, MAX_BYTES)).toThrow('checksum');
    }
  });
});

describe("snappy's frames", () => {
  const framed = ENCODE['x-snappy-framed']!;

  it('are told from a block', () => {
    expect(Buffer.compare(inflateSnappy(framed(LINES), MAX_BYTES), LINES)).toBe(0);
  });

  it('may have chunks between them that nobody knows, if those can be passed over', () => {
    const body = framed(Buffer.from('abc'));
    const known = Buffer.concat([body, Buffer.from([0xfe, 2, 0, 0, 0, 0, 0x80, 0, 0, 0])]);
    expect(Buffer.from(inflateSnappyFramed(known, 10)).toString()).toBe('abc');
    const unknown = Buffer.concat([body, Buffer.from([0x02, 0, 0, 0])]);
    expect(() => inflateSnappyFramed(unknown, 10)).toThrow('type 2');
  });
});

describe('lz4', () => {
  const header = [0x04, 0x22, 0x4d, 0x18];
  it.each([
    ['a version to come', [0x80, 0x40]],
    ['a dictionary', [0x61, 0x40]],
    ['reserved bits', [0x62, 0x40]],
    ['a block size that is none', [0x60, 0x30]],
  ])('refuses %s', (_, flags) => {
    expect(() => inflateLz4(Buffer.from([...header, ...flags, 0, 0, 0, 0, 0]), 10)).toThrow('lz4');
  });
});
