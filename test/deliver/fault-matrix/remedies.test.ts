/**
 * Refusals that another form of the same records may overcome: too large, and an encoding that is not
 * understood. Of each: what the server sees, in order, and what becomes of the records.
 */

import { gunzipSync } from 'node:zlib';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { answered, framed, trailersOnly } from '../../support/grpc-server.ts';
import { FakeClock } from '../fake-clock.ts';
import type { Client } from './client.ts';
import { spansIn } from './decoded.ts';
import { answer, call, plain, status } from './faults.ts';
import {
  type FaultServer,
  type GrpcAttempt,
  type HttpAttempt,
  OK,
  type Protocol,
  type ReceivedRequest,
  type Step,
} from './servers.ts';
import { cleanups, droppedBy, expectSound, open, PROTOCOLS, start } from './set-up.ts';

const BATCH = 8;

type Answers = (request: ReceivedRequest, ordinal: number) => Step;

/** A server that looks at what it gets before it answers. */
async function deciding(protocol: Protocol, decide: Answers): Promise<FaultServer> {
  let ordinal = 0;
  return open(protocol, [
    {
      at: 'end',
      act(attempt: HttpAttempt | GrpcAttempt) {
        const step = decide(attempt.received!, ordinal++);
        (step.act as (attempt: unknown) => void)(attempt);
      },
    },
  ]);
}

const refusal = (protocol: Protocol, code: number): Step =>
  protocol === 'grpc'
    ? call((stream) => stream.respond({ ':status': code }, { endStream: true }))
    : answer(code)(protocol);

/** How servers say that a request is too large. */
const TOO_LARGE: readonly (readonly [string, Protocol, Step])[] = [
  ...PROTOCOLS.map((protocol) => ['413', protocol, refusal(protocol, 413)] as const),
  [
    'what a Collector says of snappy',
    'http/protobuf',
    plain(400, 'text/plain', 'snappy: decoded size exceeds max request body size'),
  ],
  ...(
    [
      ['Go', 8, 'grpc: received message larger than max (5242880 vs. 4194304)'],
      ['Go, compressed', 8, 'grpc: received message after decompression larger than max 4194304'],
      ['Node', 8, 'Received message larger than max (5242880 vs 4194304)'],
      ['Java', 8, 'gRPC message exceeds maximum size 4194304: 5242880'],
      ['Rust', 11, 'Error, decoded message length too large: found 5242880 bytes'],
    ] as const
  ).map(
    ([name, code, message]) =>
      [
        `what a server in ${name} says`,
        'grpc',
        call(trailersOnly(status(code, { 'grpc-message': message }))),
      ] as const,
  ),
];

const rawLength = ({ body, encoding }: ReceivedRequest) =>
  (encoding === 'gzip' ? gunzipSync(body) : body).length;
const numbersIn = (request: ReceivedRequest) =>
  spansIn(request).map(({ name }) => Number(name.slice('span '.length)));
const accepts = (protocol: Protocol) => OK[protocol];

/** Numbers of the spans in every request, in the order they came. */
const seen = ({ received }: FaultServer) => received.map((request) => numbersIn(request));

function traces({ telemetry }: Client) {
  return telemetry.health().signals.traces;
}

describe.each(TOO_LARGE)('too large: %s (%s)', (_, protocol, tooLarge) => {
  const upTo = (records: number) =>
    deciding(protocol, (request) =>
      spansIn(request).length > records ? tooLarge : accepts(protocol),
    );

  it.each(['gzip', 'none'] as const)('halves, %s, until they are accepted', async (compression) => {
    const server = await upTo(2);
    const client = start(protocol, server, { compression });
    client.record(BATCH);
    expect(await client.telemetry.flush()).toMatchObject({ complete: true, sent: BATCH });
    const all = seen(server);
    expect(all.slice(0, 4)).toEqual([
      [0, 1, 2, 3, 4, 5, 6, 7],
      [0, 1, 2, 3],
      [0, 1],
      [2, 3],
    ]);
    expect(all.filter(({ length }) => length <= 2)).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
      [6, 7],
    ]);
    // the other half may be known to be too large
    expect(all.slice(4, -2)).toEqual(all.length === 6 ? [] : [[4, 5, 6, 7]]);
    for (const span of client.recorded) {
      expect(server.received.slice(2).flatMap(spansIn)).toContainEqual(span);
    }
    expect(traces(client)).toMatchObject({
      rejected: 0,
      queued: 0,
      requests: all.length,
      retries: 0,
    });
    const { lastError, lastWarning, state } = client.telemetry.health().endpoints[0]!;
    expect({ lastError, state }).toEqual({ lastError: undefined, state: 'ok' });
    expect(lastWarning).toMatch(/HTTP 4(13|00)|RESOURCE_EXHAUSTED|OUT_OF_RANGE/);
    expectSound(client);
  });

  it('down to single records, which are rejected', async () => {
    const server = await open(protocol, [tooLarge]);
    const client = start(protocol, server);
    client.record(BATCH);
    expect(await client.telemetry.flush()).toMatchObject({ complete: true, rejected: BATCH });
    const all = seen(server);
    expect(all.slice(0, 5).map(({ length }) => length)).toEqual([8, 4, 2, 1, 1]);
    expect(all.filter(({ length }) => length === 1).flat()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    // sizes that are known to be too large may be left out
    expect(all.length).toBeLessThanOrEqual(15);
    expect(traces(client)).toMatchObject({ sent: 0, queued: 0, requests: all.length, retries: 0 });
    expect(client.telemetry.health().endpoints[0]?.lastError).toMatch(
      /HTTP 4(13|00)|RESOURCE_EXHAUSTED|OUT_OF_RANGE/,
    );
    expect(droppedBy(client)).toEqual({});
    expectSound(client);
  });

  it('everything was too large for a moment: later batches are whole again', async () => {
    let passing = false;
    const server = await deciding(protocol, () => (passing ? accepts(protocol) : tooLarge));
    const clock = new FakeClock();
    const client = start(protocol, server, { clock });
    client.record(BATCH);
    expect(await client.telemetry.flush()).toMatchObject({ complete: true, rejected: BATCH });
    passing = true;
    for (let batch = 0; batch < 20; batch++) {
      client.record(BATCH);
      expect(await client.telemetry.flush()).toMatchObject({ complete: true, rejected: BATCH });
      await clock.advance(600_000);
    }
    expect(spansIn(server.received.at(-1)!)).toHaveLength(BATCH);
    expect(traces(client)).toMatchObject({ sent: 20 * BATCH, queued: 0 });
    expectSound(client);
  });

  it('what helped is done beforehand for a while, then a whole batch is tried again', async () => {
    let limit = 4;
    const server = await deciding(protocol, (request) =>
      spansIn(request).length > limit ? tooLarge : accepts(protocol),
    );
    const clock = new FakeClock();
    const client = start(protocol, server, { clock });
    // longer names and no shorter requests from batch to batch
    const sizes = async () => {
      const before = server.received.length;
      client.record(BATCH);
      expect(await client.telemetry.flush()).toMatchObject({ complete: true, rejected: 0 });
      return server.received.slice(before).map((request) => spansIn(request).length);
    };
    expect(await sizes()).toEqual([8, 4, 4]);
    expect(await sizes()).toEqual([4, 4]);
    await clock.advance(60_000);
    expect(await sizes()).toEqual([4, 4]);
    await clock.advance(600_000);
    expect(await sizes()).toEqual([8, 4, 4]);
    limit = 8;
    await clock.advance(600_000);
    expect(await sizes()).toEqual([8]);
    expectSound(client);
  });

  it('one record that is too large is rejected, all others are accepted', async () => {
    const server = await deciding(protocol, (request) =>
      rawLength(request) > 20_000 ? tooLarge : accepts(protocol),
    );
    const client = start(protocol, server);
    client.record(5);
    client.record(1, 30_000);
    client.record(2);
    expect(await client.telemetry.flush()).toMatchObject({ complete: true, sent: 7, rejected: 1 });
    expect(seen(server)).toEqual([
      [0, 1, 2, 3, 4, 5, 6, 7],
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [4, 5],
      [4],
      [5],
      [6, 7],
    ]);
    expectSound(client);
  });

  it('a half may fail, be sent again, and be accepted in part', async () => {
    const server = await deciding(protocol, (request, ordinal) => {
      if (spansIn(request).length > 4) return tooLarge;
      if (ordinal === 2) return refusal(protocol, 503);
      if (ordinal !== 3) return accepts(protocol);
      // partial_success { rejected: 3 }
      const partial = Uint8Array.of(0x0a, 2, 0x08, 3);
      if (protocol === 'grpc') return call(answered({ 'grpc-status': '0' }, framed(partial)));
      return answer(200, {}, (format) =>
        format === 'http/json'
          ? Buffer.from('{"partialSuccess":{"rejectedSpans":"3"}}')
          : Buffer.from(partial),
      )(protocol);
    });
    const client = start(protocol, server);
    client.record(BATCH);
    expect(await client.telemetry.flush()).toMatchObject({ complete: true, sent: 5, rejected: 3 });
    expect(seen(server)).toEqual([
      [0, 1, 2, 3, 4, 5, 6, 7],
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [4, 5, 6, 7],
    ]);
    expect(server.received[3]!.sha256).toBe(server.received[2]!.sha256);
    expect(traces(client)).toMatchObject({ requests: 4, retries: 1 });
    expectSound(client);
  });

  it('halves that are never answered are what shutdown has lost', async () => {
    const hanging: Step = { at: 'end', act: () => {} };
    const server = await open(protocol, [tooLarge, hanging]);
    const client = start(protocol, server, { flushTimeoutMs: 0 });
    client.record(BATCH);
    void client.telemetry.flush();
    await server.seen('received', 2);
    expect(traces(client)).toMatchObject({ recorded: BATCH, queued: BATCH, rejected: 0 });
    expect(await client.telemetry.shutdown()).toMatchObject({ complete: false, dropped: BATCH });
    expect(droppedBy(client)).toEqual({ shutdown: BATCH });
    await client.ended(2);
    expect(traces(client)).toMatchObject({ recorded: BATCH, queued: 0, sent: 0, rejected: 0 });
    expectSound(client);
  });

  it('several batches at a time', async () => {
    const server = await upTo(3);
    const client = start(protocol, server, { batch: { size: BATCH } });
    client.record(10 * BATCH);
    expect(await client.telemetry.flush()).toMatchObject({ complete: true, sent: 10 * BATCH });
    const accepted = server.received.map(spansIn).filter(({ length }) => length <= 3);
    expect(accepted).toHaveLength(40);
    expect(new Set(accepted.flat().map(({ name }) => name)).size).toBe(10 * BATCH);
    expect(server.attempts).toBeLessThanOrEqual(70);
    expect(traces(client)).toMatchObject({ requests: server.attempts, retries: 0, rejected: 0 });
    expectSound(client);
  });
});

it('413 before the request is read, which never is, and the connection is closed', async () => {
  const server = await open('http/protobuf', [
    {
      at: 'head',
      act({ request, response, socket }: HttpAttempt) {
        if (Number(request.headers['content-length']) < 50_000) {
          request.once('end', () => response.writeHead(200).end());
          return;
        }
        request.pause();
        const head = 'HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n';
        socket.write(head);
      },
    },
  ]);
  const client = start('http/protobuf', server, { compression: 'none' });
  client.record(BATCH, 20_000);
  expect(await client.telemetry.flush()).toMatchObject({ complete: true, sent: BATCH });
  expect(server.attempts).toBeLessThanOrEqual(7);
  expect(server.received.flatMap(spansIn)).toEqual(client.recorded);
  expectSound(client);
});

it('too large for a server of grpc-js', async () => {
  const service = {
    Export: {
      path: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
      requestStream: false,
      responseStream: false,
      requestDeserialize: (bytes: Buffer) => bytes,
      requestSerialize: (bytes: Buffer) => bytes,
      responseDeserialize: (bytes: Buffer) => bytes,
      responseSerialize: (bytes: Buffer) => bytes,
    },
  };
  const bodies: Buffer[] = [];
  const server = new Server({ 'grpc.max_receive_message_length': 1500 });
  server.addService(service, {
    Export({ request }: { request: Buffer }, done: (error: null, answer: Buffer) => void) {
      bodies.push(request);
      done(null, Buffer.alloc(0));
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  cleanups.push(() => server.forceShutdown());
  const client = start('grpc', { url: `http://127.0.0.1:${port}` } as FaultServer, {
    compression: 'none',
  });
  client.record(BATCH, 500);
  client.record(1, 3000);
  expect(await client.telemetry.flush()).toMatchObject({ complete: true, sent: 8, rejected: 1 });
  const arrived = bodies.flatMap((body) =>
    spansIn({ body, encoding: 'identity', contentType: '' } as ReceivedRequest),
  );
  expect(new Map(arrived.map((span) => [span.name, span]))).toEqual(
    new Map(client.recorded.slice(0, 8).map((span) => [span.name, span])),
  );
  expectSound(client);
});

/** How servers say that they do not understand an encoding. */
const MISREAD: readonly (readonly [string, Protocol, Step])[] = [
  ...(['http/protobuf', 'http/json'] as const).flatMap((protocol) =>
    [415, 400].map((code) => [String(code), protocol, refusal(protocol, code)] as const),
  ),
  ...(
    [
      ['Go', 'grpc: Decompressor is not installed for grpc-encoding "gzip"'],
      ['Node', 'Received message compressed with unsupported encoding "gzip"'],
      ['Java', "Can't find decompressor for gzip"],
    ] as const
  ).map(
    ([name, message]) =>
      [
        `what a server in ${name} says`,
        'grpc',
        call(trailersOnly(status(12, { 'grpc-message': encodeURIComponent(message) }))),
      ] as const,
  ),
  [
    'a server that says what it does understand',
    'grpc',
    call(trailersOnly(status(12, { 'grpc-accept-encoding': 'identity,deflate' }))),
  ],
];

describe.each(MISREAD)('an encoding that is not understood: %s (%s)', (_, protocol, misread) => {
  const plainOnly = () =>
    deciding(protocol, ({ encoding }) => (encoding === 'gzip' ? misread : accepts(protocol)));
  const encodings = ({ received }: FaultServer) => received.map(({ encoding }) => encoding);

  it('is used once: what is accepted uncompressed stays uncompressed', async () => {
    const server = await plainOnly();
    const client = start(protocol, server);
    for (let batch = 0; batch < 3; batch++) {
      client.record(BATCH);
      expect(await client.telemetry.flush()).toMatchObject({ complete: true, rejected: 0 });
    }
    expect(encodings(server)).toEqual(['gzip', 'identity', 'identity', 'identity']);
    expect(spansIn(server.received[0]!)).toEqual(spansIn(server.received[1]!));
    expect(server.received.slice(1).flatMap(spansIn)).toEqual(client.recorded);
    expect(traces(client)).toMatchObject({ sent: 3 * BATCH, requests: 4, retries: 0 });
    const { lastError, lastWarning } = client.telemetry.health().endpoints[0]!;
    expect(lastError).toBeUndefined();
    expect(lastWarning).toBe('the endpoint takes no gzip: bodies are sent as they are');
    expectSound(client);
  });

  it('of many batches that are on their way or wait: none is lost', async () => {
    const server = await plainOnly();
    const client = start(protocol, server, {
      batch: { size: BATCH },
      queue: { maxInFlight: 3 },
    });
    client.record(10 * BATCH);
    expect(await client.telemetry.flush()).toMatchObject({ complete: true, sent: 10 * BATCH });
    const sent = server.received.filter(({ encoding }) => encoding === 'identity');
    expect(sent).toHaveLength(10);
    // those that were on their way before it was known
    expect(encodings(server).filter((encoding) => encoding === 'gzip')).toHaveLength(3);
    expect(new Set(sent.flatMap(spansIn).map(({ name }) => name)).size).toBe(10 * BATCH);
    expectSound(client);
  });

  it('refused uncompressed as well: rejected, and compressed the next time', async () => {
    const server = await deciding(protocol, () => misread);
    const client = start(protocol, server);
    for (let batch = 1; batch <= 2; batch++) {
      client.record(BATCH);
      expect(await client.telemetry.flush()).toMatchObject({ rejected: batch * BATCH, sent: 0 });
    }
    expect(encodings(server)).toEqual(['gzip', 'identity', 'gzip', 'identity']);
    expect(client.telemetry.health().endpoints[0]?.lastError).toMatch(/HTTP 4|UNIMPLEMENTED/);
    expect(droppedBy(client)).toEqual({});
    expectSound(client);
  });

  it('fails uncompressed: sent again as it is then, and remembered', async () => {
    const server = await deciding(protocol, ({ encoding }, ordinal) => {
      if (encoding === 'gzip') return misread;
      return ordinal < 3 ? refusal(protocol, 503) : accepts(protocol);
    });
    const client = start(protocol, server);
    for (let batch = 1; batch <= 2; batch++) {
      client.record(BATCH);
      expect(await client.telemetry.flush()).toMatchObject({ sent: batch * BATCH });
    }
    expect(encodings(server)).toEqual(['gzip', ...Array(4).fill('identity')]);
    expect(new Set(server.received.slice(1, 4).map(({ sha256 }) => sha256)).size).toBe(1);
    expectSound(client);
  });

  it('and too large uncompressed: halves, uncompressed', async () => {
    const server = await deciding(protocol, (request) => {
      if (request.encoding === 'gzip') return misread;
      return spansIn(request).length > 4
        ? TOO_LARGE.find(([, of]) => of === protocol)![2]
        : accepts(protocol);
    });
    const client = start(protocol, server);
    client.record(BATCH);
    expect(await client.telemetry.flush()).toMatchObject({ sent: BATCH, rejected: 0 });
    expect(encodings(server)).toEqual(['gzip', 'identity', 'identity', 'identity']);
    expect(seen(server).map(({ length }) => length)).toEqual([8, 8, 4, 4]);
    client.record(4);
    await client.telemetry.flush();
    expect(encodings(server).at(-1)).toBe('identity');
    expect(server.attempts).toBe(5);
    expectSound(client);
  });
});

/** How servers say that of any encoding. */
function misreadOf(protocol: Protocol, encoding: string): readonly Step[] {
  if (protocol !== 'grpc') return [refusal(protocol, 415), refusal(protocol, 400)];
  const said = (message: string) =>
    call(trailersOnly(status(12, { 'grpc-message': encodeURIComponent(message) })));
  return [
    said(`grpc: Decompressor is not installed for grpc-encoding "${encoding}"`),
    said(`Received message compressed with unsupported encoding "${encoding}"`),
    call(trailersOnly(status(12, { 'grpc-accept-encoding': 'identity,gzip' }))),
  ];
}

const OVER_HTTP = ['zstd', 'deflate', 'zlib', 'lz4', 'snappy', 'x-snappy-framed', 'br'] as const;
const BY_PROTOCOL = {
  'http/protobuf': OVER_HTTP,
  'http/json': OVER_HTTP,
  grpc: ['zstd', 'snappy'],
} as const;

describe.each(
  PROTOCOLS.flatMap((protocol) =>
    BY_PROTOCOL[protocol].map((compression) => ({ protocol, compression })),
  ),
)('an encoding that is not understood: $compression ($protocol)', ({ protocol, compression }) => {
  const encodings = ({ received }: FaultServer) => received.map(({ encoding }) => encoding);

  const refusals = ({ warnings }: Client) => warnings.filter((line) => line.includes('takes no'));

  it('goes as gzip, and what follows, however the server says so', async () => {
    for (const misread of misreadOf(protocol, compression)) {
      const server = await deciding(protocol, ({ encoding }) =>
        encoding === compression ? misread : accepts(protocol),
      );
      const client = start(protocol, server, { compression });
      for (let batch = 1; batch <= 3; batch++) {
        client.record(BATCH);
        expect(await client.telemetry.flush()).toMatchObject({ sent: batch * BATCH, rejected: 0 });
      }
      expect(encodings(server)).toEqual([compression, 'gzip', 'gzip', 'gzip']);
      expect(server.received.slice(1).flatMap(spansIn)).toEqual(client.recorded);
      const warning = `the endpoint takes no ${compression}: gzip is sent instead`;
      expect(refusals(client)).toEqual([`otlp-wasm: ${warning}.`]);
      expect(client.telemetry.health().endpoints[0]).toMatchObject({
        ...{ encoding: 'gzip', refusedEncodings: [compression], lastWarning: warning },
      });
      expectSound(client);
    }
  });

  it('goes as it is where gzip is not understood either', async () => {
    const server = await deciding(protocol, ({ encoding }) =>
      encoding === 'identity' ? accepts(protocol) : misreadOf(protocol, encoding)[0]!,
    );
    const client = start(protocol, server, { compression });
    for (let batch = 1; batch <= 2; batch++) {
      client.record(BATCH);
      expect(await client.telemetry.flush()).toMatchObject({ sent: batch * BATCH, rejected: 0 });
    }
    expect(encodings(server)).toEqual([compression, 'gzip', 'identity', 'identity']);
    expect(server.received.slice(2).flatMap(spansIn)).toEqual(client.recorded);
    expect(refusals(client)).toHaveLength(2);
    expectSound(client);
  });

  it('refused in every form: rejected, and tried again with the next batch', async () => {
    const server = await deciding(protocol, ({ encoding }) => misreadOf(protocol, encoding)[0]!);
    const client = start(protocol, server, { compression });
    for (let batch = 1; batch <= 2; batch++) {
      client.record(BATCH);
      expect(await client.telemetry.flush()).toMatchObject({ sent: 0, rejected: batch * BATCH });
    }
    const forms = [compression, 'gzip', 'identity'];
    expect(encodings(server)).toEqual([...forms, ...forms]);
    expect(refusals(client)).toEqual([]);
    expectSound(client);
  });
});

describe('refusals that have no remedy', () => {
  it('but a 400 that says so is about the encoding, accepted or not', async () => {
    // As Collectors of several versions behind one address do.
    const unsupported = plain(400, 'text/plain', 'unsupported Content-Encoding: zstd');
    const server = await deciding('http/protobuf', ({ encoding }, ordinal) =>
      encoding === 'zstd' && ordinal > 0 ? unsupported : OK['http/protobuf'],
    );
    const client = start('http/protobuf', server, { compression: 'zstd' });
    for (let batch = 1; batch <= 3; batch++) {
      client.record(BATCH);
      expect(await client.telemetry.flush()).toMatchObject({ sent: batch * BATCH, rejected: 0 });
    }
    expect(server.received.map(({ encoding }) => encoding)).toEqual([
      'zstd',
      'zstd',
      'gzip',
      'gzip',
    ]);
    expectSound(client);
  });

  it('400 once gzip has been accepted is about the request', async () => {
    const server = await open('http/protobuf', [
      OK['http/protobuf'],
      refusal('http/protobuf', 400),
    ]);
    const client = start('http/protobuf', server);
    client.record(BATCH);
    await client.telemetry.flush();
    client.record(BATCH);
    expect(await client.telemetry.flush()).toMatchObject({ sent: BATCH, rejected: BATCH });
    expect(server.attempts).toBe(2);
    expectSound(client);
  });

  it.each([
    'unknown service opentelemetry.proto.collector.trace.v1.TraceService',
    'The server does not implement the method Export',
    '',
  ])('UNIMPLEMENTED: %s', async (message) => {
    const server = await open('grpc', [
      call(trailersOnly(status(12, { 'grpc-message': message }))),
    ]);
    const client = start('grpc', server);
    client.record(BATCH);
    expect(await client.telemetry.flush()).toMatchObject({ sent: 0, rejected: BATCH });
    expect(server.attempts).toBe(1);
    expectSound(client);
  });

  it('RESOURCE_EXHAUSTED of a server that is short of memory', async () => {
    const short = status(8, { 'grpc-message': 'data refused due to high memory usage' });
    const server = await open('grpc', [call(trailersOnly(short))]);
    const client = start('grpc', server);
    client.record(BATCH);
    expect(await client.telemetry.flush()).toMatchObject({ sent: 0, rejected: BATCH });
    expect(server.attempts).toBe(1);
    expectSound(client);
  });
});

describe('answers that are configured to be worth another attempt', () => {
  const http = { httpStatuses: [408, 500] };
  const grpc = { grpcCodes: ['INTERNAL', 'RESOURCE_EXHAUSTED'] };

  it.each([
    ['http/protobuf', '500', answer(500)('http/protobuf'), true],
    ['http/protobuf', '408', answer(408)('http/protobuf'), true],
    ['http/protobuf', '503, which is not any more', answer(503)('http/protobuf'), false],
    ['http/json', '500', answer(500)('http/json'), true],
    ['grpc', 'INTERNAL', call(trailersOnly(status(13))), true],
    ['grpc', 'RESOURCE_EXHAUSTED', call(trailersOnly(status(8))), true],
    ['grpc', 'UNAVAILABLE, which is not any more', call(trailersOnly(status(14))), false],
  ] as [Protocol, string, Step, boolean][])('%s: %s', async (protocol, _, step, again) => {
    const server = await open(protocol, [step, step, OK[protocol]]);
    const client = start(protocol, server, { queue: { retry: { ...http, ...grpc } } });
    client.record(BATCH);
    expect(await client.telemetry.flush()).toMatchObject({
      complete: true,
      sent: again ? BATCH : 0,
      rejected: again ? 0 : BATCH,
    });
    expect(server.attempts).toBe(again ? 3 : 1);
    expectSound(client);
  });
});
