import {
  context as contextApi,
  propagation as propagationApi,
  type Tracer,
  type TracerProvider,
  trace as traceApi,
} from '@opentelemetry/api';
import { BaggagePropagator } from './api/propagation/baggage.ts';
import { compositePropagator } from './api/propagation/composite.ts';
import { TraceContextPropagator } from './api/propagation/trace-context.ts';
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
import { authenticated } from './deliver/auth.ts';
import type { Transport } from './deliver/transport.ts';
import { type Engine, selectEngine } from './engine/select.ts';
import { OtlpError } from './errors.ts';
import { lossReporter } from './health/losses.ts';
import {
  type ContextHealth,
  endpointHealth,
  type FlushReport,
  type Health,
  shownUrl,
  totalDropped,
  traceHealth,
} from './health/report.ts';
import { resolveAuth } from './options/auth.ts';
import { LONGEST_MS } from './options/delivery.ts';
import type { StartOptions } from './options/options.ts';
import { resolveOptions } from './options/resolve.ts';
import { Pipeline } from './pipeline.ts';
import { bodiesOn, PROTOBUF } from './request-bodies.ts';
import type { Host, HostContext } from './runtime/host.ts';
import { deliverOn, inTime, MAX_WAITING, memoryFor, transportOptions } from './wiring.ts';

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
  /**
   * Installs this telemetry as the OpenTelemetry globals: tracer provider, propagator and the
   * best context manager the host can have (`health().context`). Instrumentation finds it
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
const FOREIGN_CONTEXT: ContextHealth = {
  manager: 'foreign',
  reason: 'another context manager was registered before; it stays',
};

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
  const variables = host.variables?.(host.env, warn);
  const settings = resolveOptions(options, variables, host);
  const auth = resolveAuth(options, host);

  const otlp = () => {
    const agent = host.agentFromEnv?.(host.env, warn) ?? {};
    const reached = authenticated(host, { ...transportOptions(settings), agent }, auth);
    // Where there is none, the options have been refused.
    return settings.protocol === 'grpc'
      ? host.grpcTransport!(reached)
      : host.httpTransport(reached);
  };
  const exporter =
    options.transport ?? host.exporter?.('traces', host.env, warn, { otlp }) ?? otlp();
  // With nowhere to go, spans are recorded only for those who process them.
  const nowhere = exporter === 'none';
  const disabled = settings.disabled || (nowhere && settings.spanProcessors.length === 0);
  // Opens nothing until it is sent to.
  const transport: Transport = nowhere ? otlp() : exporter;
  const policy = { ...settings.compression };
  if (transport.compression === 'none') policy.encoding = 'identity';
  const deliver = deliverOn(host, transport, settings, { policy, warn });

  const clock = new Clock(host.now, host.unixNow, host.originMs(), host.hrtime);
  const pipeline = new Pipeline({
    signal: 'traces',
    host,
    deliver,
    beforeBatch: () => {
      clock.check();
      losses.sometimes();
      if (detection.fresh) completeResource();
    },
    batch: settings.batch,
    maxWaiting: MAX_WAITING,
  });

  const losses = lossReporter(
    () => ({ traces: traceHealth(pipeline, deliver), lastError: deliver.stats().lastError }),
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
    pipeline.patient = true;
    void detection.settled.then(() => {
      if (detection.fresh) completeResource();
      pipeline.settled();
    });
  }

  /** What was found since the start, for the spans that wait as well. */
  function completeResource(): void {
    const { attributes, schemaUrl } = detection.resource();
    const completed = describe(around(attributes));
    const written = pipeline.redescribe(resourceGroup, completed, schemaUrl);
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
      sink: nowhere ? NOWHERE : pipeline,
      processors,
      late: pipeline.late,
      ids,
      sampler: disabled ? NEVER : (options.sampler ?? ownSampler),
    },
    resourceGroup,
  );

  const { ringBytes, maxRequestBytes } = settings;
  const plan = memoryFor(ringBytes, maxRequestBytes, policy, host.native);
  let engine: Engine | undefined;
  let engineProblem: string | undefined;
  const open = (selected: Engine) => {
    engine = selected;
    pipeline.open({
      engine: selected,
      ring: new Ring(selected, ringBytes, undefined, { at: plan.ringAt }),
      makeBody: bodiesOn(
        { signal: 'traces', engine: selected, plan, policy, host },
        format(),
        warn,
      ),
      request: plan.request,
    });
  };
  // Other transports than OTLP's read protobuf.
  const isJson = settings.protocol === 'http/json' && transport.name === undefined;
  if (settings.protocol === 'http/json' && transport.name?.split(',').includes('otlp') === true) {
    warn(
      'the protocol is http/json, but OTEL_TRACES_EXPORTER has others besides; all get protobuf.',
    );
  }
  function format() {
    if (!isJson) return PROTOBUF;
    return import('./exporters/json-format.ts').then((json) => json.JSON_FORMAT);
  }
  const selected = selectEngine(host.engines, options.engine, plan.bytes);
  const loaded =
    'then' in selected
      ? selected.then(open, (error: unknown) => {
          engineProblem = `could not be loaded: ${String(error).slice(0, 160)}`;
          pipeline.abandonWaiting();
          warn(`no engine: ${engineProblem}; nothing is exported.`);
        })
      : open(selected);

  function report(complete: boolean): FlushReport {
    const traces = traceHealth(pipeline, deliver);
    return {
      complete,
      recorded: traces.recorded,
      sent: traces.sent,
      rejected: traces.rejected,
      dropped: totalDropped(traces),
      queued: traces.queued,
      lastError: deliver.stats().lastError,
    };
  }

  /** Hands what is recorded to delivery. */
  async function handOver(): Promise<boolean> {
    if (detection.running > 0 && pipeline.queued > 0) {
      await inTime(host, detection.settled, DETECTION_WAIT_MS);
    }
    await loaded;
    await pipeline.drained();
    return true;
  }

  /** All waits share one deadline. */
  async function finish(end: 'drained' | 'close'): Promise<boolean> {
    const within = settings.flushTimeoutMs;
    const deadlineAt = host.now() + within;
    // By itself, so that without processors nobody waits a turn longer.
    const processed =
      processors === null ||
      inTime(host, end === 'close' ? processors.shutdown() : processors.flushed(), within);
    const handed = await inTime(host, handOver(), within);
    if (end === 'close') pipeline.abandonWaiting();
    const answered = await deliver[end](Math.max(0, deadlineAt - host.now()));
    return (await processed) && handed && answered;
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
      const { congestion } = pipeline;
      if (congestion === undefined && !pipeline.backlogged) return deliver.ready(left());
      // Otherwise the turns in which batches leave the ring, and in which requests are answered.
      const progress = congestion?.then(() => true) ?? turn();
      if (!(await inTime(host, progress, Math.min(left(), LONGEST_MS)))) return false;
    }
  }

  let down: Promise<FlushReport> | undefined;
  async function close(): Promise<FlushReport> {
    pipeline.closed = true;
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
      `${what} is not complete, ${queued} spans still wait${why}; raise flushTimeoutMs, or see health().`,
    );
  }

  const stopWatching = settings.flushOnExit
    ? host.onExit({
        flush: async () => (await flush()).complete,
        lost: () => {
          pipeline.closed = true;
          pipeline.abandonWaiting();
          pipeline.drain();
          deliver.abandon();
          losses.always();
        },
      })
    : undefined;

  let registered = false;
  let context: HostContext | ContextHealth = NO_CONTEXT;
  let unregister = () => {};
  function register(this: Telemetry): Telemetry {
    if (registered) return this;
    registered = true;
    const taken: string[] = [];
    const owned: (() => void)[] = [];
    if (traceApi.setGlobalTracerProvider(provider)) owned.push(() => traceApi.disable());
    else taken.push('tracer provider');
    const propagator =
      options.propagator ??
      host.propagator?.(host.env, warn) ??
      compositePropagator([new TraceContextPropagator(), new BaggagePropagator()]);
    if (propagationApi.setGlobalPropagator(propagator)) owned.push(() => propagationApi.disable());
    else taken.push('propagator');
    const offered = host.contextManager();
    if (contextApi.setGlobalContextManager(offered.manager.enable())) {
      owned.push(() => contextApi.disable());
      context = offered;
    } else {
      offered.manager.disable();
      context = FOREIGN_CONTEXT;
      // Whoever brought one to a host that can only offer the stack has the better one.
      if (offered.kind !== 'stack') taken.push('context manager');
    }
    if (taken.length > 0) {
      // Says who was first, where it is `otlp-wasm/register`.
      const first = (globalThis as { [key: symbol]: unknown })[Symbol.for('otlp-wasm.registered')];
      warn(
        `${first ?? 'another OpenTelemetry SDK'} has registered its ${taken.join(', ')} before; ` +
          `it stays. Remove that registration to use this one.`,
      );
    }
    unregister = () => {
      for (const release of owned) release();
      registered = false;
      context = NO_CONTEXT;
      unregister = () => {};
    };
    return this;
  }

  return {
    tracer: (name, version) => provider.getTracer(name, version),
    tracerProvider: Object.assign(provider, {
      forceFlush: () => completed('forceFlush', flush()),
      shutdown: () => completed('shutdown', shutdown()),
    }),
    register,
    flush,
    ready,
    shutdown,
    health: () => {
      const stats = deliver.stats();
      return {
        engine: {
          name: engine?.name ?? 'loading',
          reason: engine?.reason ?? engineProblem ?? 'the portable engine is being loaded',
        },
        signals: { traces: traceHealth(pipeline, deliver) },
        detectors: detection.detectors.map(({ name, state }) => ({ name, state })),
        context: 'kind' in context ? { manager: context.kind, reason: context.reason } : context,
        endpoints: [endpointHealth(transport.name ?? shownUrl(settings.url), policy, stats)],
        redacted: settings.redaction && { ...settings.redaction.counts },
        memory: {
          engineBytes: engine?.buffer.byteLength ?? 0,
          ring: {
            bytes: ringBytes,
            used: pipeline.parts?.ring.used ?? 0,
            records: pipeline.parts?.ring.count ?? 0,
          },
          strings: pipeline.parts?.ring.strings.usage ?? { strings: 0, bytes: 0, epoch: 0 },
          queueBytes: stats.queuedBytes,
        },
      };
    },
  };
}
