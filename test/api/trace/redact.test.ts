import type { Link, Span, SpanOptions } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import type { RedactionRules, StartOptions } from '../../../src/options/options.ts';
import { redaction } from '../../../src/redaction.ts';
import { randomFrom } from '../../support/random.ts';
import { started } from '../../support/telemetry.ts';

const any = (value: unknown) => value as never;
const context = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };

/** One span, as it arrives, and the telemetry it came from. */
async function redacted(
  rules: RedactionRules,
  work: (span: Span) => void,
  options: StartOptions = {},
  spanOptions?: SpanOptions,
) {
  const { arrived, tracer, telemetry } = started({ redact: redaction(rules), ...options });
  const span = tracer.startSpan('s', spanOptions);
  work(span);
  span.end();
  const spans = await arrived();
  expect(spans).toHaveLength(1);
  return { span: spans[0]!, health: telemetry.health() };
}

const RULES: RedactionRules = { drop: ['user.*'], mask: ['secret', /token/i], maskWith: '***' };
const GIVEN = { a: 1, 'user.id': 'u1', secret: 's3cret', b: 'x', 'my.Token': 7, c: true };
const KEPT = { a: 1, secret: '***', b: 'x', 'my.Token': '***', c: true };

describe('redaction', () => {
  it('applies to attributes set one by one, together, at the start and by the sampler', async () => {
    const { span } = await redacted(RULES, (span) => {
      for (const [key, value] of Object.entries(GIVEN)) span.setAttribute(key, value);
    });
    expect(span.attributes).toEqual(KEPT);
    expect((await redacted(RULES, (span) => span.setAttributes(GIVEN))).span.attributes).toEqual(
      KEPT,
    );
    const atStart = await redacted(RULES, () => {}, {}, { attributes: GIVEN });
    expect(atStart.span.attributes).toEqual(KEPT);
    const sampler = { shouldSample: () => ({ decision: 2, attributes: GIVEN }) };
    const sampled = await redacted(RULES, () => {}, { sampler });
    expect(sampled.span.attributes).toEqual(KEPT);
  });

  it('applies to events, exceptions among them, and to links', async () => {
    const link: Link = { context, attributes: GIVEN };
    const { span } = await redacted(
      { ...RULES, mask: [...RULES.mask!, 'exception.message'] },
      (span) => {
        span.addEvent('e', GIVEN).addLink(link);
        span.recordException({ name: 'E', message: 'password is hunter2' });
      },
      {},
      { links: [link] },
    );
    expect(span.events[0]?.attributes).toEqual(KEPT);
    expect(span.events[1]?.attributes).toEqual({
      'exception.type': 'E',
      'exception.message': '***',
    });
    expect(span.links.map(({ attributes }) => attributes)).toEqual([KEPT, KEPT]);
  });

  it('leaves the resource, scopes and names as they are', async () => {
    const { arrived, telemetry } = started({
      redact: redaction({ drop: ['*'] }),
      resource: { 'user.id': 'of the machine' },
    });
    const tracer = telemetry.tracer('secret');
    tracer
      .startSpan('user.id', { attributes: { a: 1 } })
      .setStatus({ code: 2, message: 'm' })
      .end();
    const [span] = await arrived();
    expect(span).toMatchObject({ name: 'user.id', attributes: {}, status: { message: 'm' } });
    expect(span?.resource.attributes).toMatchObject({ 'user.id': 'of the machine' });
    expect(span?.scope.name).toBe('secret');
  });

  it('does not count what it leaves out as dropped, nor against the limit', async () => {
    const { span } = await redacted(
      RULES,
      (span) => {
        for (let i = 0; i < 10; i++) span.setAttribute(`user.${i}`, i);
        span.setAttributes({ a: 1, b: 2, c: 3 });
        span.addEvent('e', { 'user.id': 1, a: 1, b: 2, c: 3 });
      },
      { limits: { attributes: 2, attributesPerEvent: 3 } },
    );
    expect(span.attributes).toEqual({ a: 1, b: 2 });
    expect(span.droppedAttributesCount).toBe(1);
    expect(span.events[0]).toMatchObject({
      attributes: { a: 1, b: 2, c: 3 },
      droppedAttributesCount: 0,
    });
  });

  it('masks values of every kind, and leaves out what is none', async () => {
    const values = {
      text: 'x',
      int: 1,
      double: 0.5,
      no: false,
      null: null,
      bytes: new Uint8Array(3),
      map: { a: 1 },
      bigint: 5n,
      empty: '',
      list: ['a', 'b'],
      none: [],
    };
    const { span } = await redacted({ mask: ['*'] }, (span) => {
      span.setAttributes(any(values));
      span.setAttribute('undefined', any(undefined));
      span.setAttribute(
        'function',
        any(() => 1),
      );
    });
    const mask = 'REDACTED';
    expect(span.attributes).toEqual(
      Object.fromEntries(
        Object.entries(values).map(([key, value]) => [key, Array.isArray(value) ? [mask] : mask]),
      ),
    );
  });

  it('masks a key again when it is set again, at whatever place', async () => {
    const { span } = await redacted({ mask: ['k'] }, (span) => {
      span.setAttribute('k', 'first').setAttribute('a', 1).setAttribute('k', 'second');
      span.setAttributes({ k: 'third', a: 2 }).setAttribute('k', 4);
    });
    expect(span.attributes).toEqual({ k: 'REDACTED', a: 2 });
  });

  it('cuts the mask as any other text', async () => {
    const limits = { attributeValueLength: 3 };
    const { span } = await redacted(
      { mask: ['k'], presets: ['urls'] },
      (span) => span.setAttributes({ k: 'text', 'url.full': 'a://u:p@host/' }),
      { limits },
    );
    expect(span.attributes).toEqual({ k: 'RED', 'url.full': 'a:/' });
  });

  it('reaches into maps, in arrays too, by the path of their keys', async () => {
    const rules = { drop: ['form.password'], mask: ['*.token'], keep: ['raw'] };
    const { span, health } = await redacted(rules, (span) => {
      span.setAttribute('form', any({ name: 'n', password: 'p', deep: { token: [1, 2], x: 1 } }));
      span.setAttribute('list', any([{ token: 't', y: 1 }, 'token']));
      span.setAttribute('raw', any({ token: 't', password: 'p' }));
      span.addEvent('e', any({ form: { password: 'p' } }));
    });
    expect(span.attributes).toEqual({
      form: { name: 'n', deep: { token: ['REDACTED'], x: 1 } },
      list: [{ token: 'REDACTED', y: 1 }, 'token'],
      raw: { token: 't', password: 'p' },
    });
    expect(span.events[0]?.attributes).toEqual({ form: {} });
    expect(span.droppedAttributesCount).toBe(0);
    expect(health.redacted).toEqual({ dropped: 2, masked: 2, rewritten: 0 });
  });

  it('does not read what it leaves out of a map', async () => {
    let reads = 0;
    const map = {
      get secret() {
        reads++;
        return 's';
      },
    };
    const { span } = await redacted({ drop: ['map.secret'] }, (span) => {
      span.setAttribute('map', any(map));
    });
    expect(span.attributes).toEqual({ map: {} });
    expect(reads).toBe(0);
  });

  it('masks parts of texts with the preset urls, inside arrays and maps too', async () => {
    const { span, health } = await redacted({ presets: ['urls'] }, (span) => {
      span.setAttribute('url.full', 'https://u:p@host/?token=t&x=1');
      span.setAttribute('http.request.header.referer', ['https://h/?sig=s', 'https://h/']);
      span.setAttribute('url.query', any({ a: ['password=p'], n: 1 }));
      span.setAttribute('other', 'https://u:p@host/?token=t');
      span.recordException(new Error('no answer from amqp://u:p@mq/'));
    });
    expect(span.attributes).toEqual({
      'url.full': 'https://REDACTED:REDACTED@host/?token=REDACTED&x=1',
      'http.request.header.referer': ['https://h/?sig=REDACTED', 'https://h/'],
      'url.query': { a: ['password=REDACTED'], n: 1 },
      other: 'https://u:p@host/?token=t',
    });
    expect(span.events[0]?.attributes).toMatchObject({
      'exception.message': 'no answer from amqp://REDACTED:REDACTED@mq/',
    });
    expect(JSON.stringify(span.events[0]?.attributes)).not.toContain('u:p@');
    expect(health.redacted).toEqual({ dropped: 0, masked: 0, rewritten: 5 });
  });

  it('is what span processors see', async () => {
    const seen: unknown[] = [];
    const processor = {
      onStart: () => {},
      onEnd: (span: { attributes: unknown; events: { attributes?: unknown }[] }) =>
        void seen.push(
          { ...(span.attributes as object) },
          { ...(span.events[0]?.attributes as object) },
        ),
      forceFlush: async () => {},
      shutdown: async () => {},
    };
    await redacted(RULES, (span) => span.setAttributes(GIVEN).addEvent('e', GIVEN), {
      spanProcessors: [any(processor)],
    });
    expect(seen).toEqual([KEPT, KEPT]);
  });

  it('says in health how much it kept back, without keys or values', async () => {
    const { health } = await redacted(RULES, (span) =>
      span.setAttributes(GIVEN).setAttributes(GIVEN),
    );
    expect(health.redacted).toEqual({ dropped: 2, masked: 4, rewritten: 0 });
    expect(started().telemetry.health().redacted).toBeUndefined();
  });

  it('lets nothing through on any path, whatever spans are under way and whatever they set', async () => {
    const random = randomFrom(5);
    const { arrived, tracer, telemetry, transport } = started({
      redact: redaction({ drop: ['drop.*'], mask: ['mask.*', '*.url'], presets: ['urls'] }),
      compression: 'none',
    });
    const kinds = ['plain', 'drop', 'mask'] as const;
    const names = Array.from({ length: 24 }, (_, i) => `${kinds[i % 3]}.${i}`).concat('url.full');
    const open: { span: Span; expected: Map<string, unknown>; step: number }[] = [];
    const ended = new Map<string, Record<string, unknown>>();
    for (let i = 0; i < 6000; i++) {
      const pick = random.below(12);
      if (open.length === 0 || (pick === 0 && open.length < 12)) {
        const span = tracer.startSpan(`name ${random.below(3)}`);
        open.push({ span, expected: new Map(), step: 0 });
      } else if (pick === 1) {
        const [one] = open.splice(random.below(open.length), 1);
        one!.span.end();
        ended.set(one!.span.spanContext().spanId, Object.fromEntries(one!.expected));
      } else {
        const one = open[random.below(open.length)]!;
        const usual = random.next() < 0.8;
        const name = names[usual ? one.step++ % names.length : random.below(names.length)]!;
        const value = [`hunter2 ${i}`, i, i % 2 === 0, [`hunter2 ${i}`]][random.below(4)]!;
        if (name === 'url.full') {
          one.span.setAttribute(name, `a://hunter2:${i}@h/`);
          one.expected.set(name, 'a://REDACTED:REDACTED@h/');
          continue;
        }
        one.span.setAttribute(name, any(name.startsWith('plain') ? i : value));
        if (name.startsWith('plain')) one.expected.set(name, BigInt(i));
        if (name.startsWith('mask')) {
          one.expected.set(name, Array.isArray(value) ? ['REDACTED'] : 'REDACTED');
        }
      }
    }
    const spans = await arrived();
    expect(spans).toHaveLength(ended.size);
    for (const span of spans) {
      const whole = Object.fromEntries(
        Object.entries(span.attributes).map(([key, value]) => [
          key,
          typeof value === 'number' ? BigInt(value) : value,
        ]),
      );
      expect(whole).toEqual(ended.get(span.spanId));
    }
    const sent = transport.payloads.map(({ body }) => Buffer.from(body).toString('latin1')).join();
    expect(sent).not.toContain('hunter2');
    expect(telemetry.health().redacted?.masked).toBeGreaterThan(100);
  });

  it('goes on when keys are so many that they are forgotten', async () => {
    const { arrived, tracer, transport } = started({
      redact: redaction({ mask: ['mask.*'], drop: ['drop.*'] }),
    });
    for (let i = 0; i < 9000; i++) {
      tracer
        .startSpan('s')
        .setAttribute('mask.same', `hunter2 ${i}`)
        .setAttribute(`mask.${i}`, 'hunter2')
        .setAttribute(`drop.${i}`, 'hunter2')
        .setAttribute(`plain.${i}`, i)
        .end();
      if (i % 1000 === 999) {
        const spans = await arrived();
        expect(spans).toHaveLength(1000);
        transport.clear();
        for (const { attributes } of spans) {
          const [first, second, third, ...rest] = Object.entries(attributes);
          expect([first?.[1], second?.[1], typeof third?.[1], rest]).toEqual([
            'REDACTED',
            'REDACTED',
            'number',
            [],
          ]);
        }
      }
    }
  });

  it('is refused by start() where rules were not made ready, which would let everything through', () => {
    for (const redact of [{ drop: ['user.*'] }, {}, null, 'credentials', [/a/]]) {
      expect(() => started({ redact: any(redact) })).toThrow(
        /option 'redact' is .*; give redaction\({ … }\) of 'otlp-wasm\/redaction'/,
      );
    }
  });

  it('counts for each telemetry by itself, from the same rules', async () => {
    const redact = redaction({ drop: ['secret'] });
    const [one, other] = [started({ redact }), started({ redact })];
    one.tracer.startSpan('s').setAttribute('secret', 1).end();
    expect(one.telemetry.health().redacted).toMatchObject({ dropped: 1 });
    expect(other.telemetry.health().redacted).toMatchObject({ dropped: 0 });
  });
});
