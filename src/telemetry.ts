import type { Meter, MeterProvider, Tracer, TracerProvider } from '@opentelemetry/api';
import type { LoggerConfigurator } from './api/log/config.ts';
import { LogRecordProcessors } from './api/log/processors.ts';
import { RecordingLoggerProvider } from './api/log/provider.ts';
import type { Logger, LoggerProvider } from './api/log/types.ts';
import type { MeterProviderOptions } from './api/metric/provider.ts';
import { chooseDetectors, startDetection } from './api/resource/detection.ts';
import { serviceDetector } from './api/resource/detectors/service.ts';
import { resourceAround } from './api/resource.ts';
import { describe } from './api/trace/attributes.ts';
import { Clock } from './api/trace/clock.ts';
import { GeneratedIds, RandomWords } from './api/trace/ids.ts';
import { SpanProcessors } from './api/trace/processors.ts';
import { RecordingTracerProvider } from './api/trace/provider.ts';
import type { TraceSampler } from './api/trace/tracer.ts';
import { Group } from './buffer/record.ts';
import { Ring } from './buffer/ring.ts';
import { ShapeTree } from './buffer/shape.ts';
import type { CompressionPolicy } from './compress/compress.ts';
import type { RecordedSignal } from './deliver/transport.ts';
import { type Destinations, destinationsOn } from './destinations.ts';
import { type Engine, selectEngine } from './engine/select.ts';
import { OtlpError } from './errors.ts';
import { registerGlobals } from './globals.ts';
import { lossReporter } from './health/losses.ts';
import {
  type ContextHealth,
  type FlushReport,
  type Health,
  type RingHealth,
  signalHealth,
  totalDropped,
} from './health/report.ts';
import { metricsOn } from './metering.ts';
import { resolveAuth } from './options/auth.ts';
import { LONGEST_MS } from './options/delivery.ts';
import { once } from './options/once.ts';
import type { StartOptions } from './options/options.ts';
import { resolveOptions } from './options/resolve.ts';
import { Pipeline, type PipelineOptions } from './pipeline.ts';
import { bodiesOn, PROTOBUF } from './request-bodies.ts';
import type { Host, HostContext } from './runtime/host.ts';
import { inTime, MAX_WAITING, memoryFor } from './wiring.ts';

/**
 * What instrumentation asks of a tracer provider beyond the API (specification, "Tracer
 * Provider"): AWS Lambda's waits for it before the function is frozen.
 */
export interface Flushable {
  /** As `Telemetry.flush`; rejects with an OtlpError `timeout` when that is not complete. */
  forceFlush(): Promise<void>;
  /** As `Telemetry.shutdown`; rejects with an OtlpError `timeout` when that is not complete. */
  shutdown(): Promise<void>;
}

/** A running telemetry. Everything it does is bounded in memory and accounted for. */
export interface Telemetry {
  /** A tracer for one instrumentation scope; the same name and version give the same one. */
  tracer(name: string, version?: string): Tracer;
  readonly tracerProvider: TracerProvider & Flushable;
  /** The same of a meter. */
  meter(name: string, version?: string): Meter;
  readonly meterProvider: MeterProvider &
    Flushable & {
      /** Changes views, the exemplar filter and the like, also of instruments there are. */
      update(options: MeterProviderOptions): void;
    };
  /** The same of a logger, of the logs API of `@opentelemetry/api` 1.10 or `@opentelemetry/api-logs`. */
  logger(name: string, version?: string): Logger;
  readonly loggerProvider: LoggerProvider &
    Flushable & {
      /** Changes what loggers let through, those that exist included. Undefined: everything. */
      configureLoggers(configurator: LoggerConfigurator | undefined): void;
    };
  /**
   * Installs this telemetry as the OpenTelemetry globals: tracer, meter and logger provider,
   * propagator and the best context manager the host can have (`health().context`). Instrumentation finds it
   * there. A global that is taken already stays; a warning says so.
   */
  register(): this;
  /**
   * Resolves when what was recorded before the call is answered or given up, or after
   * `flushTimeoutMs`; the report says which. Never rejects.
   */
  flush(): Promise<FlushReport>;
  /**
   * Back-pressure for programs that record faster than can be delivered: resolves `true` as soon as
   * there is room again, at once while there is; `false` when there is still none after `withinMs`
   * (default: no bound). Recording itself never waits: what has no room is dropped and counted.
   */
  ready(withinMs?: number): Promise<boolean>;
  /** Counts and states of this moment. Costs nothing until it is called. */
  health(): Health;
  /**
   * Flushes, then closes connections and timers and gives the globals back. What is recorded
   * afterwards is counted as dropped. Never rejects; a second call returns the first one's
   * report.
   */
  shutdown(): Promise<FlushReport>;
}

/** Takes ended spans where nothing is exported. */
const NOWHERE = { end() {} };

const NEVER: TraceSampler = {
  always: 0,
  shouldSample: () => ({ decision: 0 }),
  toString: () => 'disabled',
};

const NO_CONTEXT: ContextHealth = { manager: 'none', reason: 'register() installs one' };

/** How long `flush`, `shutdown` and the end of the process wait for resource detectors at most. */
const DETECTION_WAIT_MS = 500;

/**
 * Starts telemetry on a host: wires the path once. Entries bind the host, so users call
 * `start(options)`.
 *
 * @throws OtlpError `invalid_option`, `engine_unavailable`
 */
export function startOn(host: Host, options: StartOptions = {}): Telemetry {
  const warn = (line: string) => host.warn(`otlp-wasm: ${line}`);
  const warnOnce = once(warn);
  const variables = host.variables?.(host.env, warn);
  const settings = resolveOptions(options, variables, host);
  const auth = resolveAuth(options, host);

  let isExposed = false;
  const prometheus = host.prometheus && {
    prometheus: () => {
      isExposed = true;
    },
  };
  const parts = { settings, auth, warn, warnOnce, ...prometheus };
  const destinations = destinationsOn(host, options, parts);
  const { nowhere } = destinations;
  const { spanProcessors } = settings;
  // With nowhere to go, spans are recorded only for those who process them.
  const disabled = settings.disabled || (nowhere.has('traces') && spanProcessors.length === 0);

  const clock = new Clock(host.now, host.unixNow, host.originMs(), host.hrtime);
  const beforeBatch = () => {
    clock.check();
    losses.sometimes();
    if (detection.fresh) completeResource();
  };
  const pipelineOf = (signal: 'traces' | 'logs', batch: PipelineOptions['batch']) => {
    const { deliver } = destinations[signal];
    return new Pipeline({ signal, host, deliver, beforeBatch, batch, maxWaiting: MAX_WAITING });
  };
  const spans = pipelineOf('traces', settings.batch);
  const logs = pipelineOf('logs', settings.logs.batch);
  const pipelines = [spans, logs];

  const losses = lossReporter(
    () => ({ ...signalsHealth(), lastError: lastError(destinations) }),
    host.now,
    warn,
  );

  const random = new RandomWords(host.fillRandom);
  const { idGenerator } = options;
  const ids = idGenerator === undefined ? random : new GeneratedIds(idGenerator, random, warn);
  const processors =
    settings.spanProcessors.length === 0 ? null : new SpanProcessors(settings.spanProcessors);

  const { serviceName, resource } = options;
  const around = resourceAround({ serviceName, resource, host, fromEnv: variables?.resource() });
  const detection = startDetection(
    settings.disabled
      ? []
      : chooseDetectors(settings.detectors, [serviceDetector, ...host.detectors], warn),
    host,
    warn,
  );
  detection.fresh = false;
  const detected = detection.resource();
  const described = around(detected.attributes);
  const resourceGroup = new Group(describe(described), { schemaUrl: detected.schemaUrl });
  if (detection.running > 0) {
    for (const pipeline of pipelines) pipeline.patient = true;
    void detection.settled.then(() => {
      if (detection.fresh) completeResource();
      for (const pipeline of pipelines) pipeline.settled();
    });
  }

  /** What was found since the start, for the records that wait as well. */
  function completeResource(): void {
    const { attributes, schemaUrl } = detection.resource();
    const completed = describe(around(attributes));
    const written = spans.redescribe(resourceGroup, completed, schemaUrl);
    if (written === 'written') metrics.redescribe(completed, schemaUrl);
    // No place in the ring or its table: tried again with the next batch.
    detection.fresh = written === 'full';
    if (written === 'too_large') {
      warn(
        'what resource detectors found is too large for the ring and left out; raise ringBytes.',
      );
    }
  }

  const ownSampler =
    disabled || options.sampler !== undefined
      ? undefined
      : host.sampler?.(host.env, warn, String(described['service.name']));
  const provider = new RecordingTracerProvider(
    {
      clock,
      spanShapes: new ShapeTree(settings.bounds.span, settings.redaction),
      eventShapes: new ShapeTree(settings.bounds.event, settings.redaction),
      linkShapes: new ShapeTree(settings.bounds.link, settings.redaction),
      limits: settings.limits,
      sink: nowhere.has('traces') ? NOWHERE : spans,
      processors,
      late: spans.late,
      ids,
      sampler: disabled ? NEVER : (options.sampler ?? ownSampler),
    },
    resourceGroup,
  );

  const logProcessors =
    settings.logs.processors.length === 0
      ? null
      : new LogRecordProcessors(settings.logs.processors);
  const loggerProvider = new RecordingLoggerProvider(
    {
      clock,
      logShapes: new ShapeTree(settings.logs.bounds, settings.redaction),
      sink: settings.disabled || nowhere.has('logs') ? null : logs,
      processors: settings.disabled ? null : logProcessors,
      configurator: options.logs?.configurator,
    },
    resourceGroup,
  );

  const { ringBytes, maxRequestBytes } = settings;
  const policies = destinations.all.map(({ policy }) => policy);
  const plan = memoryFor(ringBytes, maxRequestBytes, policies, { ...host, withLogs: true });
  let engine: Engine | undefined;
  let engineProblem: string | undefined;
  const open = (selected: Engine) => {
    engine = selected;
    const { request } = plan;
    const ring = new Ring(selected, ringBytes, undefined, { at: plan.ringAt });
    const beside = { at: plan.logRingAt, beside: ring };
    const logRing = new Ring(selected, plan.logRingBytes, ring.recordBytes, beside);
    spans.open({ engine: selected, ring, makeBody: bodiesOf('traces', selected), request });
    logs.open({ engine: selected, ring: logRing, makeBody: bodiesOf('logs', selected), request });
    metrics.open(selected, bodiesOf('metrics', selected), request);
  };
  const compressors = new Map<CompressionPolicy, ReturnType<Host['compressor']>>();
  /** What compresses for signals that go to one place is loaded once. */
  const sharing: Pick<Host, 'gzip' | 'compressor'> = {
    gzip: host.gzip,
    compressor(parts) {
      const { policy } = parts;
      const loading = compressors.get(policy) ?? host.compressor(parts);
      compressors.set(policy, loading);
      return loading;
    },
  };
  function bodiesOf(signal: RecordedSignal, on: Engine) {
    const { policy } = destinations[signal];
    return bodiesOn(
      { signal, engine: on, plan, policy, host: sharing },
      formatOf(signal),
      warnOnce,
    );
  }
  function formatOf(signal: RecordedSignal) {
    const { protocol } = signal === 'traces' ? settings : settings[signal];
    const { name } = destinations[signal].transport;
    if (protocol !== 'http/json') return PROTOBUF;
    if (name?.split(',').includes('otlp') === true) {
      const variable = `OTEL_${signal.toUpperCase()}_EXPORTER`;
      warn(`the protocol is http/json, but ${variable} has others besides; all get protobuf.`);
    }
    // Other transports than OTLP's read protobuf.
    if (name !== undefined) return PROTOBUF;
    return import('./exporters/json-format.ts').then((json) => json.JSON_FORMAT);
  }
  const metrics = metricsOn(host, {
    settings: settings.metrics,
    options,
    nowhere: nowhere.has('metrics'),
    disabled: settings.disabled,
    isConsole: destinations.metrics.transport.name === 'console',
    deliver: destinations.metrics.deliver,
    clock,
    resource: resourceGroup,
    warn,
  });
  if (isExposed && !settings.disabled) metrics.expose(host.prometheus!());
  const selected = selectEngine(host.engines, options.engine, plan.bytes);
  const loaded =
    'then' in selected
      ? selected.then(open, (error: unknown) => {
          engineProblem = `could not be loaded: ${String(error).slice(0, 160)}`;
          for (const pipeline of pipelines) pipeline.abandonWaiting();
          metrics.abandon();
          warn(`no engine: ${engineProblem}; nothing is exported.`);
        })
      : open(selected);

  function signalsHealth(): Health['signals'] {
    const statsOf = (signal: RecordedSignal) => destinations[signal].deliver.statsOf(signal);
    return {
      traces: { ...signalHealth(spans, statsOf('traces')), lateCalls: spans.late.calls },
      logs: signalHealth(logs, statsOf('logs')),
      metrics: metrics.health(statsOf('metrics')),
    };
  }

  function report(complete: boolean): FlushReport {
    const all = Object.values(signalsHealth());
    const sum = (count: (signal: (typeof all)[number]) => number) =>
      all.reduce((total, signal) => total + count(signal), 0);
    return {
      complete,
      recorded: sum(({ recorded }) => recorded),
      sent: sum(({ sent }) => sent),
      rejected: sum(({ rejected }) => rejected),
      dropped: sum(totalDropped),
      queued: sum(({ queued }) => queued),
      lastError: lastError(destinations),
    };
  }

  /** Hands what is recorded to delivery. */
  async function handOver(): Promise<boolean> {
    const queued = spans.queued + logs.queued;
    if (detection.running > 0 && (queued > 0 || metrics.used)) {
      await inTime(host, detection.settled, DETECTION_WAIT_MS);
    }
    await loaded;
    await Promise.all(pipelines.map((pipeline) => pipeline.drained()));
    return true;
  }

  /** All waits share one deadline. */
  async function finish(end: 'drained' | 'close', atExit = false): Promise<boolean> {
    const within = settings.flushTimeoutMs;
    const deadlineAt = host.now() + within;
    // By themselves, so that without processors nobody waits a turn longer.
    const processed = [processors, logProcessors].flatMap((each) =>
      each === null ? [] : inTime(host, end === 'close' ? each.shutdown() : each.flushed(), within),
    );
    const collecting = metrics.used
      ? inTime(
          host,
          end === 'close' ? metrics.shutdown(within) : metrics.flushed(within, atExit),
          within,
        )
      : true;
    const handed = await inTime(host, handOver(), within);
    const collected = await collecting;
    if (end === 'close') for (const pipeline of pipelines) pipeline.abandonWaiting();
    const left = Math.max(0, deadlineAt - host.now());
    const answered = await Promise.all(destinations.all.map(({ deliver }) => deliver[end](left)));
    const done = await Promise.all(processed);
    return [...done, handed, collected, ...answered].every(Boolean);
  }

  async function flush(): Promise<FlushReport> {
    return report(await finish('drained'));
  }

  async function ready(withinMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    const deadlineAt = host.now() + withinMs;
    const left = () => Math.max(0, deadlineAt - host.now());
    const turn = (): Promise<boolean> =>
      new Promise((resolve) => {
        host.soon(() => resolve(true));
      });
    if (engine === undefined) {
      const loading = Promise.resolve(loaded).then(() => true);
      if (!(await inTime(host, loading, Math.min(withinMs, LONGEST_MS)))) return false;
    }
    for (;;) {
      const waits = pipelines.flatMap(({ congestion }) => congestion ?? []);
      const congestion = waits.length > 0 ? Promise.all(waits) : undefined;
      if (congestion === undefined && !pipelines.some(({ backlogged }) => backlogged)) {
        const delivers = destinations.all.map(({ deliver }) => deliver.ready(left()));
        return (await Promise.all(delivers)).every(Boolean);
      }
      // Otherwise the turns in which batches leave the ring, and in which requests are answered.
      const progress = congestion?.then(() => true) ?? turn();
      if (!(await inTime(host, progress, Math.min(left(), LONGEST_MS)))) return false;
    }
  }

  let down: Promise<FlushReport> | undefined;
  async function close(): Promise<FlushReport> {
    for (const pipeline of pipelines) pipeline.closed = true;
    ownSampler?.shutdown?.();
    const complete = await finish('close');
    stopWatching?.();
    unregister();
    losses.always();
    return report(complete);
  }

  const shutdown = () => (down ??= close());

  /** For those who wait for success alone. */
  async function completed(what: string, reported: Promise<FlushReport>): Promise<void> {
    const { complete, queued, lastError } = await reported;
    if (complete) return;
    const why = lastError === undefined ? '' : `; last error: ${lastError}`;
    throw new OtlpError(
      'timeout',
      `${what} is not complete, ${queued} records still wait${why}; raise flushTimeoutMs, or see health().`,
    );
  }

  const stopWatching = settings.flushOnExit
    ? host.onExit({
        flush: () => finish('drained', true),
        lost: () => {
          metrics.collectNow();
          for (const pipeline of pipelines) {
            pipeline.closed = true;
            pipeline.abandonWaiting();
            pipeline.drain();
          }
          for (const { deliver } of destinations.all) deliver.abandon();
          losses.always();
        },
      })
    : undefined;

  const flushable: Flushable = {
    forceFlush: () => completed('forceFlush', flush()),
    shutdown: () => completed('shutdown', shutdown()),
  };
  const providers = {
    tracerProvider: Object.assign(provider, flushable),
    meterProvider: Object.assign(metrics.provider, flushable),
    loggerProvider: Object.assign(loggerProvider, flushable),
  };

  const ringHealth = ({ parts }: Pipeline, bytes: number): RingHealth => ({
    bytes,
    used: parts?.ring.used ?? 0,
    records: parts?.ring.count ?? 0,
  });

  let registered = false;
  let context: HostContext | ContextHealth = NO_CONTEXT;
  let unregister = () => {};
  function register(this: Telemetry): Telemetry {
    if (registered) return this;
    registered = true;
    const { tracerProvider, meterProvider, loggerProvider: loggers } = providers;
    const measures = !nowhere.has('metrics') || isExposed || settings.metrics.readers.length > 0;
    const takesLogs = !nowhere.has('logs') || logProcessors !== null;
    const globals = registerGlobals(
      host,
      {
        tracerProvider,
        meterProvider: measures ? meterProvider : undefined,
        loggerProvider: takesLogs ? loggers : undefined,
        propagator: options.propagator,
      },
      warn,
    );
    context = globals.context;
    unregister = () => {
      globals.release();
      registered = false;
      context = NO_CONTEXT;
      unregister = () => {};
    };
    return this;
  }

  return {
    tracer: (name, version) => provider.getTracer(name, version),
    meter: (name, version) => metrics.provider.getMeter(name, version),
    logger: (name, version) => loggerProvider.getLogger(name, version),
    ...providers,
    register,
    flush,
    ready,
    shutdown,
    health: () => {
      const { all } = destinations;
      return {
        engine: {
          name: engine?.name ?? 'loading',
          reason: engine?.reason ?? engineProblem ?? 'the portable engine is being loaded',
        },
        signals: signalsHealth(),
        detectors: detection.detectors.map(({ name, state }) => ({ name, state })),
        context: 'kind' in context ? { manager: context.kind, reason: context.reason } : context,
        endpoints: all.map((destination) => destination.health()),
        redacted: settings.redaction && { ...settings.redaction.counts },
        memory: {
          engineBytes: engine?.buffer.byteLength ?? 0,
          ring: ringHealth(spans, ringBytes),
          logRing: ringHealth(logs, plan.logRingBytes),
          strings: spans.parts?.ring.strings.usage ?? { strings: 0, bytes: 0, epoch: 0 },
          queueBytes: all.reduce((sum, { deliver }) => sum + deliver.stats().queuedBytes, 0),
        },
      };
    },
  };
}

/** What the last failed attempt said, of the first place that has one. */
function lastError({ all }: Destinations): string | undefined {
  for (const { deliver } of all) {
    const { lastError: said } = deliver.stats();
    if (said !== undefined) return said;
  }
  return undefined;
}
