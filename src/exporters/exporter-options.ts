import type { MeterProvider } from '@opentelemetry/api';
import type { Compression, CompressionPolicy } from '../compress/compress.ts';
import type { MakeAgent, RecordedSignal } from '../deliver/transport.ts';
import { checkAnswer } from '../options/auth.ts';
import {
  checkedEndpoint,
  group,
  headerProblem,
  refused,
  shown,
  signalUrl,
} from '../options/checks.ts';
import { type CompressionOptions, resolveCompression } from '../options/compression.ts';
import {
  checkHeaders,
  LONGEST_MS,
  numbers,
  type QueueSettings,
  resolveQueue,
} from '../options/delivery.ts';
import type { StartOptions } from '../options/options.ts';
import type { ExporterHost } from './exporter-host.ts';

type Headers = Readonly<Record<string, string>>;

/**
 * Options of `OTLPTraceExporter` and `OTLPLogExporter`: those of upstream's exporters, and `queue`. What
 * is left out comes from the environment variable named beside it (Node, Deno and Bun only; `…` is
 * `OTEL_EXPORTER_OTLP_TRACES_`, of logs `OTEL_EXPORTER_OTLP_LOGS_`, or `OTEL_EXPORTER_OTLP_` where that
 * is not set), then from the default. An option that cannot be used is an OtlpError `invalid_option`; a variable that cannot is
 * reported once and ignored.
 */
export interface OTLPExporterConfig {
  /**
   * Where requests go, used as it is; in a browser relative to the page. `…ENDPOINT` (to
   * `OTEL_EXPORTER_OTLP_ENDPOINT` `/v1/traces` is appended, `/v1/logs`). Default
   * `http://localhost:4318/v1/traces`, of logs `http://localhost:4318/v1/logs`. `unix:///run/otel.sock` is a Unix socket (Node).
   */
  readonly url?: string;
  /**
   * Sent with every request, with those of `…HEADERS`, over which they win. A function is asked
   * before every attempt (attempts that are made meanwhile share its answer); while it fails, what
   * is exported waits. Values are never shown. Default none.
   */
  readonly headers?: Headers | (() => Headers | Promise<Headers>);
  /**
   * Time limit of one attempt in milliseconds, connecting included (upstream: of all attempts).
   * `…TIMEOUT`. Default 10 000.
   */
  readonly timeoutMillis?: number;
  /**
   * As {@link StartOptions.compression}: `'gzip'`, `'none'`, another encoding, or an object. `…COMPRESSION`.
   * Default `'none'`.
   */
  // Upstream's enum is a string, too, but none of these for the compiler.
  readonly compression?: Compression | CompressionOptions | (string & {});
  /** Requests in flight at most; more of them wait (upstream: are lost). Default 30. */
  readonly concurrencyLimit?: number;
  /** Whether connections are used again. Node only; others always do. Default true. */
  readonly keepAlive?: boolean;
  /**
   * Options of the `http.Agent` or `https.Agent`, or a function that makes one. Node only. TLS:
   * `…CERTIFICATE`, `…CLIENT_CERTIFICATE`, `…CLIENT_KEY` are files in PEM for its `ca`, `cert` and
   * `key`. Default: an agent that keeps connections.
   */
  readonly httpAgentOptions?: object | MakeAgent;
  /** Put before our own User-Agent. Browsers send theirs. Default none. */
  readonly userAgent?: string;
  /** Accepted as upstream does; not used yet. */
  readonly selfObsMeterProvider?: MeterProvider;
  /** Encoded requests that wait for the collector, and when they are sent again. */
  readonly queue?: StartOptions['queue'];
}

/** Options with every default filled in. */
export interface ExporterSettings extends QueueSettings {
  readonly url: string;
  readonly headers: Headers;
  readonly askHeaders: (() => Promise<Headers>) | undefined;
  readonly timeoutMs: number;
  readonly compression: CompressionPolicy;
  readonly agent: object | MakeAgent;
  readonly userAgent: string;
}

/** @throws OtlpError `invalid_option` */
export function resolveExporterOptions(
  given: OTLPExporterConfig,
  host: ExporterHost,
  warn: (line: string) => void,
  signal: RecordedSignal,
): ExporterSettings {
  const options = withoutNulls(given);
  const variables = host.variables?.(host.env, warn, signal);
  const number = numbers(variables);

  const { url, headers, keepAlive, httpAgentOptions, userAgent = '' } = options;
  if (keepAlive !== undefined && typeof keepAlive !== 'boolean') {
    throw refused('keepAlive', keepAlive, 'true or false');
  }
  if (headerProblem('user-agent', userAgent) !== undefined) {
    throw refused('userAgent', userAgent, 'a string of characters that headers can have');
  }
  const warned = new Set<string>();
  const headersOf = (texts: object) =>
    textsOf(texts, (name) => {
      if (warned.has(name)) return;
      warned.add(name);
      warn(`header ${shown(name)} is undefined; it is left out.`);
    });
  const asked = typeof headers === 'function' ? headers : undefined;
  const fixed = typeof headers === 'function' ? {} : group('headers', headers);
  const limit = number('concurrencyLimit', options.concurrencyLimit, [
    30,
    1,
    Number.POSITIVE_INFINITY,
  ]);
  return {
    url:
      url === undefined
        ? (variables?.url() ?? signalUrl('http://localhost:4318', signal))
        : checkedEndpoint("option 'url'", absolute(url, host.baseUrl?.())),
    headers: { ...variables?.headers(), ...headersOf(fixed) },
    askHeaders: asked && (async () => headersOf(checkAnswer(await asked()))),
    timeoutMs: number('timeoutMillis', options.timeoutMillis, [10_000, 1, LONGEST_MS]),
    compression: resolveCompression(options.compression as Compression, number, variables, {
      grpc: host.grpc === true,
      native: host.native,
      fallback: 'none',
    }),
    ...resolveQueue(options.queue, number, Math.min(limit, 1024)),
    agent:
      typeof httpAgentOptions === 'function'
        ? httpAgentOptions
        : {
            ...host.agentFromEnv?.(host.env, warn, signal),
            ...(keepAlive !== undefined && { keepAlive }),
            ...group('httpAgentOptions', httpAgentOptions),
          },
    userAgent,
  };
}

/**
 * As upstream does, null is taken for what is left out.
 *
 * @throws OtlpError `invalid_option` for options that are no object.
 */
export function withoutNulls<T extends object>(given: T): T {
  const entries = Object.entries(group('options', given)).filter(([, value]) => value !== null);
  return Object.fromEntries(entries) as T;
}

function absolute(url: string, base: string | undefined): string {
  try {
    return new URL(url, base).href;
  } catch {
    return url;
  }
}

/** As upstream has them: what is undefined is left out, a number becomes a string. */
function textsOf(headers: object, leftOut: (name: string) => void): Headers {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) leftOut(name);
    else texts[name] = typeof value === 'number' ? String(value) : value;
  }
  return checkHeaders(texts);
}
