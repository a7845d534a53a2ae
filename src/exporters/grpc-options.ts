import type { RecordedSignal } from '../deliver/transport.ts';
import { group, refused, refusedEntry, shown, typeShown } from '../options/checks.ts';
import { grpcUrl } from '../options/grpc-url.ts';
import { type OTLPExporterConfig, withoutNulls } from './exporter-options.ts';

type Env = Readonly<Record<string, string | undefined>>;
type MetadataValue = string | number | Uint8Array;

/** Metadata as grpc-js has it; only this is used of it. */
export interface GrpcMetadata {
  /** The first value of each key. */
  getMap(): Readonly<Record<string, unknown>>;
  /** All values of a key. */
  get(key: string): readonly unknown[];
}

/** Credentials as grpc-js has them: nothing can be read of them but whether they are secure. */
export interface GrpcCredentials {
  _isSecure?(): boolean;
}

type Shared =
  | 'timeoutMillis'
  | 'compression'
  | 'concurrencyLimit'
  | 'userAgent'
  | 'selfObsMeterProvider'
  | 'queue';

/**
 * Options of the exporters for gRPC: those of upstream's, `tls` and `queue`. What is left out comes
 * from the environment variable named beside it (`…` is `OTEL_EXPORTER_OTLP_TRACES_`, of logs
 * `OTEL_EXPORTER_OTLP_LOGS_`, or `OTEL_EXPORTER_OTLP_` where that is not set), then from the default. An option that cannot be
 * used is an OtlpError `invalid_option`; a variable that cannot is reported once and ignored.
 */
export interface OTLPGRPCExporterConfig extends Pick<OTLPExporterConfig, Shared> {
  /**
   * Where calls go. `http://` is without TLS, `https://` with; without a scheme `credentials`, then
   * `…INSECURE` decide, and TLS is the default. A path is ignored. `…ENDPOINT`. Default
   * `http://localhost:4317`.
   */
  readonly url?: string;
  /**
   * Sent with every call, with those of `…HEADERS`, over which it wins: grpc-js's `Metadata`, or an
   * object. Values of keys that end in `-bin` are binary: bytes are sent in base64, strings must be
   * base64 already. Values are never shown. Default none.
   */
  readonly metadata?:
    | GrpcMetadata
    | Readonly<Record<string, MetadataValue | readonly MetadataValue[]>>;
  /**
   * grpc-js's `ChannelCredentials`. Whether they are secure wins over the scheme of `url`. Their
   * certificates, and credentials of calls in them, cannot be read: give `tls` and `metadata`.
   */
  readonly credentials?: GrpcCredentials;
  /**
   * Options of `tls.connect`, above all `ca`, `cert` and `key` (PEM). `…CERTIFICATE`,
   * `…CLIENT_CERTIFICATE` and `…CLIENT_KEY` are files for these. Default: the roots of Node.
   */
  readonly tls?: object;
}

/**
 * The same as options of an exporter over HTTP.
 *
 * @throws OtlpError `invalid_option`
 */
export function grpcOptions(
  given: OTLPGRPCExporterConfig,
  env: Env,
  warn: (line: string) => void,
  signal: RecordedSignal,
): OTLPExporterConfig {
  const options: OTLPGRPCExporterConfig & { readonly headers?: unknown } = withoutNulls(given);
  const { url, metadata, credentials, tls, ...rest } = options;
  const { headers, ...others } = rest;
  if (headers !== undefined) {
    warn("option 'headers' is not used with gRPC and is ignored; give metadata.");
  }
  const secure = isSecure(credentials);
  if (secure === true && tls === undefined) {
    warn(
      "what is in option 'credentials' cannot be read: TLS is used with the roots of Node and no " +
        'client certificate. Give tls: { ca, cert, key }, or tls: {} if that is right, and tokens as metadata.',
    );
  }
  return {
    ...others,
    url: grpcUrl("option 'url'", url, secure, { env, warn, signal }),
    headers: metadataTexts(metadata),
    httpAgentOptions: group('tls', tls),
  };
}

function isSecure(credentials: GrpcCredentials | undefined): boolean | undefined {
  if (credentials === undefined) return undefined;
  if (typeof credentials !== 'object') {
    throw refused('credentials', credentials, "grpc-js's ChannelCredentials");
  }
  return credentials._isSecure?.() ?? true;
}

/** Several values of a key are one, with commas (gRPC: Custom-Metadata). */
function metadataTexts(metadata: OTLPGRPCExporterConfig['metadata']): Record<string, string> {
  if (metadata === undefined) return {};
  const texts: Record<string, string> = {};
  for (const [key, values] of valuesOf(group('metadata', metadata))) {
    texts[key] = values.map((value) => textOf(key, value)).join(',');
  }
  return texts;
}

function valuesOf(metadata: object): [key: string, values: readonly unknown[]][] {
  const { getMap, get } = metadata as Partial<GrpcMetadata>;
  if (typeof getMap === 'function' && typeof get === 'function') {
    return Object.keys(getMap.call(metadata)).map((key) => [key, get.call(metadata, key)]);
  }
  return Object.entries(metadata).map(([key, value]) => [
    key,
    Array.isArray(value) ? value : [value],
  ]);
}

function textOf(key: string, value: unknown): string {
  if (value instanceof Uint8Array) {
    if (key.toLowerCase().endsWith('-bin')) return btoa(String.fromCharCode(...value));
    throw refusedEntry(
      'metadata',
      `${shown(key)} of bytes`,
      "bytes only to keys that end in '-bin'",
    );
  }
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  const seen = value === null || value === undefined ? String(value) : typeShown(value);
  throw refusedEntry('metadata', `${shown(key)} whose value is ${seen}`, 'strings or bytes');
}
