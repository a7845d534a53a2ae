import type { Attributes } from '@opentelemetry/api';
import type { Compression } from '../compress/compress.ts';
import type { RecordedSignal } from '../deliver/transport.ts';
import { anyOf, checkedEndpoint, headerProblem, shown, signalUrl } from './checks.ts';
import { grpcUrl } from './grpc-url.ts';
import { once } from './once.ts';
import type { Protocol } from './options.ts';
import { type Env, exporterVariables, setVariables } from './variables.ts';

type Warn = (line: string) => void;

/** Default and bounds of a number, both allowed. */
export type Range = readonly [fallback: number, min: number, max: number];

/**
 * What the environment says for options that are left out. Each is undefined for what it does not
 * say; what cannot be used is warned of. Hosts without an environment have none.
 */
export interface Variables {
  number(option: string, range: Range): number | undefined;
  url(): string | undefined;
  headers(): Readonly<Record<string, string>>;
  /** As `grpcUrl` has it. */
  grpcUrl(option: string, value: string | undefined): string;
  /**
   * @param fallback what is used in place of a value that cannot be.
   * @param known values that can be used.
   */
  compression<T extends Compression>(fallback: T, known: readonly T[]): T | undefined;
  /** As `compression`. */
  protocol(fallback: Protocol, known: readonly Protocol[]): Protocol | undefined;
  detectors(): readonly string[] | undefined;
  disabled(): boolean;
  /** What the same environment says for another signal. */
  of(signal: RecordedSignal): Variables;
  /** An option that is one of a few texts, in any case (specification, "Enum"). */
  choice<T extends string>(option: string, fallback: T, known: readonly T[]): T | undefined;
  /** `OTEL_RESOURCE_ATTRIBUTES` and, which wins, `OTEL_SERVICE_NAME`. */
  resource(): Attributes;
}

const COUNT = 'OTEL_ATTRIBUTE_COUNT_LIMIT';

/** Variables of each option that is a number, most specific first. */
const NUMBERS: Readonly<Record<string, readonly string[]>> = {
  'batch.size': ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE'],
  'batch.delayMs': ['OTEL_BSP_SCHEDULE_DELAY'],
  'limits.attributes': ['OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', COUNT],
  'limits.attributeValueLength': [
    'OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT',
    'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT',
  ],
  'limits.events': ['OTEL_SPAN_EVENT_COUNT_LIMIT'],
  'limits.links': ['OTEL_SPAN_LINK_COUNT_LIMIT'],
  'limits.attributesPerEvent': ['OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT', COUNT],
  'limits.attributesPerLink': ['OTEL_LINK_ATTRIBUTE_COUNT_LIMIT', COUNT],
  'logs.batch.size': ['OTEL_BLRP_MAX_EXPORT_BATCH_SIZE'],
  'logs.batch.delayMs': ['OTEL_BLRP_SCHEDULE_DELAY'],
  'logs.limits.attributes': ['OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT', COUNT],
  'logs.limits.attributeValueLength': [
    'OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT',
    'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT',
  ],
  'metrics.intervalMs': ['OTEL_METRIC_EXPORT_INTERVAL'],
  'metrics.timeoutMs': ['OTEL_METRIC_EXPORT_TIMEOUT'],
};

/** Variables of each option that is one of a few texts. */
const CHOICES: Readonly<Record<string, string>> = {
  'metrics.temporality': 'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE',
  'metrics.histogramAggregation': 'OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION',
  'metrics.exemplarFilter': 'OTEL_METRICS_EXEMPLAR_FILTER',
};

/** `key=value,key=value`, percent-encoded (OTLP exporter, "Specifying headers via environment variables"). */
function parseHeaders(text: string): Record<string, string> | undefined {
  const headers: Record<string, string> = {};
  for (const pair of text.split(',')) {
    if (pair.trim() === '') continue;
    const at = pair.indexOf('=');
    if (at < 1) return undefined;
    try {
      headers[pair.slice(0, at).trim()] = decodeURIComponent(pair.slice(at + 1).trim());
    } catch {
      return undefined;
    }
  }
  return headers;
}

/**
 * Reads `key=value,key=value`. Keys and values are percent-encoded where they hold a comma or an
 * equals sign. Any error discards the whole value, as the specification wants: half a resource
 * would be a different resource.
 */
function resourceAttributes(text: string, warn: Warn): Attributes {
  const attributes: Attributes = {};
  const members = text.split(',');
  for (const [index, member] of members.entries()) {
    if (member.trim() === '') continue;
    const [key, value, ...rest] = member.split('=').map(percentDecoded);
    let wrong: string | undefined;
    if (value === undefined && member.indexOf('=') < 0) wrong = 'has no "="';
    else if (rest.length > 0) wrong = 'has more than one "=" (write %3D for those of the value)';
    else if (key === undefined || value === undefined) wrong = 'is not percent-encoded correctly';
    else if (key === '') wrong = 'has no key';
    else attributes[key] = value;
    if (wrong !== undefined) {
      // Only the key is shown: a value that came here by mistake may be a secret.
      const shown = member.includes('=') ? member.split('=')[0]!.trim().slice(0, 64) : '';
      const named = shown === '' ? '' : ` (${shown})`;
      warn(
        `OTEL_RESOURCE_ATTRIBUTES is ignored: member ${index + 1}${named} ${wrong}. ` +
          'Expected key=value,key=value.',
      );
      return {};
    }
  }
  return attributes;
}

function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.trim());
  } catch {
    return undefined;
  }
}

/**
 * Reads variables of the specification ("SDK environment variables", "OTLP exporter").
 *
 * @param tell is told of what is of no use.
 * @param signal whose variables of the exporter are read besides those for all.
 */
export function variablesOf(
  env: Env,
  tell: Warn,
  signal: RecordedSignal = 'traces',
  said = new Set<string>(),
): Variables {
  /** What several signals read is warned of once. */
  const warn = once(tell, said);

  const given = (...names: readonly string[]) => setVariables(env, names);

  function oneOf<T extends string>(
    names: readonly string[],
    fallback: T,
    known: readonly T[],
  ): T | undefined {
    const [found] = given(...names);
    if (found === undefined) return undefined;
    const text = found.text.toLowerCase() as T;
    if (known.includes(text)) return text;
    warn(`${found.name} is ${shown(found.text)}, not ${anyOf(known)}; ${fallback} is used.`);
    return undefined;
  }

  return {
    number(option, [fallback, min, max]) {
      const usable = (text: string) => Number(text) >= min && Number(text) <= max;
      const isTimeout = option === 'timeoutMs' || option === 'timeoutMillis';
      const names = isTimeout ? exporterVariables('TIMEOUT', signal) : NUMBERS[option];
      const all = given(...(names ?? []));
      if (all.length === 0) return undefined;
      const first = all.findIndex(({ text }) => usable(text));
      const used = first < 0 ? undefined : Number(all[first]!.text);
      for (const { name, text } of first < 0 ? all : all.slice(0, first)) {
        // A general variable is read for several options.
        if (said.has(name)) continue;
        said.add(name);
        const instead = `${used ?? fallback} is used`;
        warn(`${name} is ${shown(text)}, not a number from ${min} to ${max}; ${instead}.`);
      }
      return used;
    },

    url() {
      const names = exporterVariables('ENDPOINT', signal);
      for (const { name, text } of given(...names)) {
        try {
          const url = checkedEndpoint(name, text);
          return name === names[0] ? url : signalUrl(url, signal);
        } catch (error) {
          warn(`${(error as Error).message} It is ignored.`);
        }
      }
      return undefined;
    },

    headers() {
      const headers: Record<string, string> = {};
      for (const { name, text } of given(...[...exporterVariables('HEADERS', signal)].reverse())) {
        const parsed = parseHeaders(text);
        const problem =
          parsed === undefined
            ? 'is not a list of key=value pairs'
            : Object.entries(parsed)
                .map(([key, value]) => headerProblem(key, value))
                .filter((one) => one !== undefined)
                .map((one) => `has an entry ${one}`)[0];
        if (problem === undefined) Object.assign(headers, parsed);
        else warn(`${name} ${problem}; it is ignored.`);
      }
      return headers;
    },

    grpcUrl: (option, value) => grpcUrl(option, value, undefined, { env, warn, signal }),

    compression: (fallback, known) =>
      oneOf(exporterVariables('COMPRESSION', signal), fallback, known),

    protocol: (fallback, known) => oneOf(exporterVariables('PROTOCOL', signal), fallback, known),

    choice: (option, fallback, known) => oneOf([CHOICES[option]!], fallback, known),

    detectors() {
      const [found] = given('OTEL_NODE_RESOURCE_DETECTORS');
      // Upstream's names. The variables of the specification are read in any case (`env`).
      return found?.text
        .split(',')
        .map((name) => name.trim())
        .filter((name) => !['', 'env', 'none'].includes(name))
        .map((name) => (name === 'serviceinstance' ? 'service' : name));
    },

    of: (other) => variablesOf(env, tell, other, said),

    /** Whatever is not "true" is false (specification, "Boolean value"). */
    disabled() {
      const [found] = given('OTEL_SDK_DISABLED');
      if (found === undefined) return false;
      const text = found.text.toLowerCase();
      if (text !== 'true' && text !== 'false') {
        warn(`OTEL_SDK_DISABLED is ${shown(found.text)}, not true or false; false is used.`);
      }
      return text === 'true';
    },

    resource() {
      const attributes = resourceAttributes(env['OTEL_RESOURCE_ATTRIBUTES'] ?? '', warn);
      const serviceName = env['OTEL_SERVICE_NAME'];
      return serviceName ? { ...attributes, 'service.name': serviceName } : attributes;
    },
  };
}
