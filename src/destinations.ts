/** Where requests of each signal go: what goes to the same place shares queue and connections. */

import type { CompressionPolicy } from './compress/compress.ts';
import { type Auth, authenticated } from './deliver/auth.ts';
import type { Deliver } from './deliver/deliver.ts';
import type { RecordedSignal, Transport } from './deliver/transport.ts';
import { type EndpointHealth, endpointHealth, shownUrl } from './health/report.ts';
import type { StartOptions } from './options/options.ts';
import type { Settings, SignalSettings } from './options/resolve.ts';
import type { Host } from './runtime/host.ts';
import { deliverOn, transportOptions } from './wiring.ts';

/** One place that requests go to, of one signal or of several. */
export interface Destination {
  /** Signals that go there. */
  readonly signals: readonly RecordedSignal[];
  readonly transport: Transport;
  readonly deliver: Deliver;
  /** Follows what the endpoint refuses. */
  readonly policy: CompressionPolicy;
  health(): EndpointHealth;
}

export type Destinations = Readonly<Record<RecordedSignal, Destination>> & {
  /** Each of them once. */
  readonly all: readonly Destination[];
  /** Signals of which nothing is exported. */
  readonly nowhere: ReadonlySet<RecordedSignal>;
};

const RECORDED_SIGNALS: readonly RecordedSignal[] = ['traces', 'logs', 'metrics'];

/** What reaches a place. */
interface Way {
  readonly signals: RecordedSignal[];
  readonly settings: SignalSettings;
  open(urls: Partial<Record<RecordedSignal, string>>): Transport;
}

/** What destinations are made of. */
interface Parts {
  readonly settings: Settings;
  readonly auth: Auth | undefined;
  readonly warn: (line: string) => void;
  /** What is asked for each signal is warned of once. */
  readonly warnOnce: (line: string) => void;
  /** Called where metrics are for Prometheus to ask for. */
  readonly prometheus?: () => void;
}

export function destinationsOn(host: Host, options: StartOptions, parts: Parts): Destinations {
  const { settings, auth, warn, warnOnce, prometheus } = parts;
  const ofSignal = { traces: settings, logs: settings.logs, metrics: settings.metrics } as const;
  const ways = new Map<string, Way>();
  const nowhere = new Set<RecordedSignal>();

  for (const signal of RECORDED_SIGNALS) {
    const own = ofSignal[signal];
    const agent = host.agentFromEnv?.(host.env, warnOnce, signal) ?? {};
    const otlp: Way['open'] = (urls) => {
      const asked = { ...transportOptions({ ...settings, ...own }), agent, urls };
      const reached = authenticated(host, asked, auth);
      // Where there is none, the options have been refused.
      return own.protocol === 'grpc' ? host.grpcTransport!(reached) : host.httpTransport(reached);
    };
    const { transport } = options;
    const exposing = signal === 'metrics' && prometheus !== undefined && { prometheus };
    const wired = { otlp: () => otlp({}), ...exposing };
    const named = transport ?? host.exporter?.(signal, host.env, warnOnce, wired);
    if (named === 'none') nowhere.add(signal);
    const isOtlp = named === undefined || named === 'none';
    const key = transport !== undefined ? 'transport' : isOtlp ? keyOf(own, agent) : signal;
    const way = ways.get(key);
    if (way !== undefined) way.signals.push(signal);
    else ways.set(key, { signals: [signal], settings: own, open: isOtlp ? otlp : () => named });
  }

  const found: Partial<Record<RecordedSignal, Destination>> = {};
  const all = [...ways.values()].map(({ signals, settings: own, open }) => {
    const urls = Object.fromEntries(signals.map((signal) => [signal, ofSignal[signal].url]));
    const transport = open(urls);
    const policy = { ...own.compression };
    if (transport.compression === 'none') policy.encoding = 'identity';
    const deliver = deliverOn(host, transport, settings, { policy, warn });
    const shown = transport.name ?? shownUrl(own.url);
    const health = () => ({ signals, ...endpointHealth(shown, policy, deliver.stats()) });
    const destination: Destination = { signals, transport, deliver, policy, health };
    for (const signal of signals) found[signal] = destination;
    return destination;
  });
  return { ...(found as Record<RecordedSignal, Destination>), all, nowhere };
}

/** The same for signals that may share connections. */
function keyOf(settings: SignalSettings, agent: object): string {
  const { url, headers, protocol, compression, timeoutMs } = settings;
  const { protocol: scheme, host, pathname } = new URL(url);
  const place = scheme === 'unix:' ? pathname : host;
  const tls = Object.entries(agent).map(([name, value]) => [name, String(value)]);
  return JSON.stringify([scheme, place, headers, protocol, compression, timeoutMs, tls]);
}
