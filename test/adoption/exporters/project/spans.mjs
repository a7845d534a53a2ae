// The same spans whenever they are recorded: every id, time and stack is given. With them everything
// an SDK lets pass to an exporter: each kind of value, event, link, status, parent and scope.

import {
  createTraceState,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';

const SECONDS = 1_700_000_000;
const at = (nanos) => [SECONDS, nanos];

/** Ids that count. */
export function countingIds() {
  let spans = 0;
  let traces = 0;
  return {
    generateSpanId: () => (++spans).toString(16).padStart(16, 'a0'),
    generateTraceId: () => (++traces).toString(16).padStart(32, 'b1'),
  };
}

/** Some of what is recorded is over these limits. */
export const LIMITS = {
  attributeCountLimit: 64,
  eventCountLimit: 3,
  linkCountLimit: 3,
  attributePerEventCountLimit: 4,
  attributePerLinkCountLimit: 2,
};

const TEXT = 'Grüße, 世界 🌍 \u0000 "\\\n';

const VALUES = {
  text: TEXT,
  'text.empty': '',
  'text.long': `${TEXT}${'0123456789abcdef'.repeat(5000)}`,
  'bool.true': true,
  'bool.false': false,
  'int.zero': 0,
  'int.one': 1,
  'int.negative': -1,
  'int.31': 2 ** 31,
  'int.-32': -(2 ** 31) - 1,
  'int.largest': Number.MAX_SAFE_INTEGER,
  'int.smallest': Number.MIN_SAFE_INTEGER,
  'double.half': 0.5,
  'double.third': -1 / 3,
  'double.tiny': 5e-324,
  texts: ['a', '', TEXT],
  'texts.holes': ['a', null, 'b', undefined],
  ints: [0, 1, -1, 2 ** 40],
  doubles: [0.5, 1, -2.25],
  bools: [true, false],
  none: [],
};

/** What upstream makes no OTLP/JSON of: what is no text, no int64, or null. */
export const NOT_IN_JSON = {
  'text.lone': 'half \ud83c of a pair',
  'double.large': 1.5e300,
  'double.nan': Number.NaN,
  'double.infinite': Number.POSITIVE_INFINITY,
  'double.-infinite': Number.NEGATIVE_INFINITY,
};

/** What 3.x takes and 2.x does not. */
const ANY_VALUES = {
  bytes: new Uint8Array([0, 127, 128, 255]),
  'bytes.none': new Uint8Array(0),
  map: { a: 1, b: { c: ['x', { d: false }], e: {} }, f: null },
  'map.empty': {},
  mixed: ['a', 1, 0.5, true, null, ['nested', [new Uint8Array([1])]], { k: 'v' }],
  null: null,
};

const remote = (spanId, traceState) => ({
  traceId: 'c2'.repeat(16),
  spanId,
  traceFlags: 1,
  isRemote: true,
  ...(traceState !== undefined && { traceState: createTraceState(traceState) }),
});

function failure() {
  const error = new TypeError('no such book ✗');
  error.stack = 'TypeError: no such book ✗\n    at find (shop.js:1:2)\n    at serve (shop.js:3:4)';
  return error;
}

/** All of them are ended when it returns. `line`: of upstream's SDK; `more`: attributes. */
export function record(provider, line, more = NOT_IN_JSON) {
  const catalog = provider.getTracer('catalog', '1.2.3', {
    schemaUrl: 'https://opentelemetry.io/schemas/1.27.0',
  });
  const cart = provider.getTracer('cart');
  const older = provider.getTracer('catalog', '1.2.2');
  const within = (span) => trace.setSpan(ROOT_CONTEXT, span);

  const root = catalog.startSpan(
    'GET /books/:id',
    { kind: SpanKind.SERVER, startTime: at(1), attributes: { ...VALUES, ...more } },
    ROOT_CONTEXT,
  );
  for (const [i, kind] of Object.values(SpanKind).filter(Number.isInteger).entries())
    cart.startSpan(`kind ${i}`, { kind, startTime: at(10 + i) }, within(root)).end(at(20 + i));

  const values = older.startSpan('values', { startTime: at(2) }, within(root));
  values.setAttributes({ a: 'first', b: 1 }).setAttribute('a', 'last').setAttribute('b', null);
  values.setAttribute('undefined', undefined).updateName('values, renamed');
  if (line === '3.x') values.setAttributes(ANY_VALUES);
  values.end(at(999_999_999));

  const events = cart.startSpan('events', { startTime: at(3) }, within(values));
  for (let i = 0; i < 2; i++) events.addEvent('dropped', at(30));
  events.addEvent('bare', at(31));
  events.addEvent('full', { ...VALUES, last: 'one' }, at(32));
  events.recordException(failure(), at(33));
  events.setStatus({ code: SpanStatusCode.ERROR, message: 'no such book ✗' });
  events.end(at(34));

  const thrown = cart.startSpan('exceptions', { startTime: at(3) }, within(values));
  thrown.recordException('a text', at(30));
  thrown.recordException({ name: 'Odd', message: '' }, at(31));
  thrown.recordException({ code: 'ENOENT', message: 'no file' }, at(32));
  thrown.setStatus({ code: SpanStatusCode.OK });
  thrown.end(at(33));

  const parent = remote('d3'.repeat(8), 'vendor=1,till=%33');
  const links = catalog.startSpan(
    'links',
    {
      startTime: at(4),
      links: [
        { context: remote('e4'.repeat(8), 'dropped=1'), attributes: { n: 0 } },
        { context: root.spanContext() },
      ],
    },
    trace.setSpanContext(ROOT_CONTEXT, parent),
  );
  links.addLink({ context: { ...parent, traceFlags: 0 }, attributes: { n: 2 } });
  links.addLinks([
    { context: remote('f5'.repeat(8), 'other=2'), attributes: { n: 3, m: TEXT, dropped: 1 } },
  ]);
  links.end(at(44));
  catalog.startSpan('child of a state', { startTime: at(5) }, within(links)).end(at(55));

  // Recorded by nobody: the caller did not.
  const unsampled = { ...parent, traceFlags: 0 };
  cart.startSpan('unsampled', {}, trace.setSpanContext(ROOT_CONTEXT, unsampled)).end();

  const many = cart.startSpan('limits', { startTime: at(6), root: true }, within(root));
  for (let i = 0; i < 70; i++) many.setAttribute(`key ${i}`, i);
  many.end(at(66));

  // Times as people give them, too.
  cart
    .startSpan('dates', { startTime: new Date(SECONDS * 1000) }, within(root))
    .end(SECONDS * 1000 + 0.25);
  cart.startSpan('', { startTime: at(7) }, within(root)).end(at(7));
  root.end(at(1_000_000));
}

/** With a value that has to be waited for. */
export const resourceOf = ({ resourceFromAttributes }) =>
  resourceFromAttributes(
    {
      'service.name': 'shop',
      'service.namespace': TEXT,
      late: new Promise((resolve) => setTimeout(resolve, 0, 'found out')),
      'process.pid': 42,
      load: 0.5,
      ready: true,
      'host.ip': ['127.0.0.1', '::1'],
    },
    { schemaUrl: 'https://opentelemetry.io/schemas/1.30.0' },
  );
