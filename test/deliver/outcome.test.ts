import { describe, expect, it } from 'vitest';
import { endpointOf, signalPath, socketPathOf } from '../../src/deliver/endpoint.ts';
import {
  type HttpAnswer,
  LASTING_ERROR,
  outcomeOf,
  oversized,
  retryAfterMs,
  shown,
} from '../../src/deliver/outcome.ts';
import { type Encoding, SIGNALS } from '../../src/deliver/transport.ts';

const NOW = Date.UTC(2026, 8, 1, 12, 0, 0);
const PLAIN = { encoding: 'identity' } as const;
const text = (value: string) => new TextEncoder().encode(value);

function answer(status: number, rest: Partial<HttpAnswer> = {}): HttpAnswer {
  const empty = { contentType: '', retryAfter: '', body: new Uint8Array(0), unixMs: NOW };
  return { status, ...empty, ...rest };
}

describe('outcomeOf', () => {
  it.each([200, 201, 202, 204, 299])('%d with an empty body is delivered', (status) => {
    expect(outcomeOf(answer(status), PLAIN, [])).toEqual({ kind: 'delivered' });
  });

  it('reads a partial success', () => {
    const body = text('{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}');
    const contentType = 'application/json';
    expect(outcomeOf(answer(200, { body, contentType }), PLAIN, [])).toEqual({
      kind: 'partial',
      rejected: 2,
      message: 'too old',
    });
  });

  it('takes a message without rejected records for a warning', () => {
    const body = text('{"partialSuccess":{"errorMessage":"use v2"}}');
    const contentType = 'application/json';
    expect(outcomeOf(answer(200, { body, contentType }), PLAIN, [])).toEqual({
      kind: 'delivered',
      warning: 'use v2',
    });
  });

  it('takes an unreadable answer to an accepted request for a warning', () => {
    for (const [contentType, body] of [
      ['text/html', text('<html>')],
      ['application/x-protobuf', text('<html>')],
      ['', text('ok')],
      ['application/json', text('{')],
      ['application/x-protobuf', undefined],
    ] as const) {
      expect(outcomeOf(answer(200, { contentType, body }), PLAIN, [])).toEqual({
        kind: 'delivered',
        warning: expect.stringContaining('HTTP 200'),
      });
    }
  });

  it.each([429, 502, 503, 504])('%d is worth a retry', (status) => {
    expect(outcomeOf(answer(status), PLAIN, [])).toEqual({
      kind: 'retryable',
      reason: `HTTP ${status}`,
    });
    expect(outcomeOf(answer(status, { retryAfter: '7' }), PLAIN, [])).toEqual({
      kind: 'retryable',
      reason: `HTTP ${status}`,
      delayMs: 7000,
    });
  });

  it('is refused for good with every other status', () => {
    const retryable = [429, 502, 503, 504];
    for (let status = 100; status < 600; status++) {
      if (status >= 200 && status < 300) continue;
      const outcome = outcomeOf(answer(status, { retryAfter: '1' }), PLAIN, []);
      expect(outcome.kind).toBe(retryable.includes(status) ? 'retryable' : 'rejected');
      if (outcome.kind === 'rejected') expect(outcome.status).toBe(status);
    }
  });

  it('is worth a retry with the statuses that are said to be, among those that refuse', () => {
    const kinds = [200, 302, 404, 429, 500, 503].map(
      (status) => outcomeOf(answer(status), PLAIN, [], [200, 302, 404, 500]).kind,
    );
    expect(kinds).toEqual([
      ...['delivered', 'rejected', 'retryable'],
      ...['rejected', 'retryable', 'rejected'],
    ]);
  });

  it('waits until the date that a server names', () => {
    const retryAfter = 'Tue, 01 Sep 2026 12:00:30 GMT';
    expect(outcomeOf(answer(503, { retryAfter }), PLAIN, [])).toMatchObject({ delayMs: 30_000 });
  });

  it('knows what may help where a payload is refused', () => {
    const remedies = (encoding: Encoding, retryable?: number[]) =>
      [400, 401, 413, 415, 422, 503].map((status) => {
        const outcome = outcomeOf(answer(status), { encoding }, [], retryable);
        return outcome.kind === 'rejected' ? outcome.remedy : outcome.kind;
      });
    const none = undefined;
    expect(remedies('identity')).toEqual([none, none, 'split', none, none, 'retryable']);
    const plain = 'recode';
    expect(remedies('gzip')).toEqual([plain, none, 'split', plain, none, 'retryable']);
    expect(remedies('zstd', [415])).toEqual([plain, none, 'split', 'retryable', none, none]);
  });

  it.each([
    // google.rpc.Status: code INVALID_ARGUMENT, message
    ['application/x-protobuf', '\x08\x03\x12\x1chttp: request body too large'],
    ['application/json', '{"code":3,"message":"http: request body too large"}'],
    ['text/plain; charset=utf-8', 'http: request body too large\n'],
  ])('takes a 400 for too large where it says so: %s', (contentType, said) => {
    const remedy = (body: string, encoding: Encoding) =>
      outcomeOf(answer(400, { contentType, body: text(body) }), { encoding }, []);
    for (const encoding of ['identity', 'gzip', 'zstd'] as const) {
      expect(remedy(said, encoding)).toMatchObject({ kind: 'rejected', remedy: 'split' });
    }
    const snappy = said.replace(
      'http: request body too large',
      'snappy: decoded size exceeds max request body size',
    );
    if (!contentType.endsWith('protobuf')) {
      expect(remedy(snappy, 'snappy')).toMatchObject({ kind: 'rejected', remedy: 'split' });
    }
    const other = said.replace('body too large', 'head too large');
    expect(remedy(other, 'identity')).not.toHaveProperty('remedy');
    expect(remedy(other, 'gzip')).toMatchObject({ remedy: 'recode' });
  });

  it('takes a 400 for a 415 where it says so', () => {
    const body = text('unsupported Content-Encoding: lz4');
    const outcome = outcomeOf(
      answer(400, { contentType: 'text/plain', body }),
      { encoding: 'lz4' },
      [],
    );
    expect(outcome).toMatchObject({ kind: 'rejected', status: 415, remedy: 'recode' });
    expect((outcome as { reason: string }).reason).toContain('HTTP 400');
  });

  it('says why in the words of the server', () => {
    const status = { contentType: 'application/json', body: text('{"message":"no such tenant"}') };
    const plain = { contentType: 'text/plain; charset=utf-8', body: text('token\nexpired\n') };
    expect(outcomeOf(answer(400, status), PLAIN, [])).toMatchObject({
      reason: 'HTTP 400: no such tenant',
    });
    expect(outcomeOf(answer(401, plain), PLAIN, [])).toMatchObject({
      reason: 'HTTP 401: token expired',
    });
    const html = { contentType: 'text/html', body: text('<h1>Bad gateway</h1>') };
    expect(outcomeOf(answer(502, html), PLAIN, [])).toMatchObject({ reason: 'HTTP 502' });
  });

  it('does not repeat a secret the server quotes', () => {
    const body = text('{"message":"key s3cr3t-key is unknown"}');
    const quoted = answer(403, { contentType: 'application/json', body });
    expect(outcomeOf(quoted, PLAIN, ['s3cr3t-key'])).toMatchObject({
      reason: 'HTTP 403: key *** is unknown',
    });
  });

  it('refuses an answer that is too large, whatever its status', () => {
    expect(oversized(503, 10)).toMatchObject({ kind: 'rejected', status: 503 });
  });
});

describe('retryAfterMs', () => {
  it.each([
    ['0', 0],
    ['120', 120_000],
    [' 3 ', 3000],
    ['3600', 3_600_000],
    ['3601', 3_600_000],
    ['99999999999999999999999', 3_600_000],
    ['Tue, 01 Sep 2026 12:00:30 GMT', 30_000],
    ['Tuesday, 01-Sep-26 12:00:30 GMT', 30_000],
    ['Tue Sep  1 12:00:30 2026', 30_000],
    ['Tue, 01 Sep 2026 12:00:00 GMT', 0],
    ['Wed, 21 Oct 2015 07:28:00 GMT', 0],
    ['Wed, 21 Oct 2215 07:28:00 GMT', 3_600_000],
  ])('%s', (value, expected) => {
    expect(retryAfterMs(value, NOW)).toBe(expected);
  });

  it.each(['', 'soon', '-1', '1.5', '1e3', '0x10', 'Tue, nonsense', '12 s'])(
    'ignores "%s"',
    (value) => {
      expect(retryAfterMs(value, NOW)).toBeUndefined();
    },
  );
});

describe('shown', () => {
  it('removes what could forge lines or hide text', () => {
    const dirty = 'a\u0000b\r\nc\u001b[31md\u202ee\u2028f\u0085g';
    expect(shown(dirty, [])).toBe('a b c [31md e f g');
  });

  it('bounds the length', () => {
    expect(shown('x'.repeat(10_000), [])).toHaveLength(300);
  });
});

describe('endpointOf', () => {
  const options = { userAgent: 'ua/1', timeoutMs: 1, maxConnections: 1, maxResponseBytes: 1 };

  it('turns URL credentials into a header', () => {
    const url = 'https://jo%3A:p%C3%A4ss@collector.example/v1/traces?x=1';
    const endpoint = endpointOf({ ...options, url, headers: {} });
    expect(endpoint.url.href).toBe('https://collector.example/v1/traces?x=1');
    const basic = Buffer.from('jo::päss').toString('base64');
    expect(endpoint.headers['authorization']).toBe(`Basic ${basic}`);
    expect(endpoint.secrets).toContain(basic);
  });

  it('prefers a configured Authorization', () => {
    const headers = { Authorization: 'Bearer token-1' };
    const endpoint = endpointOf({ ...options, url: 'http://a:b@c/', headers });
    expect(endpoint.headers['authorization']).toBe('Bearer token-1');
  });

  it('knows what is secret: values, tokens without their scheme, query values', () => {
    const headers = { Authorization: 'Bearer token-1', 'x-api-key': 'key-22' };
    const endpoint = endpointOf({ ...options, url: 'http://c/?api_key=query-3', headers });
    for (const secret of ['Bearer token-1', 'token-1', 'key-22', 'query-3']) {
      expect(endpoint.secrets).toContain(secret);
    }
    expect(endpoint.secrets).not.toContain('ua/1');
  });

  it('drops configured headers that would contradict the request, and an empty user agent', () => {
    const headers = { 'Content-Encoding': 'br', 'CONTENT-TYPE': 'x/y', 'Content-Length': '3' };
    const endpoint = endpointOf({ ...options, userAgent: '', url: 'http://c/', headers });
    expect(endpoint.headers).toEqual({});
  });
});

describe('endpoints that are Unix sockets', () => {
  it.each([
    ['unix:///run/otel.sock', '/run/otel.sock'],
    ['unix:/run/otel.sock', '/run/otel.sock'],
    ['unix:///run/with%20space.sock', '/run/with space.sock'],
    ['http://localhost/run/otel.sock', undefined],
  ])('%s', (url, path) => expect(socketPathOf(new URL(url))).toBe(path));

  it('are sent each signal under its own path', () => {
    expect(SIGNALS.map(signalPath)).toEqual([
      ...['/v1/traces', '/v1/metrics', '/v1/logs', '/v1development/profiles'],
    ]);
  });
});

describe('LASTING_ERROR', () => {
  it.each([
    'ECONNREFUSED',
    'ECONNRESET',
    'EPIPE',
    'ETIMEDOUT',
    'ENOTFOUND',
    'EAI_AGAIN',
    'ENETUNREACH',
    'EHOSTUNREACH',
    'CERT_HAS_EXPIRED',
    'HPE_INVALID_EOF_STATE',
    'EPROXY',
    '',
  ])('%s may pass', (code) => expect(LASTING_ERROR.test(code)).toBe(false));

  it.each([
    'ERR_INVALID_CHAR',
    'ERR_UNESCAPED_CHARACTERS',
    'HPE_INVALID_CONSTANT',
    'ERR_HTTP_PROXY_REFUSED',
  ])('%s will not', (code) => expect(LASTING_ERROR.test(code)).toBe(true));
});
