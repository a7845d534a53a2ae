/**
 * The spans every span bench records: the same function, through the OpenTelemetry API
 * alone, drives upstream and us.
 *
 * Per span: a name, ten `setAttribute` calls (six strings of which three are new in every
 * span, three numbers, one boolean), one event, `end()`; about 450 bytes of protobuf. Keys,
 * names and the other three strings are literals of the program, as in real instrumentation.
 * Strings that vary are concatenated span by span, as `/orders/${id}` is: an SDK gets them
 * as the engine leaves them (ropes), not flat.
 *
 * 128 key lists take turns. Four share each of the 32 span names and differ in two keys (an
 * attribute that is set on some paths only): what an SDK remembers of a name's previous
 * span must not be right always. With the values, no attribute set comes twice in 10^6 spans.
 */

import type { Tracer } from '@opentelemetry/api';

/** Spans per batch: upstream's and our default batch size. */
export const BATCH = 512;

/** Strings that repeat: a key and four values. */
interface Steady {
  readonly key: string;
  readonly values: readonly [string, string, string, string];
}

/** Strings that are new in every span: what stands before and after the span's number. */
interface Varying {
  readonly key: string;
  readonly before: string;
  readonly after: string;
}

interface KeyList {
  readonly name: string;
  readonly steady: readonly [Steady, Steady, Steady];
  readonly varying: readonly [Varying, Varying, Varying];
  readonly numbers: readonly [string, string, string];
  readonly boolean: string;
}

const STEADY: readonly Steady[] = [
  { key: 'http.request.method', values: ['GET', 'POST', 'PUT', 'DELETE'] },
  { key: 'url.scheme', values: ['https', 'https', 'https', 'http'] },
  { key: 'server.address', values: ['orders.svc', 'billing.svc', 'stock.svc', 'users.svc'] },
  { key: 'db.system.name', values: ['postgresql', 'redis', 'postgresql', 'mysql'] },
  { key: 'network.protocol.version', values: ['1.1', '2', '2', '1.1'] },
  { key: 'messaging.system', values: ['kafka', 'kafka', 'rabbitmq', 'kafka'] },
  { key: 'rpc.system.name', values: ['grpc', 'connect', 'grpc', 'grpc'] },
  { key: 'cloud.region', values: ['eu-central-1', 'us-east-1', 'eu-west-3', 'ap-south-1'] },
  { key: 'app.tenant.plan', values: ['free', 'team', 'enterprise', 'team'] },
  { key: 'http.route', values: ['/orders/:id', '/users/:id', '/carts/:id', '/items/:id'] },
  { key: 'app.cache.tier', values: ['memory', 'redis', 'disk', 'none'] },
];

const VARYING: readonly Varying[] = [
  { key: 'url.path', before: '/api/v2/orders/', after: '/items' },
  { key: 'enduser.id', before: 'user-', after: '' },
  { key: 'db.query.text', before: 'SELECT id, total FROM orders WHERE id = ', after: '' },
  { key: 'session.id', before: 'sess-', after: '-web' },
  { key: 'messaging.message.id', before: 'msg-0007-', after: '' },
  { key: 'url.query', before: 'page=2&after=', after: '&sort=created' },
  { key: 'app.cart.key', before: 'cart:eu:', after: ':v3' },
  { key: 'http.request.header.x-request-id', before: 'req-', after: '-4f1a' },
];

const NUMBERS = [
  'http.response.status_code',
  'http.response.body.size',
  'db.response.returned_rows',
  'messaging.batch.message_count',
  'app.queue.depth',
  'app.retry.count',
  'server.port',
] as const;

const FRACTIONS = ['app.wait_ms', 'app.cart.total', 'app.cache.age_s'] as const;

const BOOLEANS = ['app.cache.hit', 'app.signed_in', 'app.checkout_v2', 'app.degraded'] as const;

const VERBS = [
  'get',
  'list',
  'create',
  'update',
  'publish',
  'settle',
  'reserve',
  'cancel',
] as const;
const NOUNS = ['order', 'invoice', 'stock item', 'user'] as const;

const EVENT = 'cache.lookup';

const KEY_LISTS: readonly KeyList[] = Array.from({ length: 128 }, (_, at) => {
  const operation = at % 32;
  const variant = at >> 5;
  const pick = <T>(pool: readonly T[], index: number): T => pool[index % pool.length];
  return {
    name: interned(`${pick(VERBS, operation)} ${pick(NOUNS, operation >> 3)}`),
    steady: [
      pick(STEADY, operation),
      pick(STEADY, operation + 1 + (operation >> 4)),
      pick(STEADY, operation + 4 + variant),
    ],
    varying: [
      pick(VARYING, operation),
      pick(VARYING, operation + 1 + (operation >> 3)),
      pick(VARYING, operation + 6),
    ],
    numbers: [
      pick(NUMBERS, operation),
      pick(FRACTIONS, operation),
      pick(NUMBERS, operation + 1 + (operation >> 3)),
    ],
    boolean: pick(BOOLEANS, operation + variant),
  };
});

/** A span name in a real program is a literal: the engine holds one copy of it. */
function interned(text: string): string {
  return Object.keys({ [text]: 0 })[0];
}

/** Records span number `n`. */
export function recordSpan(tracer: Tracer, n: number): void {
  const list = KEY_LISTS[(n * 37) & 127];
  const turn = (n >> 7) & 3;
  const number = (n * 7919) % 1_000_003;
  const id = String(number);
  const { steady, varying, numbers } = list;
  const span = tracer.startSpan(list.name);
  span.setAttribute(steady[0].key, steady[0].values[turn]);
  span.setAttribute(varying[0].key, varying[0].before + id + varying[0].after);
  span.setAttribute(numbers[0], number & 1023);
  span.setAttribute(steady[1].key, steady[1].values[turn]);
  span.setAttribute(varying[1].key, varying[1].before + id + varying[1].after);
  span.setAttribute(list.boolean, (n & 1) === 0);
  span.setAttribute(numbers[1], number * 0.25 + 0.125);
  span.setAttribute(steady[2].key, steady[2].values[turn]);
  span.setAttribute(varying[2].key, varying[2].before + id + varying[2].after);
  span.setAttribute(numbers[2], number);
  span.addEvent(EVENT);
  span.end();
}

/** Records `count` spans from number `first`. */
export function recordSpans(tracer: Tracer, first: number, count: number): void {
  for (let n = first; n < first + count; n++) recordSpan(tracer, n);
}

/** What span number `n` must come out as. */
export interface ExpectedSpan {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly events: readonly string[];
}

/** The same span from the workload's description, for checks. */
export function expectedSpan(n: number): ExpectedSpan {
  const { name, steady, varying, numbers, boolean } = KEY_LISTS[(n * 37) & 127];
  const turn = (n >> 7) & 3;
  const number = (n * 7919) % 1_000_003;
  const attributes: Record<string, string | number | boolean> = {};
  for (const { key, values } of steady) attributes[key] = values[turn];
  for (const { key, before, after } of varying) attributes[key] = `${before}${number}${after}`;
  attributes[numbers[0]] = number & 1023;
  attributes[numbers[1]] = number * 0.25 + 0.125;
  attributes[numbers[2]] = number;
  attributes[boolean] = n % 2 === 0;
  return { name, attributes, events: [EVENT] };
}

/** Records `count` spans three deep, each active while the next one runs. */
export function recordNested(tracer: Tracer, count: number): void {
  for (let n = 0; n < count; n += 3) {
    tracer.startActiveSpan('GET /orders/:id', (server) => {
      tracer.startActiveSpan('load order', (internal) => {
        tracer.startActiveSpan('SELECT orders', (client) => {
          client.end();
        });
        internal.end();
      });
      server.end();
    });
  }
}
