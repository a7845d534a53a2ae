import { context as contextApi, diag, ROOT_CONTEXT, type Sampler } from '@opentelemetry/api';
import { takeCredentials } from '../../../deliver/credentials.ts';
import { OtlpError } from '../../../errors.ts';
import { setTimer as webTimer } from '../../../runtime/web/timer.ts';
import { suppressTracing } from '../../context/suppress-tracing.ts';
import { checkedSampler } from './checked.ts';
import { samplerOfStrategy } from './jaeger-strategy.ts';
import { probability } from './probability.ts';

export interface JaegerRemoteOptions {
  /** `service.name`, by which the strategies are asked for. */
  readonly serviceName: string;
  /**
   * HTTP address of a service with Jaeger's remote sampling API: a Jaeger collector, or an
   * OpenTelemetry collector with the extension `jaegerremotesampling`. `/sampling` is added to a
   * path that does not end in it. Credentials in it go into a header. Default
   * `http://localhost:5778`.
   */
  readonly endpoint?: string;
  /** Milliseconds from one question to the next, from 1 to 2^31 - 1. Default 60000. */
  readonly pollingIntervalMs?: number;
  /** Decides until the first strategy has come. Default `probability(0.001)`. */
  readonly initialSampler?: Sampler;
  /** In place of the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** Shows one line about a problem. Default the `diag` logger of `@opentelemetry/api`. */
  readonly warn?: (line: string) => void;
  /**
   * Calls back once after so many milliseconds and returns what cancels that. Default the
   * runtime's timers, which here do not keep a process alive.
   */
  readonly setTimer?: (callback: () => void, delayMs: number) => () => void;
}

export interface JaegerRemoteSampler extends Sampler {
  /** Stops asking. The last strategy stays in force. */
  shutdown(): void;
}

const DEFAULT_INTERVAL_MS = 60_000;
const DEFAULT_RATIO = 0.001;
const LONGEST_MS = 2 ** 31 - 1;
const ANSWER_WITHIN_MS = 5000;
const MAX_ANSWER_BYTES = 1024 * 1024;
const MAX_REASON_CHARS = 160;

/**
 * Samples as a Jaeger or OpenTelemetry collector says (specification, "JaegerRemoteSampler"):
 * asks `GET <endpoint>/sampling?service=<serviceName>` at once and then at every interval. What
 * comes back is a ratio, a rate, or ratios by span name. An answer that cannot be had, or cannot
 * be used, leaves the last strategy in force; the first of several in a row is shown. Questions
 * are not traced. To sample whole traces: `parentBased({ root: jaegerRemote(…) })`.
 *
 * @throws OtlpError `invalid_option`
 */
export function jaegerRemote(options: JaegerRemoteOptions): JaegerRemoteSampler {
  const { serviceName, pollingIntervalMs: intervalMs = DEFAULT_INTERVAL_MS } = options;
  const { warn = (line: string) => diag.warn(`otlp-wasm: ${line}`), setTimer = webTimer } = options;
  if (typeof serviceName !== 'string' || serviceName === '') {
    throw wrong('serviceName', 'is missing; give the name of the service');
  }
  if (typeof intervalMs !== 'number' || !(intervalMs >= 1 && intervalMs <= LONGEST_MS)) {
    throw wrong('pollingIntervalMs', `is ${intervalMs}; give a number from 1 to ${LONGEST_MS}`);
  }
  const { url, shownUrl, headers } = endpointOf(options.endpoint ?? 'http://localhost:5778');
  const question = `${url.href}${url.search === '' ? '?' : '&'}service=${encodeURIComponent(serviceName)}`;
  const initial = options.initialSampler ?? probability(DEFAULT_RATIO);
  let sampler = checkedSampler('jaegerRemote', 'initialSampler', initial);

  /** The text of the last good answer. What it says again must not refill its buckets. */
  let known: string | undefined;
  let failing = false;
  let closed = false;
  let cancelTimer = () => {};
  let abort = () => {};

  async function ask(signal: AbortSignal): Promise<string> {
    const response = await (options.fetch ?? fetch)(question, {
      headers,
      signal,
      redirect: 'manual',
    });
    if (response.status !== 200) throw new Error(`HTTP ${response.status}`);
    return readText(response);
  }

  /** Rejects when there is no answer in time, also when `fetch` does not heed its signal. */
  async function answer(): Promise<string> {
    const controller = new AbortController();
    let cancel = () => {};
    const late = new Promise<never>((_, reject) => {
      abort = () => {
        reject(new Error('stopped'));
        controller.abort();
      };
      cancel = setTimer(() => {
        reject(new Error(`no answer within ${ANSWER_WITHIN_MS} ms`));
        controller.abort();
      }, ANSWER_WITHIN_MS);
    });
    try {
      const quiet = suppressTracing(ROOT_CONTEXT);
      return await Promise.race([contextApi.with(quiet, ask, undefined, controller.signal), late]);
    } finally {
      cancel();
    }
  }

  async function adopt(): Promise<void> {
    try {
      const text = await answer();
      if (closed) return;
      if (text !== known) sampler = samplerOfStrategy(JSON.parse(text));
      known = text;
      failing = false;
    } catch (error) {
      if (!closed) fail(error);
    }
  }

  async function poll(): Promise<void> {
    await adopt();
    try {
      if (!closed) cancelTimer = setTimer(() => void poll(), intervalMs);
    } catch (error) {
      // A host that has no timers now, as edge hosts outside of requests.
      fail(error);
    }
  }

  function fail(error: unknown): void {
    if (failing) return;
    failing = true;
    const inForce = known === undefined ? 'the initial sampler' : 'the last strategy';
    warn(
      `no sampling strategy for '${shown(serviceName)}' from ${shownUrl}: ${shown(reasonOf(error))}. ` +
        `Until there is one, ${inForce} stays in force; the next question follows every ${intervalMs} ms.`,
    );
  }

  void poll();
  return {
    shouldSample: (context, traceId, name, kind, attributes, links) =>
      sampler.shouldSample(context, traceId, name, kind, attributes, links),
    toString: () =>
      `JaegerRemoteSampler{endpoint=${shownUrl}, serviceName=${serviceName}, ` +
      `pollingIntervalMs=${intervalMs}, sampler=${sampler}}`,
    shutdown() {
      closed = true;
      cancelTimer();
      abort();
    },
  };
}

function wrong(option: string, problem: string): OtlpError {
  return new OtlpError('invalid_option', `'${option}' of jaegerRemote() ${problem}.`);
}

/** Where to ask. The URL may hold credentials; they are never shown. */
function endpointOf(endpoint: string) {
  let url: URL | undefined;
  const headers: Record<string, string> = { accept: 'application/json' };
  try {
    url = new URL(endpoint);
    const authorization = takeCredentials(url);
    if (authorization !== undefined) headers['authorization'] = authorization;
  } catch {
    url = undefined;
  }
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw wrong('endpoint', 'is not an http or https URL; give one such as http://localhost:5778');
  }
  url.hash = '';
  if (!/\/sampling\/?$/.test(url.pathname)) {
    url.pathname = `${url.pathname.replace(/\/$/, '')}/sampling`;
  }
  return { url, headers, shownUrl: `${url.protocol}//${url.host}${url.pathname}` };
}

async function readText({ body }: Response): Promise<string> {
  if (body === null) return '';
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let size = 0;
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    size += chunk.value.length;
    if (size > MAX_ANSWER_BYTES) {
      void reader.cancel().catch(() => {});
      throw new Error(`more than ${MAX_ANSWER_BYTES} bytes`);
    }
    text += decoder.decode(chunk.value, { stream: true });
  }
  return text + decoder.decode();
}

/** `fetch` says little itself; where there is a cause, that names the network error. */
function reasonOf(error: unknown): string {
  if (error instanceof SyntaxError) return 'the answer is not JSON';
  const { message = String(error), cause } = error as { message?: string; cause?: unknown };
  const { message: detail, code } = (cause ?? {}) as { message?: string; code?: unknown };
  return `${detail || message}${code === undefined ? '' : ` ${code}`}`;
}

/** Foreign text, fit for a log line. */
function shown(text: string): string {
  const line = text.replace(/[\p{C}\p{Z}]+/gu, ' ').trim();
  return line.length > MAX_REASON_CHARS ? `${line.slice(0, MAX_REASON_CHARS - 1)}…` : line;
}
