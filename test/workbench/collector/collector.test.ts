import { createHash } from 'node:crypto';
import { Agent, request as httpRequest } from 'node:http';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type Collector,
  type CollectorOptions,
  type Fault,
  isOtlpError,
  startCollector,
} from '../../../src/workbench/collector/index.ts';
import { wireOf } from '../../../src/workbench/collector/schema.ts';
import { ENCODE } from '../../support/encoded.ts';

const official = createRequire(import.meta.url)('otlp-decoder/build/src/generated/root.js')
  .opentelemetry.proto.collector;

const open: Collector[] = [];

async function start(options: CollectorOptions = {}): Promise<Collector> {
  const collector = await startCollector({ port: 0, ...options });
  open.push(collector);
  return collector;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((collector) => collector.close()));
});

/** An encoded request with spans of these names. */
function spans(...names: string[]): Uint8Array {
  const { ExportTraceServiceRequest } = official.trace.v1;
  return ExportTraceServiceRequest.encode({
    resourceSpans: [{ scopeSpans: [{ spans: names.map((name) => ({ name })) }] }],
  }).finish();
}

const jsonSpans = (...names: string[]) =>
  JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: names.map((name) => ({ name })) }] }] });

interface Post {
  readonly path?: string;
  readonly method?: string;
  readonly type?: string;
  readonly headers?: Record<string, string>;
}

function post(collector: Collector, body: Uint8Array | string | null, options: Post = {}) {
  const { path = '/v1/traces', method = 'POST', type = 'application/x-protobuf' } = options;
  const headers = { 'content-type': type, ...options.headers };
  return fetch(collector.url + path, { method, headers, body: body as BodyInit | null });
}

async function bytesOf(response: Response): Promise<Uint8Array> {
  return new Uint8Array(await response.arrayBuffer());
}

/** The message of a google.rpc.Status, in whichever format the answer has. */
async function statusMessage(response: Response): Promise<string> {
  const body = await bytesOf(response);
  if (response.headers.get('content-type') === 'application/json') {
    return JSON.parse(Buffer.from(body).toString()).message;
  }
  expect(response.headers.get('content-type')).toBe('application/x-protobuf');
  return (wireOf('Status').decode(body) as unknown as { message: string }).message;
}

const names = (collector: Collector) => collector.traces().map((span) => span.name);

describe('a request that is accepted', () => {
  it.each([
    ['protobuf', 'application/x-protobuf', spans('a', 'b')],
    ['JSON', 'application/json', Buffer.from(jsonSpans('a', 'b'))],
    ['JSON with a charset', 'Application/JSON; charset=utf-8', Buffer.from(jsonSpans('a', 'b'))],
  ])('%s, identity and gzip', async (_, type, body) => {
    const collector = await start();
    const gzipped = gzipSync(body);
    const answers = [
      await post(collector, body, { type }),
      await post(collector, gzipped, { type, headers: { 'content-encoding': 'gzip' } }),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toBe(type.split(';')[0]!.toLowerCase());
      expect(Buffer.from(await bytesOf(answer)).toString()).toBe(
        type.includes('x-proto') ? '' : '{}',
      );
    }
    expect(names(collector)).toEqual(['a', 'b', 'a', 'b']);
    const [plain, packed] = collector.requests();
    expect(plain).toMatchObject({
      ...{ path: '/v1/traces', signal: 'traces', status: 200, contentEncoding: 'identity' },
      ...{ wireBytes: body.length, rawBytes: body.length, spans: 2 },
      bodySha256: createHash('sha256').update(body).digest('hex'),
    });
    expect(packed).toMatchObject({
      ...{ contentEncoding: 'gzip', wireBytes: gzipped.length, rawBytes: body.length, spans: 2 },
      bodySha256: createHash('sha256').update(gzipped).digest('hex'),
    });
    expect(collector.stats()).toMatchObject({
      ...{ requests: 2, accepted: 2, spans: 4, rejected: 0, unanswered: 0, errors: {} },
      ...{ wireBytes: body.length + gzipped.length, rawBytes: 2 * body.length },
    });
  });

  it('may be empty', async () => {
    const collector = await start();
    expect((await post(collector, null)).status).toBe(200);
    expect((await post(collector, '{}', { type: 'application/json' })).status).toBe(200);
    expect(collector.stats()).toMatchObject({ accepted: 2, spans: 0 });
  });

  it('may be of another signal', async () => {
    const collector = await start();
    const type = 'application/json';
    const logs = {
      resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: 'x' } }] }] }],
    };
    const gauge = { dataPoints: [{ asInt: '1' }, { asDouble: 2 }] };
    const metrics = { resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'm', gauge }] }] }] };
    await post(collector, JSON.stringify(logs), { path: '/v1/logs', type });
    await post(collector, JSON.stringify(metrics), { path: '/v1/metrics', type });
    expect(collector.logs().map((record) => record.body)).toEqual(['x']);
    expect(collector.metrics()).toMatchObject([
      { name: 'm', gauge: { dataPoints: [{ asInt: 1n }, { asDouble: 2 }] } },
    ]);
    expect(collector.stats()).toMatchObject({ spans: 0, logRecords: 1, dataPoints: 2 });
  });

  it('comes over a connection that stays open', async () => {
    const collector = await start();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set<number>();
    for (let i = 0; i < 3; i++) {
      await new Promise<void>((resolve, reject) => {
        const headers = { 'content-type': 'application/x-protobuf' };
        httpRequest(
          `${collector.url}/v1/traces`,
          { method: 'POST', headers, agent },
          (response) => {
            ports.add(response.socket.localPort!);
            response.resume().on('end', resolve);
          },
        )
          .on('error', reject)
          .end(spans('a'));
      });
    }
    agent.destroy();
    expect(ports.size).toBe(1);
    expect(names(collector)).toHaveLength(3);
  });

  it('is described, without its credentials', async () => {
    const collector = await start({ keepBodies: true });
    const secrets = { authorization: 'Bearer s3cr3t', 'x-api-key': 's3cr3t', cookie: 's3cr3t' };
    const headers = { ...secrets, 'user-agent': 'sender/1', 'x-tenant': 'blue' };
    const body = spans('a');
    await post(collector, gzipSync(body), { headers: { ...headers, 'content-encoding': 'gzip' } });
    const [request] = collector.requests();
    expect(request!.userAgent).toBe('sender/1');
    expect(request!.headers['x-tenant']).toBe('blue');
    for (const name of Object.keys(secrets)) expect(request!.headers[name]).toBe('[redacted]');
    expect(JSON.stringify({ ...request, body: '' })).not.toContain('s3cr3t');
    expect(request!.body).toEqual(new Uint8Array(body));
  });
});

describe.each(['application/x-protobuf', 'application/json'])('a refused request (%s)', (type) => {
  const valid = type === 'application/json' ? jsonSpans('a') : spans('a');

  it('400 for a body that is not what it says', async () => {
    const collector = await start();
    const answer = await post(collector, Buffer.from([0x0f, 0xff]), { type });
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toBe(type);
    expect(await statusMessage(answer)).toMatch(
      type === 'application/json' ? /not JSON/ : /not protobuf/,
    );
  });

  it('400 for gzip that is torn or none', async () => {
    const collector = await start();
    const gzipped = gzipSync(valid);
    const headers = { 'content-encoding': 'gzip' };
    for (const body of [valid, gzipped.subarray(0, -9), new Uint8Array()]) {
      const answer = await post(collector, body, { type, headers });
      expect(answer.status).toBe(400);
      expect(await statusMessage(answer)).toMatch(/not gzip/);
    }
    expect(collector.stats()).toMatchObject({ accepted: 0, errors: { 400: 3 } });
  });

  it('404 for an unknown path', async () => {
    const collector = await start();
    const answer = await post(collector, valid, { type, path: '/v1/spans' });
    expect(answer.status).toBe(404);
    expect(await statusMessage(answer)).toContain('/v1/traces');
    expect(collector.requests()).toMatchObject([{ path: '/v1/spans', status: 404 }]);
    expect(collector.requests()[0]!.signal).toBeUndefined();
  });

  it('405 for another method', async () => {
    const collector = await start();
    const answer = await post(collector, valid, { type, method: 'PUT' });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST');
    expect(await statusMessage(answer)).toContain('PUT');
    const get = await fetch(`${collector.url}/v1/traces`);
    expect(get.status).toBe(405);
  });

  it('413 for too many bytes: announced, streamed, or inflated', async () => {
    const collector = await start({ maxRequestBytes: 1000 });
    const large = Buffer.alloc(100_000, 32);
    const streamed = new ReadableStream({
      start(controller) {
        for (let at = 0; at < large.length; at += 1000) {
          controller.enqueue(large.subarray(at, at + 1000));
        }
        controller.close();
      },
    });
    const answers = [
      await post(collector, large, { type }),
      await fetch(`${collector.url}/v1/traces`, {
        ...{ method: 'POST', headers: { 'content-type': type }, body: streamed, duplex: 'half' },
      } as RequestInit),
      await post(collector, gzipSync(large), { type, headers: { 'content-encoding': 'gzip' } }),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(413);
      expect(await statusMessage(answer)).toContain('1000 bytes');
    }
    expect(gzipSync(large).length).toBeLessThan(1000);
    expect((await post(collector, valid, { type })).status).toBe(200);
  });

  it('400 for an encoding that the OpenTelemetry Collector does not take', async () => {
    const collector = await start();
    for (const encoding of ['br', 'compress', 'constructor']) {
      const headers = { 'content-encoding': encoding };
      const answer = await post(collector, valid, { type, headers });
      expect(answer.status).toBe(400);
      expect(answer.headers.get('accept-encoding')).toBe(
        'gzip, zstd, zlib, deflate, snappy, lz4, x-snappy-framed, identity',
      );
      expect(await statusMessage(answer)).toContain(`"${encoding}"`);
    }
  });
});

describe.each(Object.keys(ENCODE))('bodies in %s', (encoding) => {
  const headers = { 'content-encoding': encoding };
  const encode = ENCODE[encoding]!;
  const body = spans('a', 'b', 'c'.repeat(3000));

  it('are inflated', async () => {
    const collector = await start({ encodings: [encoding], keepBodies: true });
    expect((await post(collector, encode(body), { headers })).status).toBe(200);
    expect(collector.stats()).toMatchObject({ spans: 3, rawBytes: body.length });
    const [request] = collector.requests();
    expect(request).toMatchObject({ contentEncoding: encoding });
    expect(Buffer.compare(request!.body!, body)).toBe(0);
  });

  it('are a 413 where too much would come of them', async () => {
    const collector = await start({ encodings: [encoding], maxRequestBytes: body.length - 1 });
    const bomb = encode(body);
    const sent = bomb.length < body.length ? bomb : bomb.subarray(0, body.length - 1);
    expect((await post(collector, sent, { headers })).status).toBe(413);
  });

  it('are a 400 where they are torn, or something else', async () => {
    const collector = await start({ encodings: [encoding] });
    for (const bytes of [encode(body).subarray(0, -20), Buffer.from('no such thing'), body]) {
      const answer = await post(collector, bytes, { headers });
      expect(answer.status).toBe(400);
      expect(await statusMessage(answer)).toMatch(
        `not ${encoding.replace('x-snappy-framed', 'snappy')}`,
      );
    }
    expect(collector.stats().spans).toBe(0);
  });

  it('are a 400 where others are wanted', async () => {
    const encodings = Object.keys(ENCODE).filter((name) => name !== encoding);
    const collector = await start({ encodings });
    expect((await post(collector, encode(body), { headers })).status).toBe(400);
  });
});

it('encodings that there are not are refused', async () => {
  await expect(start({ encodings: ['gzip', 'rar'] })).rejects.toSatisfy(
    (error) => isOtlpError(error) && error.code === 'invalid_option' && /'rar'/.test(error.message),
  );
});

it('415 for an unknown or missing content type', async () => {
  const collector = await start();
  const answer = await post(collector, 'x', { type: 'text/plain' });
  expect(answer.status).toBe(415);
  expect(await statusMessage(answer)).toContain('"text/plain"');
  const none = await fetch(`${collector.url}/v1/traces`, {
    method: 'POST',
    body: new Uint8Array(1),
  });
  expect(none.status).toBe(415);
});

describe('the store', () => {
  it('lets the oldest requests go when there are too many spans, and counts them', async () => {
    const collector = await start({ maxSpans: 5 });
    for (const batch of [
      ['a', 'b'],
      ['c', 'd'],
      ['e', 'f'],
    ])
      await post(collector, spans(...batch));
    expect(names(collector)).toEqual(['c', 'd', 'e', 'f']);
    expect(collector.stats()).toMatchObject({ spans: 6, evicted: { requests: 1, records: 2 } });
    await post(collector, spans('g', 'h', 'i', 'j', 'k', 'l', 'm'));
    expect(names(collector)).toEqual(['i', 'j', 'k', 'l', 'm']);
    expect(collector.stats()).toMatchObject({ spans: 13, evicted: { requests: 3, records: 8 } });
  });

  it('is bounded in bytes too, kept bodies included', async () => {
    const body = spans('x'.repeat(1000));
    for (const keepBodies of [false, true]) {
      const collector = await start({ maxBytes: 4.5 * body.length, keepBodies });
      for (let i = 0; i < 10; i++) await post(collector, body);
      expect(collector.requests()).toHaveLength(keepBodies ? 2 : 4);
    }
  });

  it('can be cleared', async () => {
    const collector = await start();
    await post(collector, spans('a'));
    collector.clear();
    expect(collector.traces()).toEqual([]);
    expect(collector.stats()).toMatchObject({ requests: 0, spans: 0, wireBytes: 0 });
    await post(collector, spans('b'));
    expect(names(collector)).toEqual(['b']);
  });

  it('can be left out: spans are counted and nothing is kept', async () => {
    const collector = await start({ store: false });
    const gzip = { headers: { 'content-encoding': 'gzip' } };
    await post(collector, spans('a', 'b', 'c'));
    await post(collector, gzipSync(spans('d')), gzip);
    await post(collector, jsonSpans('e', 'f'), { type: 'application/json' });
    expect((await post(collector, Buffer.from([0x0f]))).status).toBe(400);
    expect(collector.stats()).toMatchObject({ requests: 4, accepted: 3, spans: 6 });
    expect(collector.traces()).toEqual([]);
    expect(collector.requests()).toEqual([]);
  });

  it('can even leave bodies compressed', async () => {
    const collector = await start({ store: false, countSpans: false });
    const body = gzipSync(spans('a'));
    await post(collector, body, { headers: { 'content-encoding': 'gzip' } });
    const stats = { accepted: 1, spans: 0, wireBytes: body.length, rawBytes: body.length };
    expect(collector.stats()).toMatchObject(stats);
  });
});

describe('waitFor', () => {
  it('resolves with what has arrived and with what arrives later', async () => {
    const collector = await start();
    await collector.waitFor({ spans: 0 });
    const both = collector.waitFor({ spans: 2, requests: 2 });
    const named = collector.waitFor((c) => c.traces().some((span) => span.name === 'b'));
    await post(collector, spans('a'));
    await post(collector, spans('b'));
    await Promise.all([both, named]);
    expect(names(collector)).toEqual(['a', 'b']);
  });

  it('says what arrived instead', async () => {
    const collector = await start();
    await post(collector, spans('a'));
    await post(collector, 'x', { type: 'text/plain' });
    const error = await collector.waitFor({ spans: 2 }, { timeoutMs: 1 }).catch((e) => e);
    expect(isOtlpError(error) && error.code).toBe('timeout');
    expect(error.message).toBe('waited 1 ms for 2 spans: 1 spans arrived in 2 requests (1 × 415)');
  });

  it('ends with the collector, and passes on what the condition throws', async () => {
    const collector = await start();
    const wait = collector.waitFor({ spans: 1 }).catch((e) => e.message);
    const thrown = collector.waitFor(() => {
      throw new Error('condition');
    });
    await expect(thrown).rejects.toThrow('condition');
    await collector.close();
    expect(await wait).toContain('the collector was closed');
    await expect(collector.waitFor({ spans: 1 })).rejects.toThrow('closed');
  });
});

describe('faults', () => {
  const fails = (collector: Collector) => expect(post(collector, spans('lost'))).rejects.toThrow();

  it('a status, with Retry-After in seconds, as a date, or without', async () => {
    const collector = await start();
    const at = new Date('2030-01-02T03:04:05Z');
    await collector.fault([
      { kind: 'status', status: 503, retryAfter: 7, message: 'busy', times: 2 },
      { kind: 'status', status: 429, retryAfter: at, times: 1 },
      { kind: 'status', status: 500, times: 1 },
    ]);
    const answers = [];
    for (let i = 0; i < 5; i++) answers.push(await post(collector, spans(`${i}`)));
    expect(answers.map((answer) => answer.status)).toEqual([503, 503, 429, 500, 200]);
    expect(answers.map((answer) => answer.headers.get('retry-after'))).toEqual([
      ...['7', '7', 'Wed, 02 Jan 2030 03:04:05 GMT', null, null],
    ]);
    expect(await statusMessage(answers[0]!)).toBe('busy');
    expect(names(collector)).toEqual(['4']);
    expect(collector.stats()).toMatchObject({ accepted: 1, errors: { 503: 2, 429: 1, 500: 1 } });
    expect(collector.requests()[0]).toMatchObject({ fault: 'status', status: 503, error: 'busy' });
  });

  it('lasts until it is ended when it has no times', async () => {
    const collector = await start();
    await collector.fault({ kind: 'status', status: 502 });
    for (let i = 0; i < 3; i++) expect((await post(collector, spans('a'))).status).toBe(502);
    await collector.fault(null);
    expect((await post(collector, spans('a'))).status).toBe(200);
  });

  it('another success status is a success', async () => {
    const collector = await start();
    await collector.fault({ kind: 'status', status: 202 });
    expect((await post(collector, spans('a'))).status).toBe(202);
    expect(names(collector)).toEqual(['a']);
  });

  it.each(['application/x-protobuf', 'application/json'])('partial success (%s)', async (type) => {
    const collector = await start();
    await collector.fault({ kind: 'partial', rejected: 2, message: 'too long' });
    const body = type === 'application/json' ? jsonSpans('a', 'b', 'c') : spans('a', 'b', 'c');
    const answer = await post(collector, body, { type });
    expect(answer.status).toBe(200);
    const bytes = await bytesOf(answer);
    const { ExportTraceServiceResponse } = official.trace.v1;
    const decoded =
      type === 'application/json'
        ? JSON.parse(Buffer.from(bytes).toString())
        : ExportTraceServiceResponse.toObject(ExportTraceServiceResponse.decode(bytes), {
            longs: String,
          });
    expect(decoded).toEqual({ partialSuccess: { rejectedSpans: '2', errorMessage: 'too long' } });
    expect(names(collector)).toEqual(['a']);
    expect(collector.stats()).toMatchObject({ accepted: 1, spans: 1, rejected: 2 });
  });

  it('a delay answers as usual, later', async () => {
    const collector = await start();
    await collector.fault({ kind: 'delay', delayMs: 5 });
    expect((await post(collector, spans('a'))).status).toBe(200);
    expect(names(collector)).toEqual(['a']);
  });

  it('a refused connection, and the same port again afterwards', async () => {
    const collector = await start();
    await post(collector, spans('before'));
    await collector.fault({ kind: 'refuse' });
    const error = await post(collector, spans('lost')).catch((e) => e);
    expect(error.cause.code).toBe('ECONNREFUSED');
    await collector.fault(null);
    expect((await post(collector, spans('after'))).status).toBe(200);
    expect(names(collector)).toEqual(['before', 'after']);
  });

  it.each(['connection', 'headers', 'body'] as const)('a cut at the %s', async (when) => {
    const collector = await start();
    await collector.fault({ kind: 'cut', when, times: 1 });
    await fails(collector);
    expect((await post(collector, spans('a'))).status).toBe(200);
    expect(names(collector)).toEqual(['a']);
    expect(collector.stats()).toMatchObject({ requests: 2, accepted: 1, unanswered: 1 });
  });

  it('a cut of a connection that was kept alive', async () => {
    const collector = await start();
    await post(collector, spans('a'));
    await collector.fault({ kind: 'cut', when: 'connection', times: 1 });
    await fails(collector);
    expect((await post(collector, spans('b'))).status).toBe(200);
    expect(names(collector)).toEqual(['a', 'b']);
  });

  it('a cut in the middle of the answer, once the request has been accepted', async () => {
    const collector = await start();
    await collector.fault({ kind: 'cut', when: 'answer', times: 1 });
    const answer = await post(collector, spans('a'));
    expect(answer.status).toBe(200);
    await expect(answer.arrayBuffer()).rejects.toThrow();
    expect(names(collector)).toEqual(['a']);
  });

  it('garbage for an answer', async () => {
    const collector = await start();
    const { ExportTraceServiceResponse } = official.trace.v1;
    await collector.fault([
      { kind: 'garbage', times: 2 },
      { kind: 'garbage', body: 'hello', times: 1 },
    ]);
    const protobuf = await bytesOf(await post(collector, spans('a')));
    expect(() => ExportTraceServiceResponse.decode(protobuf)).toThrow();
    const json = await post(collector, jsonSpans('b'), { type: 'application/json' });
    expect(json.status).toBe(200);
    await expect(json.json()).rejects.toThrow();
    expect(await (await post(collector, spans('c'))).text()).toBe('hello');
    expect(names(collector)).toEqual(['a', 'b', 'c']);
  });

  it('an answer that is too large, also compressed', async () => {
    const collector = await start();
    await collector.fault([
      { kind: 'oversized', sizeBytes: 300_000, times: 1 },
      { kind: 'oversized', sizeBytes: 300_000, contentEncoding: 'gzip', times: 1 },
    ]);
    const plain = await post(collector, spans('a'));
    expect(plain.headers.get('content-length')).toBeNull();
    const { partialSuccess } = official.trace.v1.ExportTraceServiceResponse.decode(
      await bytesOf(plain),
    );
    expect(partialSuccess.errorMessage).toHaveLength(300_000);
    const wire = await new Promise<Buffer>((resolve, reject) => {
      const headers = { 'content-type': 'application/x-protobuf' };
      httpRequest(`${collector.url}/v1/traces`, { method: 'POST', headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () => resolve(Buffer.concat(chunks)));
      })
        .on('error', reject)
        .end(spans('b'));
    });
    expect(wire.length).toBeLessThan(2000);
    expect(gunzipSync(wire).length).toBeGreaterThan(300_000);
  });

  it('no answer at all', async () => {
    const collector = await start();
    await collector.fault({ kind: 'hang', times: 1 });
    const aborted = new AbortController();
    const answer = fetch(`${collector.url}/v1/traces`, {
      ...{ method: 'POST', body: spans('a') as BodyInit, signal: aborted.signal },
      headers: { 'content-type': 'application/x-protobuf' },
    }).catch((error) => error.name);
    await collector.waitFor({ requests: 1 });
    expect(collector.stats()).toMatchObject({ unanswered: 1, spans: 0 });
    aborted.abort();
    expect(await answer).toBe('AbortError');
  });

  it('does not outlive the collector', async () => {
    const collector = await start();
    await collector.fault({ kind: 'delay', delayMs: 3_600_000 });
    const lost = fails(collector);
    // The body has been read before the delay begins; closing must not wait for its end.
    await new Promise((resolve) => setImmediate(resolve));
    await collector.close();
    await lost;
  });

  it.each<[Fault | Fault[], RegExp]>([
    [[{ kind: 'hang' }, { kind: 'hang' }], /fault 0 \(hang\): would never end/],
    [{ kind: 'hang', times: 0 }, /times must be a whole number above 0, got 0/],
    [{ kind: 'refuse', times: 1 }, /closed port sees no requests/],
    [{ kind: 'delay' }, /needs delayMs/],
    [{ kind: 'status', status: 99 }, /got 99/],
  ])('refuses nonsense: %j', async (fault, message) => {
    const collector = await start();
    const error = await collector.fault(fault).catch((e) => e);
    expect(isOtlpError(error) && error.code).toBe('invalid_option');
    expect(error.message).toMatch(message);
  });
});

describe('pages of other origins', () => {
  const preflight = (collector: Collector, origin: string) =>
    fetch(`${collector.url}/v1/traces`, {
      method: 'OPTIONS',
      headers: {
        ...{ origin, 'access-control-request-method': 'POST' },
        'access-control-request-headers': 'content-encoding,content-type',
      },
    });

  it('may post when they are allowed to', async () => {
    const collector = await start({ allowedOrigins: ['http://localhost:3000'] });
    const asked = await preflight(collector, 'http://localhost:3000');
    expect(asked.status).toBe(204);
    expect(asked.headers.get('access-control-allow-origin')).toBe('http://localhost:3000');
    expect(asked.headers.get('access-control-allow-headers')).toBe('content-encoding,content-type');
    const posted = await post(collector, spans('a'), {
      headers: { origin: 'http://localhost:3000' },
    });
    expect(posted.headers.get('access-control-allow-origin')).toBe('http://localhost:3000');
    const other = await preflight(collector, 'http://localhost:4000');
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('may not by default', async () => {
    const collector = await start();
    const asked = await preflight(collector, 'http://localhost:3000');
    expect(asked.headers.get('access-control-allow-origin')).toBeNull();
    expect(collector.stats().requests).toBe(0);
  });
});

describe('listening', () => {
  it('says so when the port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    const error = await startCollector({ port }).catch((e) => e);
    taken.close();
    expect(isOtlpError(error) && error.code).toBe('listen_failed');
    expect(error.message).toMatch(`port ${port} on 127.0.0.1 is in use`);
  });

  it('says so when the host is not of this machine', async () => {
    const error = await startCollector({ host: '192.0.2.1', port: 0 }).catch((e) => e);
    expect(error.message).toMatch('192.0.2.1 is no address of this machine');
  });
});

it('tells about each request as it comes', async () => {
  const seen: unknown[] = [];
  const collector = await start({
    onRequest: (request, received) =>
      seen.push([request.status, received.spans.map((s) => s.name)]),
  });
  await post(collector, spans('a'));
  await post(collector, 'x', { type: 'text/plain' });
  expect(seen).toEqual([
    [200, ['a']],
    [415, []],
  ]);
});
