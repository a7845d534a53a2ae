// What the official Collector does besides accepting: it refuses what is too large or compressed, is
// short of memory, fails with what it hands on to, ends connections, stands still, is killed and comes
// back. Nothing may be lost, and `health()` has to say so.

import { setTimeout as sleep } from 'node:timers/promises';
import { start } from 'otlp-wasm';
import { complaints, record, SCOPE } from './spans.mjs';

const KIB = 1024;
const MIB = 1024 * KIB;
const PATIENCE_MS = 60_000;

/** Waits as short as the suite wants to be; the rules are those of the defaults. */
const RETRY = { initialMs: 50, maxMs: 500 };

/** Spans of a load in all at most: the embedded collector keeps 100 000. */
const MAX_LOAD = 60_000;

function open(otelcol, { protocol, compression, ...options }) {
  const endpoint = otelcol.url[protocol === 'grpc' ? 'grpc' : 'http'];
  const telemetry = start({
    ...{ serviceName: 'shop', endpoint, protocol, compression, detectors: [] },
    ...{ queue: { retry: RETRY }, ...options },
  });
  const { name, version, schemaUrl } = SCOPE;
  return { telemetry, tracer: telemetry.tracerProvider.getTracer(name, version, { schemaUrl }) };
}

async function until(condition, what) {
  for (const end = Date.now() + PATIENCE_MS; !condition(); await sleep(10)) {
    if (Date.now() > end) throw new Error(`not within ${PATIENCE_MS / 1000} s: ${what}`);
  }
}

/** What is wrong with the books; `rejected` spans may be refused for good. */
function bookComplaints(telemetry, recorded, rejected = 0) {
  const { signals, endpoints } = telemetry.health();
  const { traces } = signals;
  const dropped = Object.entries(traces.dropped).filter(([, count]) => count > 0);
  const books = { recorded: traces.recorded, sent: traces.sent, rejected: traces.rejected };
  const due = { recorded, sent: recorded - rejected, rejected };
  const wrong = [];
  if (JSON.stringify(books) !== JSON.stringify(due)) {
    wrong.push(`the books say ${JSON.stringify(books)}, due are ${JSON.stringify(due)}`);
  }
  if (traces.queued > 0) wrong.push(`${traces.queued} still wait`);
  for (const [cause, count] of dropped) wrong.push(`${count} dropped: ${cause}`);
  if (wrong.length > 0) wrong.push(`last error: ${endpoints[0].lastError}`);
  return wrong;
}

/** Requests larger than the receiver takes, and a span that alone is. */
const LIMITS = {
  'http/protobuf': { http: { max_request_body_size: 64 * KIB } },
  'http/json': { http: { max_request_body_size: 64 * KIB } },
  grpc: { grpc: { max_recv_msg_size_mib: 1 } },
};

async function tooLarge({ startOtelcol, embedded, protocol, compression }) {
  const isGrpc = protocol === 'grpc';
  const otelcol = await startOtelcol(LIMITS[protocol]);
  // A span may take a sixteenth of the ring.
  const { telemetry, tracer } = open(otelcol, { protocol, compression, ringBytes: 32 * MIB });
  const expected = record(tracer, { longChars: isGrpc ? 16_000 : 800 });
  const huge = tracer.startSpan('too large alone');
  huge.setAttribute('long', 'x'.repeat(isGrpc ? 1.5 * MIB : 96 * KIB));
  huge.end();
  await telemetry.shutdown();
  const { refusedEncodings } = telemetry.health().endpoints[0];
  return {
    wrong: [
      ...complaints(embedded.traces(), expected, 'shop'),
      ...bookComplaints(telemetry, expected.length + 1, 1),
      ...refusedEncodings.map((encoding) => `${encoding} was taken for refused`),
    ],
    what: `${expected.length} spans in ${telemetry.health().signals.traces.requests} requests`,
  };
}

async function shortOfMemory({ startOtelcol, embedded, protocol, compression }) {
  // It always has more than that.
  const limiter = { memory_limiter: { check_interval: '100ms', limit_mib: 1 } };
  const otelcol = await startOtelcol({ processors: limiter });
  // Until its first look at the memory it takes all.
  await until(() => /refusing data/i.test(otelcol.said()), 'that its memory limiter refuses');
  const { telemetry, tracer } = open(otelcol, { protocol, compression });
  const expected = record(tracer);
  const flushed = telemetry.flush();
  await until(() => telemetry.health().signals.traces.retries >= 3, 'three refusals');
  const refusal = telemetry.health().endpoints[0].lastError;
  const early = embedded.traces().length;
  await otelcol.stop();
  await otelcol.startAgain({});
  await flushed;
  await telemetry.shutdown();
  const wrong = complaints(embedded.traces(), expected, 'shop');
  if (early > 0) wrong.push(`${early} spans arrived where all had to be refused`);
  return {
    wrong: [...wrong, ...bookComplaints(telemetry, expected.length)],
    what: `${expected.length} spans, refused with "${refusal}"`,
  };
}

/** Records all the time while `events` happen. What arrives may arrive twice, but has to arrive. */
async function underLoad({ otelcol, embedded, startOtelcol, ...options }, events) {
  const { telemetry, tracer } = open(otelcol, { ...options, batch: { size: 64, delayMs: 20 } });
  const ids = new Set();
  let over = false;
  const load = (async () => {
    for (; !over && ids.size < MAX_LOAD; await sleep(5)) {
      for (let i = 0; i < 20; i++) {
        const span = tracer.startSpan('order', { attributes: { n: ids.size } });
        ids.add(span.spanContext().spanId);
        span.end();
      }
    }
  })();
  const arrived = () => embedded.stats().spans;
  const more = async (spans) => {
    const enough = arrived() + spans;
    await until(() => arrived() >= enough, `${spans} more spans`);
  };
  const failing = async () => {
    await until(() => telemetry.health().endpoints[0].state === 'failing', 'a failed attempt');
    const enough = telemetry.health().signals.traces.requests + 3;
    await until(() => telemetry.health().signals.traces.requests >= enough, 'three more');
  };
  try {
    await more(1000);
    await events({ more, failing });
  } finally {
    over = true;
    await load;
    await telemetry.shutdown();
  }
  const seen = new Set(embedded.traces().map(({ spanId }) => spanId));
  const lost = [...ids].filter((id) => !seen.has(id)).length;
  const { requests, retries } = telemetry.health().signals.traces;
  return {
    wrong: [
      ...(lost > 0 ? [`${lost} of ${ids.size} spans did not arrive`] : []),
      ...bookComplaints(telemetry, ids.size),
    ],
    what: `${ids.size} spans (${arrived() - ids.size} twice) in ${requests} requests (${retries} again)`,
  };
}

const ended = (signal) =>
  async function endedUnderLoad(given) {
    const otelcol = await given.startOtelcol();
    return underLoad({ ...given, otelcol }, async ({ more, failing }) => {
      await otelcol.stop(signal);
      await failing();
      await otelcol.startAgain();
      await more(1000);
    });
  };

async function pausedUnderLoad(given) {
  const otelcol = await given.startOtelcol();
  return underLoad({ ...given, otelcol, timeoutMs: 500 }, async ({ more, failing }) => {
    otelcol.pause();
    await failing();
    otelcol.resume();
    await more(1000);
  });
}

/** For an encoding that it does not take it has no word but 400. */
const taking = (algorithms, refused) => async (given) => {
  const { startOtelcol, embedded, protocol, compression } = given;
  const otelcol = await startOtelcol({ http: { compression_algorithms: algorithms } });
  const { telemetry, tracer } = open(otelcol, { protocol, compression });
  const expected = record(tracer);
  await telemetry.shutdown();
  const { signals, endpoints } = telemetry.health();
  const learnt = endpoints[0].refusedEncodings.join();
  const wanted = [...new Set([compression, ...refused])].join();
  return {
    wrong: [
      ...complaints(embedded.traces(), expected, 'shop'),
      ...bookComplaints(telemetry, expected.length),
      ...(learnt === wanted ? [] : [`${learnt} instead of ${wanted} was learnt to be refused`]),
    ],
    what: `${expected.length} spans in ${signals.traces.requests} requests`,
  };
};

/** It says RESOURCE_EXHAUSTED without a RetryInfo, which OTLP has for a refusal. */
const THROTTLED = { grpcCodes: ['UNAVAILABLE', 'RESOURCE_EXHAUSTED'] };

/** What it hands on to fails for a while: it answers with that. */
const handsOnToFailing = (status, retry) => async (given) => {
  const { startOtelcol, embedded, protocol, compression } = given;
  const otelcol = await startOtelcol();
  const queue = { retry: { ...RETRY, ...retry } };
  const { telemetry, tracer } = open(otelcol, { protocol, compression, queue });
  await embedded.fault({ kind: 'status', status, times: 4 });
  const expected = record(tracer);
  await telemetry.shutdown();
  const { signals, endpoints } = telemetry.health();
  const wrong = complaints(embedded.traces(), expected, 'shop');
  if (signals.traces.retries !== 4) wrong.push(`${signals.traces.retries} retries instead of 4`);
  return {
    wrong: [...wrong, ...bookComplaints(telemetry, expected.length)],
    what: `${expected.length} spans, first refused with "${endpoints[0].lastError}"`,
  };
};

/** As many connections as calls. */
async function oneStreamEach(given) {
  const otelcol = await given.startOtelcol({ grpc: { max_concurrent_streams: 1 } });
  return underLoad({ ...given, otelcol }, async ({ more }) => more(2000));
}

async function aged(given) {
  const server_parameters = { max_connection_age: '500ms', max_connection_age_grace: '500ms' };
  const otelcol = await given.startOtelcol({ grpc: { keepalive: { server_parameters } } });
  return underLoad({ ...given, otelcol }, async ({ more }) => {
    for (let i = 0; i < 5; i++) {
      await sleep(500);
      await more(200);
    }
  });
}

/** @returns each with a name, and with `run`, which tells what is wrong and what was done. */
export function adverseCases() {
  const ALL = ['http/protobuf', 'http/json', 'grpc'];
  const HTTP = ['http/protobuf', 'http/json'];
  const OTHERS = ['zstd', 'deflate', 'zlib', 'lz4', 'snappy', 'x-snappy-framed', 'br'];
  const kinds = [
    ['more than it takes', tooLarge, ALL, ['none', 'gzip', 'zstd', 'snappy']],
    ['short of memory', shortOfMemory, ALL, ['gzip']],
    ['killed under load', ended('SIGKILL'), ['http/protobuf', 'grpc'], ['gzip']],
    ['stopped under load', ended('SIGTERM'), ['http/protobuf', 'grpc'], ['gzip']],
    ['standing still under load', pausedUnderLoad, ['http/protobuf', 'grpc'], ['gzip']],
    ['hands on to one that fails', handsOnToFailing(503), ALL, ['gzip']],
    ['hands on to one that throttles', handsOnToFailing(429, THROTTLED), ALL, ['gzip']],
    ['no compressed bodies', taking([''], ['gzip']), HTTP, ['gzip', 'zstd', 'lz4']],
    ['gzip alone', taking(['', 'gzip'], []), HTTP, OTHERS],
    ['one stream for each connection', oneStreamEach, ['grpc'], ['gzip']],
    ['connections end by age', aged, ['grpc'], ['gzip']],
  ];
  return kinds.flatMap(([kind, run, protocols, compressions]) =>
    protocols.flatMap((protocol) =>
      compressions.map((compression) => ({
        name: `${kind}, ${protocol}, ${compression}`,
        compression,
        run: (given) => run({ ...given, protocol, compression }),
      })),
    ),
  );
}
