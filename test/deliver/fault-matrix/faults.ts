/** The table: what a server does, in each protocol it can do it in, and what that means for a batch. */

import diagnostics from 'node:diagnostics_channel';
import { constants } from 'node:http2';
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { GRPC_CODES } from '../../../src/deliver/grpc-outcome.ts';
import {
  type Answer,
  answered,
  framed,
  retryInfo,
  trailersOnly,
} from '../../support/grpc-server.ts';
import { SECRETS } from './client.ts';
import type { ConnectionStep, GrpcStep, HttpAttempt, HttpStep, Protocol } from './servers.ts';

/** What one attempt comes to. Texts are those of `reason`, `warning` or `message`. */
export type Verdict =
  | { readonly kind: 'delivered'; readonly text?: RegExp }
  | { readonly kind: 'partial'; readonly text: RegExp; readonly rejected: number }
  | { readonly kind: 'rejected'; readonly text: RegExp }
  | {
      readonly kind: 'retryable';
      readonly text: RegExp;
      readonly delayMs?: number;
      readonly atOnce?: boolean;
    };

const delivered: Verdict = { kind: 'delivered' };
const warned = (text: RegExp): Verdict => ({ kind: 'delivered', text });
const partial = (rejected: number): Verdict => ({ kind: 'partial', rejected, text: /too old/ });
const refused = (text: RegExp): Verdict => ({ kind: 'rejected', text });
const again = (text: RegExp, more: { delayMs?: number; atOnce?: boolean } = {}): Verdict => ({
  kind: 'retryable',
  text,
  ...more,
});

type Format = 'http/protobuf' | 'http/json';

export interface Fault {
  readonly fault: string;
  readonly http?: readonly [HttpStep | ((format: Format) => HttpStep), Verdict];
  /** The format of the answer makes a difference: in JSON, too. */
  readonly json?: true;
  readonly grpc?: readonly [GrpcStep, Verdict];
  /** One attempt shows all that is different from another row. */
  readonly once?: true;
  /** The server stalls; the attempt ends when its time limit does. */
  readonly timesOut?: true;
  /** Text per span, bytes, where the request must be larger than what a connection buffers. */
  readonly textBytes?: number;
}

/** Servers and proxies quote what they were sent, at length, and with characters that move the cursor. */
const quoting = (...sent: readonly string[]) =>
  `too old: ${sent.join(' ')} \u001b[2J\u202e\r\n${'x'.repeat(500)}`;
const QUOTE = quoting(SECRETS.key, SECRETS.password, SECRETS.query);
/** A call has no query. */
const GRPC_QUOTE = quoting(SECRETS.key, SECRETS.password);

/** A moment at which the transport takes the wall clock to stand, for dates. */
export const WALL_CLOCK = Date.UTC(2026, 10, 7, 8, 49, 37);
const at = (offsetMs: number) => new Date(WALL_CLOCK + offsetMs);

/** The three forms of an HTTP-date (RFC 9110 §5.6.7). */
export const DATE_FORMS = {
  'IMF-fixdate': (offsetMs: number) => at(offsetMs).toUTCString(),
  'RFC 850': (offsetMs: number) => {
    const [, day, month, year, time] = at(offsetMs).toUTCString().split(/,? /);
    const name = at(offsetMs).toLocaleDateString('en', { weekday: 'long', timeZone: 'UTC' });
    return `${name}, ${day}-${month}-${year!.slice(2)} ${time} GMT`;
  },
  asctime: (offsetMs: number) => {
    const [weekday, day, month, year, time] = at(offsetMs).toUTCString().split(/,? /);
    return `${weekday} ${month} ${String(Number(day)).padStart(2)} ${time} ${year}`;
  },
};

// ---- Bodies

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}

const text = (tag: number, value: string) => {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([tag, ...varint(bytes.length)]), bytes]);
};

/** google.rpc.Status { code, message } */
function statusBody(format: Format): Buffer {
  if (format === 'http/json') return Buffer.from(JSON.stringify({ code: 3, message: QUOTE }));
  return Buffer.concat([Buffer.from([0x08, 3]), text(0x12, QUOTE)]);
}

/** ExportTraceServiceResponse { partial_success { rejected_spans, error_message } } */
function partialBody(format: Protocol, rejected: number): Buffer {
  if (format === 'http/json') {
    const partialSuccess = { rejectedSpans: String(rejected), errorMessage: QUOTE };
    return Buffer.from(JSON.stringify({ partialSuccess }));
  }
  const inner = Buffer.concat([
    Buffer.from([0x08, rejected]),
    text(0x12, format === 'grpc' ? GRPC_QUOTE : QUOTE),
  ]);
  return Buffer.concat([Buffer.from([0x0a, ...varint(inner.length)]), inner]);
}

const TYPES = { 'http/protobuf': 'application/x-protobuf', 'http/json': 'application/json' };

// ---- What an HTTP server does

type Headers = Readonly<Record<string, string>>;

/** Answers in the format of the request; a refusal with a google.rpc.Status unless a body is given. */
export function answer(status: number, headers: Headers = {}, body?: (format: Format) => Buffer) {
  return (format: Format): HttpStep => ({
    at: 'end',
    act({ response }) {
      response.writeHead(status, { 'content-type': TYPES[format], ...headers });
      response.end((body ?? statusBody)(format));
    },
  });
}

/** Answers with a content type of its own, whatever the request's is. */
export function plain(status: number, contentType: string, body: string): HttpStep {
  return {
    at: 'end',
    act({ response }) {
      response.writeHead(status, contentType === '' ? {} : { 'content-type': contentType });
      response.end(body);
    },
  };
}

/** Puts bytes on the connection, and ends it. */
function bytes(all: string): HttpStep {
  return { at: 'end', act: ({ socket }) => void socket.end(all) };
}

const head = (status: number, length: number) =>
  `HTTP/1.1 ${status} X\r\ncontent-type: application/x-protobuf\r\ncontent-length: ${length}\r\nconnection: close\r\n\r\n`;

/** One byte per turn of the event loop. */
async function trickle(socket: Socket, all: string | Buffer): Promise<void> {
  for (const byte of Buffer.from(all as string)) {
    if (socket.destroyed) return;
    socket.write(Uint8Array.of(byte));
    await new Promise((wake) => setImmediate(wake));
  }
}

/** The client has read the head of an answer. */
function headRead(): Promise<void> {
  const channel = 'http.client.response.finish';
  return new Promise((resolve) => {
    const listener = () => {
      diagnostics.unsubscribe(channel, listener);
      setImmediate(resolve);
    };
    diagnostics.subscribe(channel, listener);
  });
}

/** A head, and a body that never comes to its end. */
function unfinished(status: number): HttpStep {
  return {
    at: 'end',
    async act({ socket, stalled }) {
      const read = headRead();
      await Promise.all([trickle(socket, `${head(status, 50)}half of it`), read]);
      stalled();
    },
  };
}

/** Stops to read within the body of a request, and does something then. */
function withinBody(act: (attempt: HttpAttempt) => void): HttpStep {
  return {
    at: 'head',
    act(attempt) {
      attempt.request.once('data', () => {
        attempt.request.pause();
        act(attempt);
      });
    },
  };
}

// ---- What a gRPC server does

/** Answers a call that has been read. */
export function call(act: Answer): GrpcStep {
  return {
    at: 'end',
    act: ({ stream }) => act(stream, { headers: {}, bytes: Buffer.alloc(0), connection: 0 }),
  };
}

/** `grpc-status` and `grpc-message`. */
export const status = (code: number, more: Headers = {}) => ({
  'grpc-status': String(code),
  'grpc-message': encodeURIComponent(GRPC_QUOTE),
  ...more,
});

/** A proxy that knows no gRPC. */
function proxy(httpStatus: number, headers: Headers = {}): GrpcStep {
  return call((stream) => {
    stream.respond({ ':status': httpStatus, 'content-type': 'text/html', ...headers });
    stream.end(`<html>${GRPC_QUOTE}`);
  });
}

const okMessage = (message: Uint8Array, headers: Headers = {}) =>
  call(answered({ 'grpc-status': '0' }, message, headers));

const reset = (code: number): GrpcStep => ({ at: 'end', act: ({ stream }) => stream.close(code) });

const GRPC_HEAD = { ':status': 200, 'content-type': 'application/grpc' };

const RETRYABLE_CODES = new Set([
  'CANCELLED',
  'DEADLINE_EXCEEDED',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNAVAILABLE',
  'DATA_LOSS',
]);

/** SETTINGS, and once a call is on its way a GOAWAY whose last stream is 0. */
const unseen: ConnectionStep = {
  at: 'connection',
  act({ socket }) {
    socket.write(Uint8Array.of(0, 0, 0, 4, 0, 0, 0, 0, 0));
    socket.on('data', () => {
      if (socket.bytesRead < 400 || socket.bytesWritten > 9) return;
      socket.write(Uint8Array.of(0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
    });
  },
};

// ---- What can become of a connection, whatever it was to carry

const connection = (act: (socket: Socket) => void): ConnectionStep => ({
  at: 'connection',
  act: ({ socket }) => act(socket),
});
const closedAtOnce = connection((socket) => socket.end());
const resetAtOnce = connection((socket) => socket.resetAndDestroy());
const silent: ConnectionStep = { at: 'connection', act: ({ stalled }) => stalled() };

const FIVE_MB = Buffer.alloc(5_000_000);
const TIME_OUT = /^no(t connected| answer) within \d+ ms$/;

/** The same with requests that are still being written when it happens: 8 MB do not fit in any buffer. */
const LARGE: readonly Fault[] = [
  {
    fault: 'reset within the body of a large request',
    http: [withinBody(({ socket }) => socket.resetAndDestroy()), again(/ECONNRESET|EPIPE/)],
    grpc: [
      {
        at: 'head',
        act: ({ stream, socket }) => void stream.once('data', () => socket.resetAndDestroy()),
      },
      again(/ECONNRESET|EPIPE|closed/),
    ],
    once: true,
    textBytes: 1_000_000,
  },
  {
    fault: 'a large request that the server stops to read',
    http: [withinBody(({ stalled }) => stalled()), again(TIME_OUT)],
    grpc: [
      {
        at: 'head',
        act({ stream, stalled }) {
          stream.pause();
          stalled();
        },
      },
      again(TIME_OUT),
    ],
    once: true,
    timesOut: true,
    textBytes: 1_000_000,
  },
  {
    fault: 'a refusal before a large request is read, which is never read',
    http: [withinBody(({ socket }) => void socket.write(head(401, 0))), refused(/HTTP 401/)],
    grpc: [
      {
        at: 'head',
        act({ stream }) {
          stream.pause();
          trailersOnly(status(16))(stream, undefined as never);
        },
      },
      refused(/UNAUTHENTICATED/),
    ],
    once: true,
    textBytes: 1_000_000,
  },
];

export const FAULTS: readonly Fault[] = [
  // connections
  {
    fault: 'a connection that is closed at once',
    http: [closedAtOnce, again(/socket hang up|ECONNRESET/)],
    grpc: [closedAtOnce, again(/closed|ECONNRESET/)],
  },
  {
    fault: 'a connection that is reset at once',
    http: [resetAtOnce, again(/ECONNRESET|EPIPE/)],
    grpc: [resetAtOnce, again(/ECONNRESET|EPIPE|closed/)],
  },
  {
    fault: 'a connection on which nothing is ever said',
    http: [silent, again(TIME_OUT)],
    grpc: [silent, again(TIME_OUT)],
    timesOut: true,
  },
  {
    fault: 'another protocol',
    http: [bytes('SSH-2.0-OpenSSH_9\r\n'), refused(/HPE_/)],
    grpc: [connection((socket) => socket.end('SSH-2.0-OpenSSH_9\r\n')), refused(/HTTP\/2/)],
  },

  // requests that are not read to their end
  {
    fault: 'reset within the body of the request',
    http: [withinBody(({ socket }) => socket.resetAndDestroy()), again(/ECONNRESET|EPIPE/)],
    grpc: [
      {
        at: 'head',
        act: ({ stream, socket }) => void stream.once('data', () => socket.resetAndDestroy()),
      },
      again(/ECONNRESET|EPIPE|closed/),
    ],
    textBytes: 30_000,
  },
  {
    fault: 'closed within the body of the request',
    http: [withinBody(({ socket }) => socket.destroy()), again(/ECONNRESET|EPIPE|hang up/)],
    grpc: [
      { at: 'head', act: ({ stream, socket }) => void stream.once('data', () => socket.destroy()) },
      again(/ECONNRESET|EPIPE|closed/),
    ],
    textBytes: 30_000,
  },
  {
    fault: 'a refusal before the request is read, which is never read',
    http: [withinBody(({ socket }) => void socket.write(head(401, 0))), refused(/HTTP 401/)],
    grpc: [
      { at: 'head', act: ({ stream }) => trailersOnly(status(16))(stream, undefined as never) },
      refused(/UNAUTHENTICATED/),
    ],
    textBytes: 30_000,
  },

  ...LARGE,

  // requests that are not answered
  {
    fault: 'a request that is read and never answered',
    http: [{ at: 'end', act: ({ stalled }) => stalled() }, again(TIME_OUT)],
    grpc: [{ at: 'end', act: ({ stalled }) => stalled() }, again(TIME_OUT)],
    timesOut: true,
  },
  {
    fault: 'reset instead of an answer',
    http: [{ at: 'end', act: ({ socket }) => socket.resetAndDestroy() }, again(/ECONNRESET/)],
    grpc: [
      { at: 'end', act: ({ socket }) => socket.resetAndDestroy() },
      again(/ECONNRESET|closed/),
    ],
  },
  {
    fault: 'closed instead of an answer',
    http: [{ at: 'end', act: ({ socket }) => socket.end() }, again(/hang up|ECONNRESET/)],
    grpc: [{ at: 'end', act: ({ socket }) => socket.end() }, again(/closed/)],
  },

  // answers that come byte by byte
  {
    fault: 'an answer byte by byte, to its end',
    http: [{ at: 'end', act: ({ socket }) => void trickle(socket, head(200, 0)) }, delivered],
    grpc: [
      call(async (stream) => {
        stream.respond(GRPC_HEAD, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        for (const byte of framed(Buffer.alloc(0))) {
          stream.write(Uint8Array.of(byte));
          await new Promise((wake) => setImmediate(wake));
        }
        stream.end();
      }),
      delivered,
    ],
  },
  {
    fault: 'an answer byte by byte, its head unfinished in time',
    http: [
      {
        at: 'end',
        act: ({ socket, stalled }) => void trickle(socket, head(200, 0).slice(0, -4)).then(stalled),
      },
      again(TIME_OUT),
    ],
    timesOut: true,
  },
  {
    fault: 'an answer byte by byte, unfinished in time, which accepts the request',
    http: [unfinished(200), warned(/HTTP 200 with an answer that broke off/)],
    timesOut: true,
  },
  {
    fault: 'an answer byte by byte, unfinished in time, which is worth another attempt',
    http: [unfinished(503), again(/HTTP 503/)],
    timesOut: true,
  },
  {
    fault: 'an answer byte by byte, unfinished in time, which refuses the request',
    http: [unfinished(401), refused(/HTTP 401/)],
    timesOut: true,
  },
  {
    fault: 'an answer byte by byte, without a status in time',
    grpc: [
      {
        at: 'end',
        async act({ stream, stalled }) {
          stream.respond(GRPC_HEAD);
          for (const byte of framed(partialBody('grpc', 3)).subarray(0, 100)) {
            stream.write(Uint8Array.of(byte));
            await new Promise((wake) => setImmediate(wake));
          }
          stalled();
        },
      },
      again(TIME_OUT),
    ],
    timesOut: true,
  },

  // refusals
  ...[401, 403, 404, 405, 408, 500, 501, 505, 302].map((code): Fault => {
    const named: Readonly<Record<number, RegExp>> = {
      401: /HTTP 401/,
      403: /HTTP 403/,
      404: /HTTP 404/,
    };
    return {
      fault: String(code),
      json: true,
      http: [
        answer(code, { location: '/elsewhere' }),
        refused(new RegExp(`^HTTP ${code}: too old`)),
      ],
      grpc: [proxy(code), refused(named[code] ?? new RegExp(`HTTP ${code} with "text/html"`))],
    };
  }),
  {
    fault: '400 to what is not compressed',
    json: true,
    http: [answer(400), refused(/^HTTP 400: too old/)],
    grpc: [proxy(400), refused(/HTTP 400 with "text\/html"/)],
  },
  {
    fault: '415 to what is not compressed',
    http: [answer(415), refused(/^HTTP 415: too old/)],
    grpc: [proxy(415), refused(/HTTP 415 with "text\/html"/)],
  },
  {
    fault: '401 of a proxy, in plain text',
    http: [plain(401, 'text/plain', QUOTE), refused(/^HTTP 401: too old/)],
  },
  {
    fault: '500 with a Retry-After',
    http: [answer(500, { 'retry-after': '1' }), refused(/HTTP 500/)],
    grpc: [proxy(500, { 'retry-after': '1' }), refused(/HTTP 500/)],
  },

  // answers worth another attempt
  ...[429, 502, 503, 504].map(
    (code): Fault => ({
      fault: String(code),
      json: true,
      http: [answer(code), again(new RegExp(`^HTTP ${code}: too old`))],
      grpc: [proxy(code), again(new RegExp(`^HTTP ${code} with`))],
    }),
  ),
  ...[429, 503].flatMap((code): Fault[] => [
    {
      fault: `${code} with Retry-After: 0`,
      http: [answer(code, { 'retry-after': '0' }), again(/^HTTP/, { delayMs: 0 })],
      grpc: [proxy(code, { 'retry-after': '0' }), again(/^HTTP/, { delayMs: 0 })],
    },
    ...Object.entries(DATE_FORMS).map(
      ([form, date]): Fault => ({
        fault: `${code} with a Retry-After in the past, ${form}`,
        once: true,
        http: [answer(code, { 'retry-after': date(-5000) }), again(/^HTTP/, { delayMs: 0 })],
        grpc: [proxy(code, { 'retry-after': date(-5000) }), again(/^HTTP/, { delayMs: 0 })],
      }),
    ),
    ...['-1', '1.5', 'soon', '2026-11-07T08:49:40Z', ''].map(
      (nonsense): Fault => ({
        fault: `${code} with Retry-After: ${nonsense || '(nothing)'}`,
        once: true,
        http: [answer(code, { 'retry-after': nonsense }), again(/^HTTP/)],
        grpc: [proxy(code, { 'retry-after': nonsense }), again(/^HTTP/)],
      }),
    ),
  ]),
  {
    fault: '503 that breaks off',
    http: [bytes(`${head(503, 50)}half`), again(/^HTTP 503$/)],
  },

  // what is accepted, in part or strangely
  {
    fault: 'partial success',
    json: true,
    http: [answer(200, {}, (format) => partialBody(format, 3)), partial(3)],
    grpc: [okMessage(framed(partialBody('grpc', 3))), partial(3)],
  },
  {
    fault: 'partial success, compressed',
    grpc: [
      okMessage(framed(gzipSync(partialBody('grpc', 3)), true), {
        'grpc-encoding': 'gzip',
      }),
      partial(3),
    ],
  },
  {
    fault: 'partial success that rejects nothing: a warning',
    json: true,
    http: [answer(200, {}, (format) => partialBody(format, 0)), warned(/too old/)],
    grpc: [okMessage(framed(partialBody('grpc', 0))), warned(/too old/)],
  },
  {
    fault: 'partial success that rejects more than was sent',
    json: true,
    http: [answer(200, {}, (format) => partialBody(format, 100)), partial(100)],
    grpc: [okMessage(framed(partialBody('grpc', 100))), partial(100)],
  },
  {
    fault: '202 without a body',
    json: true,
    http: [answer(202, {}, () => Buffer.alloc(0)), delivered],
  },
  {
    fault: 'garbage',
    json: true,
    http: [answer(200, {}, () => Buffer.from('<html>')), warned(/HTTP 200 with "application/)],
    grpc: [okMessage(framed(Buffer.from('<html>'))), warned(/no OTLP answer/)],
  },
  {
    fault: 'garbage that says it is compressed',
    json: true,
    http: [answer(200, { 'content-encoding': 'gzip' }, () => gzipSync('x')), warned(/HTTP 200/)],
    grpc: [
      okMessage(framed(Buffer.from('nope'), true), { 'grpc-encoding': 'gzip' }),
      warned(/no OTLP answer/),
    ],
  },
  {
    fault: 'the wrong content type',
    http: [plain(200, 'text/html', `<html>${QUOTE}`), warned(/HTTP 200 with "text\/html"/)],
    grpc: [proxy(200), refused(/HTTP 200 with "text\/html" and no grpc-status/)],
  },
  {
    fault: 'no content type',
    http: [plain(200, '', 'fine'), warned(/HTTP 200 with no content type/)],
    grpc: [
      call((stream) => stream.respond({ ':status': 200 }, { endStream: true })),
      refused(/HTTP 200 with no content type/),
    ],
  },
  {
    fault: 'an answer that breaks off',
    http: [bytes(`${head(200, 50)}half`), warned(/HTTP 200 with an answer that broke off/)],
    grpc: [okMessage(framed(partialBody('grpc', 3)).subarray(0, 8)), warned(/no OTLP/)],
  },
  {
    fault: 'no message',
    grpc: [call(trailersOnly({ 'grpc-status': '0' })), warned(/no OTLP answer/)],
  },

  // answers of 5 MB: never sent again, whatever they say
  {
    fault: '200 with 5 MB',
    http: [answer(200, {}, () => FIVE_MB), refused(/HTTP 200.*larger than 4194304 bytes/)],
    grpc: [okMessage(framed(FIVE_MB)), refused(/larger than 4194304 bytes/)],
  },
  {
    fault: '503 with 5 MB',
    http: [answer(503, {}, () => FIVE_MB), refused(/HTTP 503.*larger than 4194304 bytes/)],
  },
  {
    fault: '5 MB, compressed',
    grpc: [
      okMessage(framed(gzipSync(FIVE_MB), true), { 'grpc-encoding': 'gzip' }),
      refused(/larger than 4194304 bytes/),
    ],
  },

  // gRPC: status codes
  ...GRPC_CODES.flatMap((name, code): Fault[] => {
    if (code === 0) return [];
    const expected = new RegExp(`^gRPC ${name}: too old`);
    const verdict = RETRYABLE_CODES.has(name) ? again : refused;
    const details = { 'grpc-status-details-bin': retryInfo(0, 2_000_000) };
    const asked = { delayMs: 2 };
    const heeded = RETRYABLE_CODES.has(name) || name === 'RESOURCE_EXHAUSTED';
    return [
      { fault: name, grpc: [call(answered(status(code))), verdict(expected)] },
      {
        fault: `${name}, trailers only`,
        once: true,
        grpc: [call(trailersOnly(status(code))), verdict(expected)],
      },
      {
        fault: `${name} with RetryInfo`,
        grpc: [
          call(answered(status(code, details))),
          heeded ? again(expected, asked) : refused(expected),
        ],
      },
      {
        fault: `${name} with RetryInfo, trailers only`,
        once: true,
        grpc: [
          call(trailersOnly(status(code, details))),
          heeded ? again(expected, asked) : refused(expected),
        ],
      },
    ];
  }),
  {
    fault: 'a code that is not known',
    grpc: [call(trailersOnly(status(17))), refused(/^gRPC UNKNOWN: too old/)],
  },
  {
    fault: 'no status',
    grpc: [call(answered({})), refused(/no grpc-status/)],
  },

  // gRPC: what becomes of streams and connections
  ...(
    [
      'NO_ERROR',
      'PROTOCOL_ERROR',
      'INTERNAL_ERROR',
      'FLOW_CONTROL_ERROR',
      'SETTINGS_TIMEOUT',
      'STREAM_CLOSED',
      'FRAME_SIZE_ERROR',
      'CANCEL',
      'COMPRESSION_ERROR',
      'CONNECT_ERROR',
      'ENHANCE_YOUR_CALM',
    ] as const
  ).map(
    (name): Fault => ({
      fault: `RST_STREAM ${name}`,
      grpc: [reset(constants[`NGHTTP2_${name}`]), again(/stream/i)],
    }),
  ),
  {
    fault: 'RST_STREAM REFUSED_STREAM: it has not been processed',
    grpc: [reset(constants.NGHTTP2_REFUSED_STREAM), again(/REFUSED/, { atOnce: true })],
  },
  ...(['INADEQUATE_SECURITY', 'HTTP_1_1_REQUIRED'] as const).map(
    (name): Fault => ({
      fault: `RST_STREAM ${name}`,
      grpc: [reset(constants[`NGHTTP2_${name}`]), refused(new RegExp(name))],
    }),
  ),
  {
    fault: 'RST_STREAM within the message',
    grpc: [
      call((stream) => {
        stream.respond(GRPC_HEAD);
        stream.write(framed(partialBody('grpc', 3)).subarray(0, 6), () =>
          stream.destroy(new Error('broken')),
        );
      }),
      again(/INTERNAL_ERROR/),
    ],
  },
  {
    fault: 'GOAWAY that lets what is on its way be answered',
    grpc: [
      {
        at: 'end',
        act({ stream, session }) {
          session.close();
          answered({ 'grpc-status': '0' })(stream, undefined as never);
        },
      },
      delivered,
    ],
  },
  {
    fault: 'GOAWAY that says the call was not seen',
    grpc: [unseen, again(/./, { atOnce: true })],
  },
  {
    fault: 'GOAWAY ENHANCE_YOUR_CALM, and the connection is closed',
    grpc: [
      {
        at: 'end',
        act({ session, stream }) {
          session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, stream.id);
          session.destroy();
        },
      },
      again(/./),
    ],
  },
  {
    fault: 'GOAWAY INTERNAL_ERROR, and the connection is closed',
    grpc: [
      {
        at: 'end',
        act({ session, stream }) {
          session.goaway(constants.NGHTTP2_INTERNAL_ERROR, stream.id);
          session.destroy();
        },
      },
      again(/./),
    ],
  },
];
