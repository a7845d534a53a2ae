/**
 * The pull reader behind `otlp-wasm/prometheus`: each scrape collects, and scrapes that come while one
 * collects share what it finds.
 */

import {
  AGGREGATION_DEFAULT,
  type AggregationOption,
  CUMULATIVE_TEMPORALITY,
  type InstrumentKind,
} from '../api/metric/aggregation.ts';
import type {
  AggregationTemporality,
  CollectionResult,
  ResourceMetrics,
} from '../api/metric/data.ts';
import type { CollectOptions, MetricReader } from '../api/metric/reader.ts';
import { manualReader, type ReaderOptions } from '../api/metric/readers.ts';
import { say } from '../api/trace/say.ts';
import { OtlpError } from '../errors.ts';
import { accumulation } from './accumulate.ts';
import { acceptsGzip, type Negotiated, negotiate } from './negotiate.ts';
import { type PrometheusOptions, resolveSettings } from './settings.ts';
import { expositionOf } from './text.ts';

/**
 * Temporality is cumulative, whatever the instrument (specification, "Prometheus exporter",
 * "Temporality"). Exponential histograms are exposed as at most 20 buckets with bounds.
 */
export interface PrometheusReaderOptions
  extends PrometheusOptions,
    Omit<ReaderOptions, 'temporality'> {}

/** The part of a web `Request` that is read. */
export interface ScrapeRequest {
  readonly method: string;
  readonly headers: { get(name: string): string | null };
}

/** The part of `http.IncomingMessage` that is read. */
export interface IncomingScrape {
  readonly method?: string | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** The part of `http.ServerResponse` that is used. */
export interface OutgoingScrape {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(body?: Uint8Array): unknown;
}

export interface ListenOptions {
  /** Default that of `OTEL_EXPORTER_PROMETHEUS_HOST`, or else `localhost`. */
  readonly host?: string | undefined;
  /** 0 is any that is free. Default that of `OTEL_EXPORTER_PROMETHEUS_PORT`, or else 9464. */
  readonly port?: number | undefined;
  /** Where metrics are; everything else is not found. Default `/metrics`. */
  readonly path?: string | undefined;
}

export interface PrometheusServer {
  readonly host: string;
  readonly port: number;
  /** Where metrics are. */
  readonly url: string;
  /** Takes no more scrapes; resolves when those that are under way are answered. */
  close(): Promise<void>;
}

/**
 * A pull metric reader (specification, "Prometheus exporter") for `start({ metrics: { readers:
 * [reader] } })`. Its functions need no `this`.
 */
export interface PrometheusReader extends MetricReader {
  /** Answers a scrape, whatever its URL. Never rejects. */
  fetch(request: ScrapeRequest): Promise<Response>;
  /** The same for `node:http`, and what is built on it. Never rejects. */
  handle(request: IncomingScrape, response: OutgoingScrape): Promise<void>;
  /**
   * On Node and Bun: serves scrapes until it or the reader is shut down, without keeping the
   * process alive.
   *
   * @throws OtlpError `listen_failed`; `invalid_option`; `not_supported` on other hosts.
   */
  listen(options?: ListenOptions): Promise<PrometheusServer>;
  /** As upstream's readers have it: what a scrape would expose. Rejects as a manual reader's does. */
  collect(options?: CollectOptions): Promise<CollectionResult>;
  selectAggregation(kind: InstrumentKind): AggregationOption;
  selectAggregationTemporality(kind: InstrumentKind): AggregationTemporality;
}

/** What a host does for it. */
export interface PrometheusHost {
  gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
  /** Undefined where programs cannot be servers of themselves. */
  readonly listen?: (
    options: ListenOptions,
    handle: PrometheusReader['handle'],
  ) => Promise<PrometheusServer>;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** How long a collection may wait for callbacks when the scrape does not say how long it waits. */
const COLLECT_MS = 9_000;
/** Of what the scrape says: the rest is for writing and sending. */
const COLLECT_SHARE = 0.9;
const MAX_COLLECT_MS = 60_000;

/** What is smaller fits one packet as it is. */
const GZIP_FROM_BYTES = 1024;
/** Things that are said once each; there are as many as there are metrics to complain about. */
const MAX_SAID = 1000;

/** @throws OtlpError `invalid_option` */
export function readerOn(
  { gzip, listen }: PrometheusHost,
  options: PrometheusReaderOptions,
): PrometheusReader {
  const settings = resolveSettings(options);
  const reader = manualReader({ ...options, temporality: CUMULATIVE_TEMPORALITY });
  let isShutDown = false;
  let scraping: Promise<Scrape> | undefined;
  const servers = new Set<PrometheusServer>();
  const said = new Set<string>();

  function complain(line: string): void {
    if (said.has(line) || said.size === MAX_SAID) return;
    said.add(line);
    say('warn', `prometheus: ${line}`);
  }

  const accumulated = accumulation(complain);

  async function collect(timeoutMillis: number): Promise<Scrape> {
    const { resourceMetrics, errors } = await reader.collect({ timeoutMillis });
    for (const error of errors) say('error', 'prometheus: while metrics were collected:', error);
    return scrapeOf(accumulated(resourceMetrics));
  }

  /** What scrapes of one collection have in common. */
  function scrapeOf(resourceMetrics: ResourceMetrics): Scrape {
    const bodies = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();
    const bodyOnce = (key: string, make: () => Promise<Uint8Array>) => {
      const body = bodies.get(key) ?? (make() as Promise<Uint8Array<ArrayBuffer>>);
      bodies.set(key, body);
      return body;
    };
    const plain = (format: Negotiated) =>
      bodyOnce(format.contentType, async () =>
        new TextEncoder().encode(expositionOf(resourceMetrics, settings, format, complain)),
      );
    return {
      plain,
      zipped: (format) =>
        bodyOnce(`gzip ${format.contentType}`, async () => gzip(await plain(format))),
    };
  }

  function scrape(timeoutMs: number): Promise<Scrape> {
    if (scraping !== undefined) return scraping;
    const current = collect(timeoutMs).finally(() => {
      scraping = undefined;
    });
    scraping = current;
    return current;
  }

  async function answer(method: string, header: (name: string) => string | null): Promise<Answer> {
    if (method !== 'GET' && method !== 'HEAD') {
      return problem(405, 'Metrics are there to be read: use GET.', { allow: 'GET, HEAD' });
    }
    if (reader.collector === undefined || isShutDown) {
      const why = isShutDown ? 'is shut down' : 'belongs to no meter provider yet';
      return problem(503, `This Prometheus reader ${why}.`);
    }
    try {
      const timeoutMs = collectMs(header('x-prometheus-scrape-timeout-seconds'));
      const { plain, zipped } = await scrape(timeoutMs);
      const format = negotiate(header('accept'));
      const isZipped =
        acceptsGzip(header('accept-encoding')) && (await plain(format)).length >= GZIP_FROM_BYTES;
      const body = await (isZipped ? zipped(format) : plain(format));
      const headers = {
        'content-type': format.contentType,
        vary: 'accept, accept-encoding',
        ...(isZipped ? { 'content-encoding': 'gzip' } : undefined),
      };
      return { status: 200, headers, body: body };
    } catch (error) {
      say('error', 'prometheus: metrics could not be collected:', error);
      return problem(500, 'Metrics could not be collected; the log of the program says why.');
    }
  }

  async function handle(request: IncomingScrape, response: OutgoingScrape): Promise<void> {
    const { method = 'GET', headers } = request;
    const header = (name: string) => {
      const value = headers[name];
      return value === undefined ? null : typeof value === 'string' ? value : value.join(',');
    };
    const { status, headers: sent, body } = await answer(method, header);
    try {
      response.statusCode = status;
      for (const [name, value] of Object.entries(sent)) response.setHeader(name, value);
      response.setHeader('content-length', String(body.length));
      if (method === 'HEAD') response.end();
      else response.end(body);
    } catch (error) {
      say('debug', 'prometheus: a scrape could not be answered:', error);
    }
  }

  return {
    setMetricProducer: (collector) => reader.setMetricProducer(collector),
    collect: (given) => reader.collect(given),
    selectAggregation: (kind) => reader.selectAggregation?.(kind) ?? { type: AGGREGATION_DEFAULT },
    selectAggregationTemporality: CUMULATIVE_TEMPORALITY,
    selectCardinalityLimit: (kind) => reader.selectCardinalityLimit?.(kind),
    async forceFlush() {},
    async shutdown() {
      isShutDown = true;
      await reader.shutdown();
      await Promise.all([...servers].map((server) => server.close()));
    },
    async fetch({ method, headers }) {
      const { status, headers: sent, body } = await answer(method, (name) => headers.get(name));
      return new Response(method === 'HEAD' ? null : body, { status, headers: sent });
    },
    handle,
    async listen(place = {}) {
      if (listen === undefined) {
        throw new OtlpError(
          'not_supported',
          'listen() is there on Node and Bun; here, answer requests with `reader.fetch(request)`.',
        );
      }
      const server = await listen(place, handle);
      const known: PrometheusServer = {
        ...server,
        async close() {
          servers.delete(known);
          await server.close();
        },
      };
      servers.add(known);
      if (isShutDown) await known.close();
      return known;
    },
  };
}

interface Scrape {
  plain(format: Negotiated): Promise<Uint8Array<ArrayBuffer>>;
  zipped(format: Negotiated): Promise<Uint8Array<ArrayBuffer>>;
}

function problem(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', ...headers },
    body: new TextEncoder().encode(`${text}\n`),
  };
}

function collectMs(seconds: string | null): number {
  const asked = Number(seconds) * 1000 * COLLECT_SHARE;
  return asked > 0 ? Math.min(asked, MAX_COLLECT_MS) : COLLECT_MS;
}
