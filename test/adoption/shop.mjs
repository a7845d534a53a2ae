// Starts one of the applications, sends the requests every application gets, stops it with
// SIGTERM while one request is under way, and gives back what arrived at the collector.

import { spawn } from 'node:child_process';
import { request } from 'node:http';
import { decodeResources, decodeTraces } from '../instrumentation/decode.mjs';
import { decodeResourcesJson, decodeTracesJson } from './decode-json.mjs';

/** Longest an application may take from its start to its end: it is killed, the test fails. */
const RUN_MS = 60_000;

const CALLER = { sampled: 'a'.repeat(32), notSampled: 'b'.repeat(32), stopping: 'c'.repeat(32) };
const CALLER_SPAN = 'd'.repeat(16);
const parent = (traceId, flags) => `00-${traceId}-${CALLER_SPAN}-${flags}`;

/** Applications that run: an interrupted suite leaves none behind. */
const running = new Set();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** In this order, each once the one before is answered. */
const REQUESTS = [
  { path: '/books/1', status: 200 },
  { path: '/books/9', status: 404 },
  { path: '/carts/7', status: 200 },
  { path: '/broken', status: 500 },
  { path: '/no/such/page?q=1', status: 404 },
  {
    path: '/books/2',
    status: 200,
    headers: { traceparent: parent(CALLER.sampled, '01'), tracestate: 'till=3' },
  },
  { path: '/carts/8', status: 200, headers: { traceparent: parent(CALLER.notSampled, '00') } },
  // As the one that is under way when the application is stopped.
  { path: '/carts', status: 201, order: { traceparent: parent('e'.repeat(32), '01') } },
];

/**
 * @param {{ node: string, flags: string[], app: string, cwd: string, env?: object }} how
 * @param collector an embedded one that keeps bodies; of this run alone
 * @returns {Promise<{ spans, stopping, resources, contentTypes, said: string, wrong: string[] }>}
 *   `stopping`: the spans of the request that was under way; `contentTypes`: of the requests; `said`:
 *   what the application and its preload wrote
 */
export async function observe(how, collector) {
  const wrong = [];
  const child = start(how, collector);
  try {
    const [, address] = await child.says(/listening on (http:\S+)\n/);
    for (const { path, status, headers, order } of REQUESTS) {
      const got = await (order ? orderCart(address, order) : call(address + path, { headers }));
      if (got !== status) wrong.push(`${path}: answered ${got}, not ${status}`);
    }
    const stop = async () => {
      child.kill('SIGTERM');
      await child.says(/stopping/);
    };
    const got = await orderCart(address, { traceparent: parent(CALLER.stopping, '01') }, stop);
    if (got !== 201) wrong.push(`the request under way: answered ${got}, not 201`);
    const { code, signal } = await child.end;
    if (code !== 0) wrong.push(`ended with ${signal ?? `status ${code}`}`);
  } catch (error) {
    wrong.push(error.message);
  } finally {
    child.kill('SIGKILL');
    await child.end;
  }
  const refused = collector.requests().filter(({ status }) => status !== 200);
  for (const { path, status, error } of refused) wrong.push(`${path}: ${status} ${error ?? ''}`);
  const requests = collector.requests().filter(({ signal }) => signal === 'traces');
  const isJson = ({ contentType }) => contentType === 'application/json';
  const decodedBy = (json, protobuf) =>
    requests.flatMap((request) => (isJson(request) ? json : protobuf)(request.body));
  const all = decodedBy(decodeTracesJson, decodeTraces);
  return {
    spans: all.filter(({ traceId }) => traceId !== CALLER.stopping),
    stopping: all.filter(({ traceId }) => traceId === CALLER.stopping),
    resources: decodedBy(decodeResourcesJson, decodeResources),
    contentTypes: requests.map(({ contentType }) => contentType),
    said: child.said(),
    wrong,
  };
}

/** The spans of the same request when nothing was being stopped. */
export const ofOrder = (spans) => spans.filter(({ traceId }) => traceId === 'e'.repeat(32));

function start({ node, flags, app, cwd, env }, collector) {
  const child = spawn(node, [...flags, app], {
    cwd,
    env: {
      ...withoutOtel(process.env),
      PORT: '0',
      OTEL_SERVICE_NAME: 'shop',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test,service.version=1.2.3',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
      // Longer than a run: what arrives was sent because the application was stopped.
      OTEL_BSP_SCHEDULE_DELAY: String(2 * RUN_MS),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let said = '';
  let ended = false;
  const timer = setTimeout(() => child.kill('SIGKILL'), RUN_MS);
  const end = new Promise((resolve) => {
    child.once('error', (error) => {
      said += error.message;
      resolve({ code: -1 });
    });
    child.once('close', (code, signal) => resolve({ code, signal }));
  }).then((how) => {
    ended = true;
    running.delete(child);
    clearTimeout(timer);
    child.emit('said');
    return how;
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk) => {
      said += chunk;
      child.emit('said');
    });
  }
  const says = (pattern) =>
    new Promise((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(said);
        if (match === null && !ended) return;
        child.removeListener('said', look);
        if (match !== null) resolve(match);
        else reject(new Error(`ended before it said ${pattern}:\n${said}`));
      };
      child.on('said', look);
      look();
    });
  return { kill: (signal) => child.kill(signal), end, says, said: () => said };
}

const withoutOtel = (env) =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !/^(OTEL_|NODE_OPTIONS$)/.test(name)));

/** @returns the status, once the body has been read to its end. */
function call(url, { headers }) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: false, headers }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode));
    });
    sent.once('error', reject).end();
  });
}

/**
 * Sends the headers, awaits `meanwhile` once the application has the request (it asks for the
 * rest with 100 Continue), then sends the body.
 */
function orderCart(address, headers, meanwhile = async () => {}) {
  return new Promise((resolve, reject) => {
    const sent = request(`${address}/carts`, {
      method: 'POST',
      agent: false,
      headers: { ...headers, 'content-type': 'application/json', expect: '100-continue' },
    });
    sent.once('continue', () => {
      meanwhile().then(() => sent.end('{"books":["1","2"]}'), reject);
    });
    sent.once('response', (response) => {
      response.resume().once('end', () => resolve(response.statusCode));
    });
    sent.once('error', reject).flushHeaders();
  });
}
