import { type Attributes, context as contextApi, ROOT_CONTEXT } from '@opentelemetry/api';
import type { Host } from '../../runtime/host.ts';
import { suppressTracing } from '../context/suppress-tracing.ts';
import { textOf } from '../trace/attributes.ts';
import type { AnyResourceDetector, ResourceDetector } from './detector.ts';
import { mergeAll, type Resource } from './resource.ts';

/** How long a detector's answer is waited for unless it says otherwise, milliseconds. */
const DETECTOR_TIMEOUT_MS = 2000;

/** Timers that a time limit is made of, one after the other. */
const LIMIT_PARTS = 4;

/** What became of a detector. */
export type DetectorState = 'ok' | 'running' | 'failed' | 'timed_out';

/** One detector's answer, as far as it is there. */
interface Found extends Resource {
  readonly name: string;
  state: DetectorState;
  attributes: Attributes;
  schemaUrl: string;
}

/** What a telemetry's detectors have found. */
export interface Detection {
  /** In the order in which they are merged. */
  readonly detectors: readonly { readonly name: string; readonly state: DetectorState }[];
  /** Detectors that have not answered. */
  running: number;
  /** Something was found since this was last set to false. */
  fresh: boolean;
  /** Resolves to true when the last one running has answered or been given up. */
  readonly settled: Promise<boolean>;
  /** What was found so far; a later detector's attribute wins. */
  resource(): Resource;
}

/**
 * Asks all detectors at once. What they know at once is there on return; the rest comes when it
 * comes, and no later than its detector's time limit. One that throws, rejects or hangs costs a
 * warning and nothing else. Never throws.
 */
export function startDetection(
  detectors: readonly AnyResourceDetector[],
  host: Host,
  warn: (line: string) => void,
): Detection {
  const all: Found[] = [];
  /** What is left to do once the program has started. */
  const afterStart: (() => void)[] = [];
  let settle = () => {};
  const said = new Set<string>();
  const warnOnce = (line: string) => {
    if (!said.has(line)) warn(line);
    said.add(line);
  };
  const detection: Detection = {
    detectors: all,
    running: detectors.length,
    fresh: false,
    settled: new Promise((resolve) => {
      settle = () => resolve(true);
    }),
    resource: () => mergeAll(all, warnOnce),
  };

  function ask(detector: Partial<ResourceDetector> & AnyResourceDetector): void {
    const name = textOf(detector.name ?? detector.constructor?.name);
    const found: Found = { name, state: 'running', attributes: {}, schemaUrl: '' };
    let cancel = () => {};
    all.push(found);

    function put(key: string, value: unknown, schemaUrl: string): void {
      if (value === undefined || value === null || found.state !== 'running') return;
      found.attributes[key] = value as Attributes[string];
      found.schemaUrl = schemaUrl;
      detection.fresh = true;
    }

    function end(state: DetectorState, problem?: string): void {
      if (found.state !== 'running') return;
      found.state = state;
      cancel();
      if (problem !== undefined) warn(`resource detector '${name}' ${problem}; the others count.`);
      if (--detection.running === 0) settle();
    }

    const fail = (error: unknown) => end('failed', `failed: ${textOf(error).slice(0, 160)}`);

    const calls: (() => unknown)[] = [];
    let started = false;

    /** Uses a value as soon as it is known; what it returns is to be waited for. */
    function when(value: unknown, use: (known: unknown) => unknown): unknown {
      if (typeof value === 'function') {
        return started ? when(value(), use) : void calls.push(() => when(value(), use));
      }
      if (isPromise(value)) return Promise.resolve(value).then((known) => when(known, use));
      return use(value);
    }

    /** Takes an answer of either shape. Nothing found is no error. */
    function take(answer: unknown): unknown {
      let given = (answer ?? {}) as Record<string, unknown>;
      let { schemaUrl } = detector as { schemaUrl?: unknown };
      const { attributes } = given;
      if (typeof attributes === 'object' && attributes !== null && !isPromise(attributes)) {
        schemaUrl = given['schemaUrl'] ?? schemaUrl;
        given = attributes as Record<string, unknown>;
      }
      const url = textOf(schemaUrl ?? '');
      const waiting = Object.entries(given)
        .map(([key, value]) => when(value, (known) => put(key, known, url)))
        .filter(Boolean);
      return waiting.length > 0 ? Promise.all(waiting) : undefined;
    }

    function waitFor(waiting: unknown): void {
      const limitMs = detector.timeoutMs ?? DETECTOR_TIMEOUT_MS;
      let parts = LIMIT_PARTS;
      // A program that loads for seconds lets no answer in, and then its timers come first. However
      // long that takes, it is one part of the limit.
      const passOne = () => {
        if (parts-- === 0) end('timed_out', `has not answered within ${limitMs} ms`);
        else cancel = host.setTimer(passOne, limitMs / LIMIT_PARTS);
      };
      passOne();
      started = true;
      Promise.all([waiting, ...calls.map((each) => attempt(each))]).then(() => end('ok'), fail);
    }

    try {
      const waiting = when(detector.detect(host), take);
      if (waiting !== undefined) waitFor(waiting);
      else if (calls.length > 0) afterStart.push(() => waitFor(undefined));
      else end('ok');
    } catch (error) {
      fail(error);
    }
  }

  // What detectors ask over the network is not traced.
  const untraced = (work: () => void) => contextApi.with(suppressTracing(ROOT_CONTEXT), work);
  untraced(() => {
    for (const detector of detectors) ask(detector);
  });
  if (afterStart.length > 0) {
    host.soon(() => {
      untraced(() => {
        for (const rest of afterStart) rest();
      });
    });
  }
  return detection;
}

/** What a call returns, a promise that rejects if it throws. */
async function attempt(call: () => unknown): Promise<unknown> {
  return call();
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

/**
 * The detectors asked for, by name or themselves, in that order; `all` stands for those of the
 * host. A name that the host has not is said and left out.
 */
export function chooseDetectors(
  asked: readonly (string | AnyResourceDetector)[] | undefined,
  available: readonly ResourceDetector[],
  warn: (line: string) => void,
): readonly AnyResourceDetector[] {
  if (asked === undefined) return available;
  const chosen = new Set<AnyResourceDetector>();
  for (const one of asked) {
    if (typeof one !== 'string') {
      chosen.add(one);
      continue;
    }
    const named = available.filter(({ name }) => name === one || one === 'all');
    for (const detector of named) chosen.add(detector);
    if (named.length === 0) {
      const names = available.map(({ name }) => name).join(', ');
      warn(`there is no resource detector '${one.slice(0, 80)}' here; there are ${names}, all.`);
    }
  }
  return [...chosen];
}
