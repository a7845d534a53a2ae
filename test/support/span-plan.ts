/**
 * Spans as plans: what a program does with a tracer, written down, so that it can be done on
 * several of them, and what must come out, worked out the simplest way.
 */

import {
  type Attributes as ApiAttributes,
  type AttributeValue,
  type Link,
  ROOT_CONTEXT,
  type SpanContext,
  type TimeInput,
  type Tracer,
  trace as traceApi,
} from '@opentelemetry/api';
import type { SeededRandom } from './random.ts';
import type {
  ModelAttributes,
  ModelEvent,
  ModelLink,
  ModelSpan,
  ModelValue,
} from './trace-model.ts';

/** Pairs, so that no key has a meaning to JavaScript. */
export type PlannedAttributes = readonly (readonly [string, unknown])[];

export interface PlannedLink {
  readonly context: SpanContext;
  readonly attributes: PlannedAttributes | undefined;
}

export type Call =
  | { readonly call: 'setAttribute'; readonly name: string; readonly value: unknown }
  | { readonly call: 'setAttributes'; readonly attributes: PlannedAttributes }
  | {
      readonly call: 'addEvent';
      readonly name: string;
      readonly attributes: PlannedAttributes | undefined;
      readonly time: TimeInput;
    }
  | { readonly call: 'addLink'; readonly link: PlannedLink }
  | { readonly call: 'setStatus'; readonly code: number; readonly message: string | undefined }
  | { readonly call: 'updateName'; readonly name: string };

export interface SpanPlan {
  readonly name: string;
  readonly kind: number | undefined;
  readonly parent: SpanContext | undefined;
  readonly startTime: TimeInput;
  readonly attributes: PlannedAttributes | undefined;
  readonly links: readonly PlannedLink[];
  readonly calls: readonly Call[];
  readonly endTime: TimeInput;
}

function objectOf(attributes: PlannedAttributes): ApiAttributes {
  return Object.fromEntries(attributes) as ApiAttributes;
}

function linkOf({ context, attributes }: PlannedLink): Link {
  return attributes === undefined ? { context } : { context, attributes: objectOf(attributes) };
}

/** Carries out a plan; returns the context of the span, which has ended. */
export function record(tracer: Tracer, plan: SpanPlan): SpanContext {
  const { parent, kind, attributes } = plan;
  const span = tracer.startSpan(
    plan.name,
    {
      startTime: plan.startTime,
      links: plan.links.map(linkOf),
      ...(kind !== undefined && { kind }),
      ...(attributes && { attributes: objectOf(attributes) }),
    },
    parent === undefined ? ROOT_CONTEXT : traceApi.setSpanContext(ROOT_CONTEXT, parent),
  );
  for (const call of plan.calls) {
    switch (call.call) {
      case 'setAttribute':
        span.setAttribute(call.name, call.value as AttributeValue);
        break;
      case 'setAttributes':
        span.setAttributes(objectOf(call.attributes));
        break;
      case 'addEvent':
        span.addEvent(call.name, call.attributes && objectOf(call.attributes), call.time);
        break;
      case 'addLink':
        span.addLink(linkOf(call.link));
        break;
      case 'setStatus':
        span.setStatus(
          call.message === undefined
            ? { code: call.code }
            : { code: call.code, message: call.message },
        );
        break;
      case 'updateName':
        span.updateName(call.name);
        break;
    }
  }
  span.end(plan.endTime);
  return span.spanContext();
}

// ---- What must come out.

export interface PlanLimits {
  readonly attributes: number;
  readonly valueLength: number;
  readonly events: number;
  readonly links: number;
}

export const DEFAULT_LIMITS: PlanLimits = {
  attributes: 128,
  valueLength: Number.POSITIVE_INFINITY,
  events: 128,
  links: 128,
};

/** UTF-8 has no place for halves of surrogate pairs: each becomes U+FFFD. */
export function wellFormed(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}

/** The wire value of what a user gave; undefined when that is no value. */
export function expectedValue(value: unknown, limit: number): ModelValue | undefined {
  switch (typeof value) {
    case 'string':
      return { string: wellFormed(Array.from(value).slice(0, limit).join('')) };
    case 'boolean':
      return { bool: value };
    case 'bigint':
      return { int: BigInt.asIntN(64, value) };
    case 'number':
      return Number.isSafeInteger(value) && !Object.is(value, -0)
        ? { int: BigInt(value) }
        : { double: value };
    case 'object':
      break;
    default:
      return undefined;
  }
  if (value === null) return { empty: true };
  if (value instanceof Uint8Array) {
    return { bytes: Buffer.from(value.subarray(0, Math.min(limit, value.length))).toString('hex') };
  }
  if (Array.isArray(value)) {
    return { array: value.map((each) => expectedValue(each, limit) ?? { empty: true }) };
  }
  const map: [string, ModelValue][] = [];
  for (const [key, member] of Object.entries(value)) {
    const expected = expectedValue(member, limit);
    if (expected !== undefined) map.push([wellFormed(key), expected]);
  }
  return { map };
}

/** Attributes by name: bounded, the last value of a name wins, its first place counts. */
class ExpectedAttributes {
  private readonly values = new Map<string, ModelValue>();
  private readonly limits: PlanLimits;
  dropped = 0;

  constructor(limits: PlanLimits) {
    this.limits = limits;
  }

  set(name: string, value: unknown): void {
    const expected = expectedValue(value, this.limits.valueLength);
    if (name === '' || expected === undefined) return;
    if (!this.values.has(name) && this.values.size >= this.limits.attributes) this.dropped++;
    else this.values.set(name, expected);
  }

  setAll(attributes: PlannedAttributes | undefined): this {
    // As an object has them: integers first, the last value of a name.
    for (const [name, value] of Object.entries(objectOf(attributes ?? []))) this.set(name, value);
    return this;
  }

  get list(): ModelAttributes {
    return [...this.values].map(([name, value]) => [wellFormed(name), value] as const);
  }
}

/** Nanoseconds since the Unix epoch. Numbers are Unix milliseconds, as plans give them. */
export function expectedTime(time: TimeInput): bigint {
  if (Array.isArray(time)) return BigInt(time[0]) * 1_000_000_000n + BigInt(time[1]);
  const ms = Number(time);
  const whole = Math.floor(ms);
  return BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1e6));
}

function expectedLink({ context, attributes }: PlannedLink, limits: PlanLimits): ModelLink {
  const own = new ExpectedAttributes(limits).setAll(attributes);
  return {
    traceId: context.traceId.toLowerCase(),
    spanId: context.spanId.toLowerCase(),
    traceState: wellFormed(context.traceState?.serialize() ?? ''),
    attributes: own.list,
    droppedAttributes: own.dropped,
    flags: (context.traceFlags & 0xff) | 0x100 | (context.isRemote ? 0x200 : 0),
  };
}

/** The span that a plan must yield, given the ids it got. */
export function expectedSpan(
  plan: SpanPlan,
  context: SpanContext,
  limits: PlanLimits = DEFAULT_LIMITS,
): ModelSpan {
  const attributes = new ExpectedAttributes(limits).setAll(plan.attributes);
  const events: ModelEvent[] = [];
  const links: PlannedLink[] = [...plan.links];
  let droppedEvents = 0;
  let { name } = plan;
  let status = { code: 0, message: '' };
  for (const call of plan.calls) {
    switch (call.call) {
      case 'setAttribute':
        attributes.set(call.name, call.value);
        break;
      case 'setAttributes':
        attributes.setAll(call.attributes);
        break;
      case 'addEvent':
        if (events.length >= limits.events) droppedEvents++;
        else {
          const own = new ExpectedAttributes(limits).setAll(call.attributes);
          events.push({
            timeUnixNano: expectedTime(call.time),
            name: wellFormed(call.name),
            attributes: own.list,
            droppedAttributes: own.dropped,
          });
        }
        break;
      case 'addLink':
        links.push(call.link);
        break;
      case 'setStatus':
        if (status.code !== 1 && call.code !== 0) {
          const message = call.code === 2 ? wellFormed(call.message ?? '') : '';
          status = { code: call.code, message };
        }
        break;
      case 'updateName':
        name = call.name;
        break;
    }
  }
  const startTimeUnixNano = expectedTime(plan.startTime);
  const endTimeUnixNano = expectedTime(plan.endTime);
  const { parent } = plan;
  return {
    traceId: context.traceId,
    spanId: context.spanId,
    traceState: wellFormed(parent?.traceState?.serialize() ?? ''),
    parentSpanId: parent?.spanId.toLowerCase() ?? '',
    name: wellFormed(name),
    kind: (plan.kind ?? 0) + 1,
    startTimeUnixNano,
    endTimeUnixNano: startTimeUnixNano > endTimeUnixNano ? startTimeUnixNano : endTimeUnixNano,
    attributes: attributes.list,
    droppedAttributes: attributes.dropped,
    events,
    droppedEvents,
    links: links.slice(0, limits.links).map((link) => expectedLink(link, limits)),
    droppedLinks: Math.max(0, links.length - limits.links),
    status,
    flags: ((parent?.traceFlags ?? 3) & 0xff) | 0x100 | (parent?.isRemote ? 0x200 : 0),
  };
}

// ---- Plans at random.

export interface PlanStyle {
  /** Names and values that come back, so that they are worth a place in the string table. */
  readonly pool: readonly string[];
  /** Probability that a key was never seen before. */
  readonly freshKeys: number;
  /** Longest string, roughly. */
  readonly maxUnits: number;
  /** Values nested in values. */
  readonly depth: number;
}

/** Where the writer, the encoder or UTF-8 change their ways. */
const LENGTHS = [
  ...[0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 41, 42, 43, 63, 64, 65, 121, 122, 123],
  ...[124, 125, 126, 127, 128, 129, 130, 255, 256, 257, 511, 1023, 1024, 1025, 2000, 5461, 8192],
  ...[16_383, 16_384, 20_000],
];

const ALPHABETS: readonly (readonly string[])[] = [
  ['a', 'b', 'z', '0', '/', ' ', '\u007f', '\0'],
  ['ä', 'ß', 'é', '\u0080', '\u07ff'],
  ['漢', '字', '\u0800', '\uffff', '\ufeff'],
  ['🚀', '𝒳', '\u{10ffff}'],
  ['\ud83d', '\ude00', '\udfff', 'a'],
  ['a', 'b', 'c', 'd', 'e', 'f', 'ä', '漢', '🚀', '\ud800'],
];

export function randomText(random: SeededRandom, maxUnits: number): string {
  const alphabet = ALPHABETS[random.next() < 0.6 ? 0 : random.below(ALPHABETS.length)]!;
  let length = random.next() < 0.5 ? random.below(24) : LENGTHS[random.below(LENGTHS.length)]!;
  if (length > maxUnits) length = random.below(maxUnits + 1);
  const period = alphabet[random.below(alphabet.length)]! + random.below(1000);
  let text = '';
  if (length > 300) text = period.repeat(Math.ceil(length / period.length)).slice(0, length - 20);
  while (text.length < length) text += alphabet[random.below(alphabet.length)];
  return text;
}

const NUMBERS = [
  ...[0, -0, 1, -1, 127, 128, 255, 256, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455],
  ...[268_435_456, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 32 - 1, 2 ** 32],
  ...[2 ** 53 - 1, 2 ** 53, -(2 ** 53) + 1, -(2 ** 53), 2 ** 63, 1e21, 0.5, -0.1, 5e-324],
  ...[Number.MAX_VALUE, Number.EPSILON, Number.NaN, Infinity, -Infinity],
];

const BIGINTS = [0n, 1n, -1n, 2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n), 2n ** 64n];

export function randomNumber(random: SeededRandom): number {
  switch (random.below(4)) {
    case 0:
      return NUMBERS[random.below(NUMBERS.length)]!;
    case 1:
      return random.below(1000) - 200;
    case 2:
      return Math.trunc((random.next() - 0.5) * 2 ** random.below(66));
    default:
      return (random.next() - 0.5) * 10 ** random.below(20);
  }
}

export function randomValue(random: SeededRandom, style: PlanStyle, depth = 0): unknown {
  const { pool } = style;
  switch (random.below(depth < style.depth ? 16 : 11)) {
    case 0:
    case 1:
    case 2:
      return pool[random.below(pool.length)];
    case 3:
    case 4:
    case 5:
      return randomText(random, style.maxUnits);
    case 6:
    case 7:
      return randomNumber(random);
    case 8:
      return random.next() < 0.5;
    case 9:
      return random.next() < 0.3
        ? BIGINTS[random.below(BIGINTS.length)]
        : BigInt(Math.trunc((random.next() - 0.5) * 2 ** 63));
    case 10:
      return random.next() < 0.3 ? undefined : null;
    case 11:
      return Uint8Array.from({ length: random.below(300) }, () => random.below(256));
    case 12:
    case 13:
      return Array.from({ length: random.below(6) }, () => randomValue(random, style, depth + 1));
    default:
      return objectOf(randomAttributes(random, style, depth + 1, 5));
  }
}

function randomKey(random: SeededRandom, style: PlanStyle): string {
  if (random.next() < style.freshKeys) return `${randomText(random, 140)}${random.below(2 ** 31)}`;
  // Well-formed, lest two keys that differ become one on the wire.
  const text = wellFormed(style.pool[random.below(style.pool.length)]!);
  return random.next() < 0.02 ? '' : `key.${text}`;
}

export function randomAttributes(
  random: SeededRandom,
  style: PlanStyle,
  depth: number,
  most: number,
): PlannedAttributes {
  return Array.from({ length: random.below(most + 1) }, () => [
    randomKey(random, style),
    randomValue(random, style, depth),
  ]);
}

function randomHex(random: SeededRandom, bytes: number): string {
  const digits = Array.from({ length: bytes * 2 }, () => random.below(16).toString(16)).join('');
  return `1${digits.slice(1)}`;
}

export function randomContext(random: SeededRandom, traceFlags: number): SpanContext {
  const context = {
    traceId: randomHex(random, 16),
    spanId: randomHex(random, 8),
    traceFlags,
    ...(random.next() < 0.5 && { isRemote: random.next() < 0.5 }),
  };
  if (random.next() < 0.6) return context;
  const text = `vendor=${randomText(random, 40)}`;
  // Only what it serializes to counts.
  const traceState = { get: () => undefined, serialize: () => text } as never;
  return { ...context, traceState };
}

/** A time after the origin of the rigs' clocks, in any of the ways the API takes. */
export function randomTime(random: SeededRandom): TimeInput {
  const sec = 1_700_000_100 + random.below(100_000_000);
  const nano = random.below(1_000_000_000);
  switch (random.below(4)) {
    case 0:
      return new Date(sec * 1000 + random.below(1000));
    case 1:
      return sec * 1000 + random.next() * 1000;
    case 2:
      // More than a second of nanoseconds: carried over.
      return [sec, nano + 1_000_000_000 * random.below(3)];
    default:
      return [sec, nano];
  }
}

function randomLink(random: SeededRandom, style: PlanStyle): PlannedLink {
  return {
    context: randomContext(random, random.below(256)),
    attributes: random.next() < 0.5 ? randomAttributes(random, style, 0, 4) : undefined,
  };
}

function randomCall(random: SeededRandom, style: PlanStyle): Call {
  const pick = random.below(20);
  if (pick < 11) {
    const name = randomKey(random, style);
    return { call: 'setAttribute', name, value: randomValue(random, style) };
  }
  if (pick < 13) {
    return { call: 'setAttributes', attributes: randomAttributes(random, style, 0, 8) };
  }
  if (pick < 16) {
    return {
      call: 'addEvent',
      name: style.pool[random.below(style.pool.length)]!,
      attributes: random.next() < 0.6 ? randomAttributes(random, style, 0, 6) : undefined,
      time: randomTime(random),
    };
  }
  if (pick < 17) return { call: 'addLink', link: randomLink(random, style) };
  if (pick < 19) {
    const message = random.next() < 0.5 ? randomText(random, style.maxUnits) : undefined;
    return { call: 'setStatus', code: random.below(3), message };
  }
  return { call: 'updateName', name: randomText(random, 100) };
}

export function randomPlan(random: SeededRandom, style: PlanStyle): SpanPlan {
  const { pool } = style;
  const many = random.next() < 0.02;
  return {
    name: random.next() < 0.8 ? pool[random.below(pool.length)]! : randomText(random, 150),
    kind: random.next() < 0.3 ? undefined : random.below(5),
    // Odd: a span whose parent is not sampled is not recorded.
    parent: random.next() < 0.5 ? randomContext(random, random.below(128) * 2 + 1) : undefined,
    startTime: randomTime(random),
    attributes:
      random.next() < 0.5 ? randomAttributes(random, style, 0, many ? 200 : 8) : undefined,
    links:
      random.next() < 0.8
        ? []
        : Array.from({ length: random.below(many ? 140 : 4) }, () => randomLink(random, style)),
    calls: Array.from({ length: random.below(many ? 300 : 10) }, () => randomCall(random, style)),
    endTime: randomTime(random),
  };
}

export function randomStyle(random: SeededRandom): PlanStyle {
  const size = 1 + random.below(40);
  return {
    pool: Array.from({ length: size }, () => randomText(random, 60)),
    freshKeys: [0, 0.01, 0.9][random.below(3)]!,
    maxUnits: [40, 300, 20_000][random.below(3)]!,
    depth: random.below(4),
  };
}
