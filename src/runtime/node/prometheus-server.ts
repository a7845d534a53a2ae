import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { OtlpError } from '../../errors.ts';
import { refused, shown } from '../../options/checks.ts';
import { setVariables } from '../../options/variables.ts';
import type { ListenOptions, PrometheusReader, PrometheusServer } from '../../prometheus/reader.ts';
import { builtin } from './builtin.ts';

const HOST = 'OTEL_EXPORTER_PROMETHEUS_HOST';
const PORT = 'OTEL_EXPORTER_PROMETHEUS_PORT';

/** Specification, "Prometheus exporter", "Host" and "Port". */
const DEFAULT_HOST = 'localhost';
const DEFAULT_PORT = 9464;

/** How long scrapes that are under way may take when the server closes. */
const CLOSE_MS = 2000;

/** @throws OtlpError `invalid_option`, `listen_failed` */
export async function listen(
  options: ListenOptions,
  handle: PrometheusReader['handle'],
): Promise<PrometheusServer> {
  const [{ text: host } = { text: DEFAULT_HOST }] =
    options.host === undefined ? setVariables(process.env, [HOST]) : [{ text: options.host }];
  const { port = portFromEnv(), path: given = '/metrics' } = options;
  if (typeof host !== 'string' || host === '') throw refused('host', host, 'a name or an address');
  if (!isPort(port)) throw refused('port', port, 'an integer from 0 to 65535');
  if (typeof given !== 'string') throw refused('path', given, "a path such as '/metrics'");
  const path = given.startsWith('/') ? given : `/${given}`;
  const server = builtin('node:http').createServer((request, response) => {
    if (pathOf(request.url) === path) {
      void handle(request, response);
      return;
    }
    response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' });
    response.end(`Metrics are at ${path}.\n`);
  });
  // Metrics are no reason to stay alive for.
  server.unref();
  try {
    server.listen({ host, port });
    await once(server, 'listening');
  } catch (cause) {
    const why = (cause as { code?: string }).code ?? String(cause);
    throw new OtlpError(
      'listen_failed',
      `the Prometheus reader cannot listen on ${host}:${port}: ${why}; give listen() another host or port.`,
      { cause },
    );
  }
  // What goes wrong with it later must not end the program.
  server.on('error', () => {});
  const { port: actual } = server.address() as AddressInfo;
  const authority = host.includes(':') ? `[${host}]:${actual}` : `${host}:${actual}`;
  let closing: Promise<void> | undefined;
  return {
    host,
    port: actual,
    url: `http://${authority}${path}`,
    close: () => (closing ??= closed(server)),
  };
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MS).unref();
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    // Prometheus keeps its connection between scrapes.
    server.closeIdleConnections();
  });
}

function portFromEnv(): number {
  const [found] = setVariables(process.env, [PORT]);
  if (found === undefined) return DEFAULT_PORT;
  const port = Number(found.text);
  if (isPort(port)) return port;
  process.stderr.write(
    `otlp-wasm: ${PORT} is ${shown(found.text)}, not an integer from 0 to 65535; ${DEFAULT_PORT} is used.\n`,
  );
  return DEFAULT_PORT;
}

function isPort(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65535;
}

function pathOf(url = '/'): string {
  const end = url.search(/[?#]/);
  return end < 0 ? url : url.slice(0, end);
}
