import type { Sampler } from '@opentelemetry/api';
import { alwaysOff, alwaysOn } from '../api/trace/samplers/always.ts';
import { type JaegerRemoteOptions, jaegerRemote } from '../api/trace/samplers/jaeger-remote.ts';
import { parentBased } from '../api/trace/samplers/parent-based.ts';
import { quietProbability, traceIdRatioBased } from '../api/trace/samplers/probability.ts';
import { checkedUrl, shown } from './checks.ts';

type Env = Readonly<Record<string, string | undefined>>;
type Warn = (line: string) => void;

/** A sampler that telemetry made itself, and ends when it ends. */
export type OwnSampler = Sampler & { shutdown?(): void };

const SAMPLER = 'OTEL_TRACES_SAMPLER';
const ARG = 'OTEL_TRACES_SAMPLER_ARG';

const NAMES = [
  'always_on',
  'always_off',
  'traceidratio',
  'jaeger_remote',
  ...['parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio'],
  'parentbased_jaeger_remote',
];

/** Ports that Jaeger and the OpenTelemetry collector serve strategies on by gRPC. */
const GRPC_PORTS = ['14250', '5779'];
const LONGEST_MS = 2 ** 31 - 1;

/**
 * The sampler that `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` ask for (specification,
 * "General SDK Configuration"). Names in any case; what is empty is unset; what is not known or
 * cannot be read is told and ignored as a whole.
 *
 * @returns undefined when nothing is asked for, or what is done without a sampler anyway:
 *   `parentbased_always_on`.
 */
export function samplerFromEnv(env: Env, warn: Warn, serviceName: string): OwnSampler | undefined {
  const asked = env[SAMPLER]?.trim();
  if (!asked) return undefined;
  const name = asked.toLowerCase();
  if (name === 'xray') {
    warn(`${SAMPLER} is 'xray': AWS X-Ray sampling is not supported; it is ignored.`);
    return undefined;
  }
  if (!NAMES.includes(name)) {
    warn(`${SAMPLER} is ${shown(asked)}, not one of ${NAMES.join(', ')}; it is ignored.`);
    return undefined;
  }
  const follows = name.startsWith('parentbased_');
  const arg = env[ARG]?.trim() || undefined;
  const root = rootSampler(name.replace('parentbased_', ''), arg, { warn, serviceName });
  if (!follows) return root ?? alwaysOn();
  if (root === undefined) return undefined;
  const { shutdown } = root;
  return Object.assign(parentBased({ root }), shutdown === undefined ? {} : { shutdown });
}

/** Undefined is always on. */
function rootSampler(
  name: string,
  arg: string | undefined,
  options: { readonly warn: Warn; readonly serviceName: string },
): OwnSampler | undefined {
  const { warn } = options;
  if (name === 'traceidratio') return traceIdRatioBased(ratioOf(arg, warn));
  if (name === 'jaeger_remote') return jaegerRemote({ ...jaegerOptions(arg, warn), ...options });
  if (arg !== undefined) warn(`${ARG} is set, but ${SAMPLER} takes none; it is ignored.`);
  return name === 'always_off' ? alwaysOff() : undefined;
}

/** A decimal number, as a person writes it. */
function decimal(text: string): number {
  return /^\+?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
}

function isRatio(value: number): boolean {
  return value >= 0 && value <= 1;
}

function ratioOf(arg: string | undefined, warn: Warn): number {
  if (arg === undefined) return 1;
  const ratio = decimal(arg);
  if (isRatio(ratio)) return ratio;
  warn(`${ARG} is ${shown(arg)}, not a number from 0 to 1; 1 is used.`);
  return 1;
}

type JaegerArg = Pick<JaegerRemoteOptions, 'endpoint' | 'pollingIntervalMs' | 'initialSampler'>;

/** `endpoint=…,pollingIntervalMs=…,initialSamplingRate=…`, each of which may be left out. */
function jaegerOptions(arg: string | undefined, warn: Warn): JaegerArg {
  let options: JaegerArg = {};
  const wrong = (problem: string): JaegerArg => {
    // An endpoint may hold credentials, so the argument is not repeated.
    warn(`${ARG} ${problem}; it is ignored, and the defaults are used.`);
    return {};
  };
  for (const pair of arg?.split(',') ?? []) {
    if (pair.trim() === '') continue;
    const at = pair.indexOf('=');
    const key = pair.slice(0, Math.max(0, at)).trim();
    const text = pair.slice(at + 1).trim();
    if (key === 'endpoint') {
      const url = httpUrl(text);
      if (url === undefined) return wrong("has an 'endpoint' that is not an http or https URL");
      if (GRPC_PORTS.includes(url.port)) {
        warn(
          `${ARG} has port ${url.port} as its endpoint, where strategies are mostly served by gRPC; they are asked for by HTTP, mostly on port 5778.`,
        );
      }
      options = { ...options, endpoint: text };
    } else if (key === 'pollingIntervalMs') {
      const pollingIntervalMs = /^\d+$/.test(text) ? Number(text) : Number.NaN;
      if (!(pollingIntervalMs >= 1 && pollingIntervalMs <= LONGEST_MS)) {
        return wrong(`has ${shown(text)} as 'pollingIntervalMs', not 1 to ${LONGEST_MS}`);
      }
      options = { ...options, pollingIntervalMs };
    } else if (key === 'initialSamplingRate') {
      const rate = decimal(text);
      if (!isRatio(rate)) {
        return wrong(`has ${shown(text)} as 'initialSamplingRate', not a number from 0 to 1`);
      }
      options = { ...options, initialSampler: quietProbability(rate) };
    } else {
      return wrong(
        'is not a list of endpoint=…, pollingIntervalMs=… and initialSamplingRate=…, separated by commas',
      );
    }
  }
  return options;
}

function httpUrl(text: string): URL | undefined {
  try {
    return new URL(checkedUrl(ARG, text));
  } catch {
    return undefined;
  }
}
