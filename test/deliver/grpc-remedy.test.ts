import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { RETRYABLE_GRPC_CODES } from '../../src/deliver/grpc-outcome.ts';
import type { Encoding, Remedy } from '../../src/deliver/transport.ts';
import { cleanups, listen, payload, transportTo } from '../support/grpc-delivery.ts';
import {
  type Answer,
  answered,
  grpcJsServer,
  type JsCall,
  type JsReply,
  retryInfo,
  trailersOnly,
} from '../support/grpc-server.ts';

const status = (code: number, message: string, more: Record<string, string> = {}) => ({
  'grpc-status': String(code),
  'grpc-message': message,
  ...more,
});

const RESOURCE_EXHAUSTED = 8;
const OUT_OF_RANGE = 11;
const UNIMPLEMENTED = 12;

/** An answer to a payload in this encoding, and what is to help. */
type Case = [name: string, answer: Answer, remedy: Remedy | undefined, encoding?: Encoding];

const tooLarge = (name: string, code: number, message: string): Case => [
  `${name}: ${message}`,
  trailersOnly(status(code, message)),
  'split',
];

const encodings = (name: string, message: string): Case => [
  `${name}: ${message}`,
  trailersOnly(status(UNIMPLEMENTED, message)),
  'recode',
];

const cases: Case[] = [
  tooLarge('Go', RESOURCE_EXHAUSTED, 'grpc: received message larger than max (5000 vs. 4194)'),
  tooLarge('Go', RESOURCE_EXHAUSTED, 'grpc: message after decompression larger than max (9 vs. 4)'),
  tooLarge('C++', RESOURCE_EXHAUSTED, 'SERVER: Received message larger than max (9 vs. 4)'),
  tooLarge('otlp-wasm', RESOURCE_EXHAUSTED, 'the request is larger than 4000 bytes'),
  tooLarge('Java', RESOURCE_EXHAUSTED, 'gRPC message exceeds maximum size 4194304: 5000000'),
  tooLarge('Java', RESOURCE_EXHAUSTED, 'Decompressed gRPC message exceeds maximum size 4194304'),
  tooLarge(
    '.NET',
    RESOURCE_EXHAUSTED,
    'Received message exceeds the maximum configured message size.',
  ),
  tooLarge(
    'Rust',
    OUT_OF_RANGE,
    'Error, decoded message length too large: found 9 bytes, the limit is: 4 bytes',
  ),
  tooLarge(
    'Rust',
    RESOURCE_EXHAUSTED,
    'Error decompressing: size limit, of 4 bytes, exceeded while decompressing message',
  ),
  [
    'with headers before the trailers',
    answered(status(RESOURCE_EXHAUSTED, 'grpc: received message larger than max (9 vs. 4)')),
    'split',
  ],
  [
    'HTTP 413 of a proxy',
    (stream) => {
      stream.respond({ ':status': 413, 'content-type': 'text/html' });
      stream.end('<html>');
    },
    'split',
  ],
  [
    'short of memory',
    trailersOnly(status(RESOURCE_EXHAUSTED, 'data refused due to high memory usage')),
    undefined,
  ],
  [
    'a quota',
    trailersOnly(status(RESOURCE_EXHAUSTED, 'requests exceed the maximum per minute')),
    undefined,
  ],
  encodings('Go', 'grpc: Decompressor is not installed for grpc-encoding "gzip"'),
  encodings('Node', 'Received message compressed with unsupported encoding "zstd"'),
  encodings('Java', "Can't find decompressor for gzip"),
  encodings('Rust', "Content is compressed with `gzip` which isn't supported"),
  encodings('.NET', "Unsupported grpc-encoding value 'gzip'. Supported encodings: identity"),
  [
    'the encoding is not among those accepted',
    trailersOnly(status(UNIMPLEMENTED, '', { 'grpc-accept-encoding': 'identity, deflate' })),
    'recode',
  ],
  [
    'the encoding is among those accepted',
    trailersOnly(status(UNIMPLEMENTED, '', { 'grpc-accept-encoding': 'identity, GZIP' })),
    undefined,
  ],
  [
    'uncompressed already',
    trailersOnly(status(UNIMPLEMENTED, 'Unsupported encoding', { 'grpc-accept-encoding': 'br' })),
    undefined,
    'identity',
  ],
  [
    'a service that is not known',
    trailersOnly(
      status(UNIMPLEMENTED, 'unknown service opentelemetry.proto.collector.trace.v1.TraceService', {
        'grpc-accept-encoding': 'identity',
      }),
    ),
    undefined,
  ],
  [
    'a method that is not known',
    trailersOnly(status(UNIMPLEMENTED, 'unknown method Export', { 'grpc-accept-encoding': '' })),
    undefined,
  ],
  ['nothing is said', trailersOnly(status(UNIMPLEMENTED, '')), undefined],
  [
    'another code with such a message',
    trailersOnly(status(13, 'grpc: received message larger than max; no decompressor')),
    undefined,
  ],
];

describe('what may help where a message is refused', () => {
  it.each(cases)('%s', async (_, answer, remedy, encoding) => {
    const server = await listen([answer]);
    const outcome = await transportTo(server.url).send(payload(100, encoding));
    expect(outcome).toMatchObject({ kind: 'rejected', reason: expect.any(String) });
    expect((outcome as { remedy?: Remedy }).remedy).toBe(remedy);
  });

  it('too large, but with a RetryInfo: the server knows better', async () => {
    const answer = trailersOnly(
      status(RESOURCE_EXHAUSTED, 'message larger than max', {
        'grpc-status-details-bin': retryInfo(2),
      }),
    );
    const server = await listen([answer]);
    expect(await transportTo(server.url).send(payload())).toMatchObject({
      kind: 'retryable',
      delayMs: 2000,
    });
  });
});

describe('against a server of grpc-js', () => {
  async function collecting(maxBytes: number) {
    const requests: Buffer[] = [];
    const accept = (call: JsCall, reply: JsReply) => {
      requests.push(call.request);
      reply(null, Buffer.alloc(0));
    };
    const server = await grpcJsServer(accept, { 'grpc.max_receive_message_length': maxBytes });
    cleanups.push(server.close);
    return { url: server.url, requests };
  }

  it.each([
    ['as it is', 'identity', payload(200_000).body],
    ['compressed', 'gzip', payload(200_000).body],
    ['when it is inflated', 'gzip', gzipSync(Buffer.alloc(200_000))],
  ] as const)(
    'larger than it takes, %s: split; what is not is taken',
    async (_, encoding, body) => {
      const { url, requests } = await collecting(100_000);
      const transport = transportTo(url);
      expect(await transport.send({ ...payload(), encoding, body })).toEqual({
        kind: 'rejected',
        reason: expect.stringMatching(/^gRPC RESOURCE_EXHAUSTED: Received message .*larger than/),
        remedy: 'split',
      });
      const small = { ...payload(50_000), encoding: 'identity' as const };
      expect(await transport.send(small)).toEqual({ kind: 'delivered' });
      expect(requests).toEqual([Buffer.from(small.body)]);
    },
  );

  it('an encoding that it does not know: uncompressed', async () => {
    const { url, requests } = await collecting(100_000);
    const transport = transportTo(url);
    expect(await transport.send(payload(3000, 'zstd'))).toEqual({
      kind: 'rejected',
      reason: 'gRPC UNIMPLEMENTED: Received message compressed with unsupported encoding "zstd"',
      remedy: 'recode',
    });
    expect(await transport.send(payload(3000, 'identity'))).toEqual({ kind: 'delivered' });
    expect(requests).toHaveLength(1);
  });

  it('a service that it has not: no remedy', async () => {
    const { url } = await collecting(100_000);
    const outcome = await transportTo(url).send({ ...payload(), signal: 'logs' });
    expect(outcome).toEqual({
      kind: 'rejected',
      reason: expect.stringContaining('gRPC UNIMPLEMENTED: The server does not implement'),
    });
  });
});

describe('retryable codes', () => {
  const kindOf = async (code: number, grpcCodes: readonly string[]) => {
    const server = await listen([trailersOnly(status(code, 'why'))]);
    const retryable = { httpStatuses: [], grpcCodes };
    return (await transportTo(server.url, { retryable }).send(payload())).kind;
  };

  it('those configured, and no others', async () => {
    const codes = [...RETRYABLE_GRPC_CODES, 'RESOURCE_EXHAUSTED', 'INTERNAL'];
    expect(await kindOf(RESOURCE_EXHAUSTED, codes)).toBe('retryable');
    expect(await kindOf(13, codes)).toBe('retryable');
    expect(await kindOf(14, codes)).toBe('retryable');
    expect(await kindOf(14, ['INTERNAL'])).toBe('rejected');
  });

  it('RESOURCE_EXHAUSTED with a RetryInfo always is', async () => {
    const details = { 'grpc-status-details-bin': retryInfo(1) };
    const server = await listen([trailersOnly(status(RESOURCE_EXHAUSTED, 'slow', details))]);
    const retryable = { httpStatuses: [], grpcCodes: [] };
    const outcome = await transportTo(server.url, { retryable }).send(payload());
    expect(outcome).toMatchObject({ kind: 'retryable', delayMs: 1000 });
  });

  it('too large stays so, whatever is retryable', async () => {
    const answer = trailersOnly(status(RESOURCE_EXHAUSTED, 'received message larger than max'));
    const server = await listen([answer]);
    const retryable = { httpStatuses: [], grpcCodes: ['RESOURCE_EXHAUSTED'] };
    const outcome = await transportTo(server.url, { retryable }).send(payload());
    expect(outcome).toMatchObject({ kind: 'rejected', remedy: 'split' });
  });
});
