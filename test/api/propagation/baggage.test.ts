import {
  type Baggage,
  type BaggageEntry,
  baggageEntryMetadataFromString,
  defaultTextMapGetter,
  defaultTextMapSetter,
  propagation,
  ROOT_CONTEXT,
} from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { suppressTracing } from '../../../src/api/context/suppress-tracing.ts';
import { BaggagePropagator } from '../../../src/api/propagation/baggage.ts';

const propagator = new BaggagePropagator();

function extracted(baggage: string | string[] | undefined): Baggage | undefined {
  const context = propagator.extract(ROOT_CONTEXT, { baggage }, defaultTextMapGetter);
  return propagation.getBaggage(context);
}

/** Key, value and, where there is any, metadata of what was extracted. */
function extract(header: string | string[] | undefined): string[][] {
  const entries = extracted(header)?.getAllEntries() ?? [];
  return entries.map(([key, { value, metadata }]) =>
    metadata === undefined ? [key, value] : [key, value, metadata.toString()],
  );
}

function inject(baggage: Baggage): string | undefined {
  const carrier: Record<string, string> = {};
  const context = propagation.setBaggage(ROOT_CONTEXT, baggage);
  propagator.inject(context, carrier, defaultTextMapSetter);
  return carrier.baggage;
}

function injectPairs(pairs: Record<string, string>): string | undefined {
  const entries = Object.entries(pairs).map(([key, value]) => [key, { value }]);
  return inject(propagation.createBaggage(Object.fromEntries(entries)));
}

function injectMetadata(metadata: string): string | undefined {
  const entry: BaggageEntry = { value: 'v', metadata: baggageEntryMetadataFromString(metadata) };
  return inject(propagation.createBaggage({ k: entry }));
}

describe('extract', () => {
  it.each([
    ['SomeKey=SomeValue', [['SomeKey', 'SomeValue']]],
    [
      'a=1,b=2',
      [
        ['a', '1'],
        ['b', '2'],
      ],
    ],
    [
      ' \ta \t= \t1 \t, \tb=2 ',
      [
        ['a', '1'],
        ['b', '2'],
      ],
    ],
    ['a=b=c==', [['a', 'b=c==']]],
    ['a=', [['a', '']]],
    ['a=1,a=2', [['a', '2']]],
    ['__proto__=1', [['__proto__', '1']]],
    ["!#$&'*+-.^_`|~9Z=1", [["!#$&'*+-.^_`|~9Z", '1']]],
    ['a=1;p', [['a', '1', 'p']]],
    ['a=1 ; p ; q = 2 ;r=%20', [['a', '1', 'p;q=2;r=%20']]],
    ['a=1;p;p=1;p=2', [['a', '1', 'p;p=1;p=2']]],
    ['a=1;', [['a', '1']]],
    ['a=1;x%20%3D', [['a', '1', 'x%20%3D']]],
    ['userId=Am%C3%A9lie', [['userId', 'Amélie']]],
    ['node=DF%2028', [['node', 'DF 28']]],
    ['a=%09%20%22%27%3B%3Dasdf%21%40%23%24%25%5E', [['a', '\t "\';=asdf!@#$%^']]],
    ['a=100%', [['a', '100%']]],
    ['a=%zz%41', [['a', '%zzA']]],
    ['a=%ff%41', [['a', '\ufffdA']]],
    ['a=%c3', [['a', '\ufffd']]],
    ['a=%C3%A9%ff%C3%A9', [['a', 'é\ufffdé']]],
    ['user%3Aid=1', [['user:id', '1']]],
    ['a%ff=1', [['a%ff', '1']]],
  ])('reads %j', (header, expected) => {
    expect(extract(header)).toEqual(expected);
  });

  it.each([
    'novalue',
    '=1',
    ' =1',
    'a b=1',
    'ke"y=1',
    'é=1',
    'a=b c',
    'a="quoted"',
    'a=back\\slash',
    'a=é',
    'a=\u007f',
    'a=1;b c',
    'a=1;=2',
    'a=1;b="2"',
    '',
    ' ',
  ])('skips the invalid member %j and keeps those around it', (member) => {
    expect(extract(`first=1,${member},last=2`)).toEqual([
      ['first', '1'],
      ['last', '2'],
    ]);
  });

  it('joins several headers', () => {
    expect(extract(['a=1', 'b=2,c=3'])).toEqual([
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
    ]);
  });

  it.each([undefined, '', ',', 'novalue', []])('leaves the context alone: %j', (baggage) => {
    const context = propagation.setBaggage(
      ROOT_CONTEXT,
      propagation.createBaggage({ own: { value: '1' } }),
    );
    expect(propagator.extract(context, { baggage }, defaultTextMapGetter)).toBe(context);
  });

  it('reads 180 members', () => {
    const members = Array.from({ length: 181 }, (_, i) => `key${i}=${i}`);
    const keys = extract(members.join(',')).map(([key]) => key);
    expect(keys).toHaveLength(180);
    expect(keys).not.toContain('key180');
  });

  it('reads members of 4096 bytes and 8192 bytes in all', () => {
    const most = `a=${'x'.repeat(4094)}`;
    expect(extract(most)).toHaveLength(1);
    expect(extract(`${most}x`)).toEqual([]);
    // 4096 + 1 + 4095 bytes
    const rest = `b=${'x'.repeat(4093)}`;
    expect(extract(`${most},${rest}`)).toHaveLength(2);
    expect(extract(`${most},${rest}x`)).toHaveLength(1);
    expect(extract(`${most},${rest}x,c=3`).map(([key]) => key)).toEqual(['a', 'c']);
  });
});

describe('inject', () => {
  it('writes all entries in one header', () => {
    expect(injectPairs({ a: '1', b: '2' })).toBe('a=1,b=2');
  });

  it.each([
    ['Amélie', 'Am%C3%A9lie'],
    ['DF 28', 'DF%2028'],
    ['100%', '100%25'],
    ['a,b;c="d\\"', 'a%2Cb%3Bc%3D%22d%5C%22'],
    ['\ud800', '%EF%BF%BD'],
    ['💚', '%F0%9F%92%9A'],
    ['', ''],
  ])('escapes the value %j', (value, written) => {
    expect(injectPairs({ k: value })).toBe(`k=${written}`);
  });

  it.each([
    ["!#$&'*+-.^_`|~9Z", "!#$&'*+-.^_`|~9Z"],
    ['user:id', 'user%3Aid'],
    ['f(x)', 'f%28x%29'],
    ['50%', '50%'],
    ['a%20b', 'a%2520b'],
    ['K\u017f', 'K%C5%BF'],
    ['\udc00', '%EF%BF%BD'],
  ])('escapes in the key %j only what no token may hold', (key, written) => {
    expect(injectPairs({ [key]: '1' })).toBe(`${written}=1`);
  });

  it.each([
    ['p', 'k=v;p'],
    ['p;q=1', 'k=v;p;q=1'],
    [' p ; q = 1 ', 'k=v;p;q=1'],
    ['q=%20', 'k=v;q=%20'],
    ['', 'k=v'],
    ['q=two words', 'k=v;q=two%20words'],
    ['q=1,evil=1\r\n', 'k=v;q=1%2Cevil=1%0D%0A'],
    ['two words', 'k=v;two%20words'],
  ])('writes the metadata %j', (metadata, header) => {
    expect(injectMetadata(metadata)).toBe(header);
  });

  it('leaves out what has no key, and writes no empty header', () => {
    expect(injectPairs({ '': '1', a: '2' })).toBe('a=2');
    expect(injectPairs({ '': '1' })).toBeUndefined();
    expect(injectPairs({})).toBeUndefined();
  });

  it('writes 180 members', () => {
    const pairs = Object.fromEntries(Array.from({ length: 181 }, (_, i) => [`key${i}`, '1']));
    expect(injectPairs(pairs)?.split(',')).toHaveLength(180);
  });

  it('writes whole members of 4096 bytes, 8192 bytes in all', () => {
    const most = 'x'.repeat(4094);
    expect(injectPairs({ a: most })).toHaveLength(4096);
    expect(injectPairs({ a: `${most}x`, b: '1' })).toBe('b=1');
    expect(injectPairs({ a: most, b: most.slice(1) })).toHaveLength(8192);
    expect(injectPairs({ a: most, b: most, c: '1' })).toBe(`a=${most},c=1`);
  });

  it('writes nothing without baggage or where tracing is suppressed', () => {
    const carrier = {};
    propagator.inject(ROOT_CONTEXT, carrier, defaultTextMapSetter);
    const baggage = propagation.createBaggage({ a: { value: '1' } });
    const context = suppressTracing(propagation.setBaggage(ROOT_CONTEXT, baggage));
    propagator.inject(context, carrier, defaultTextMapSetter);
    expect(carrier).toEqual({});
  });
});

describe('both ways', () => {
  it.each(['a=1,b=2;p;q=%20', "!#$&'*+-.^_`|~=Z", 'user%3Aid=1', '50%=1'])(
    'passes %j on unchanged',
    (header) => {
      expect(inject(extracted(header)!)).toBe(header);
    },
  );

  it('carries any key and value', () => {
    const pairs = { 'clé: 50% (a,b)=;"\\': '\t💚 %41=,;"\\\n', ' ': ' ' };
    expect(extract(injectPairs(pairs))).toEqual(Object.entries(pairs));
  });

  it('names its field', () => {
    expect(propagator.fields()).toEqual(['baggage']);
  });
});
