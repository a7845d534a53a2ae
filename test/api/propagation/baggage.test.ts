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

/** The most that W3C Baggage obliges everyone to pass on: 63 members of 127 bytes, one of 128. */
const sixtyFour = Array.from({ length: 64 }, (_, i) =>
  `key${String(i).padStart(2, '0')}=`.padEnd(i === 0 ? 128 : 127, 'v'),
).join(',');

describe('compliance matrix: Baggage', () => {
  it('Basic support: entries, values and metadata go from one service to the next', () => {
    const sent = propagation
      .createBaggage({
        userId: { value: 'Amélie' },
        serverNode: {
          value: 'DF 28',
          metadata: baggageEntryMetadataFromString('private;ttl=60'),
        },
        gone: { value: '1' },
      })
      .removeEntry('gone');
    const carrier: Record<string, string> = {};
    const sending = propagation.setBaggage(ROOT_CONTEXT, sent);
    propagator.inject(sending, carrier, defaultTextMapSetter);
    const receiving = propagator.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter);
    const received = propagation.getBaggage(receiving);
    expect(received?.getAllEntries().map(([key]) => key)).toEqual(['userId', 'serverNode']);
    expect(received?.getEntry('userId')).toEqual({ value: 'Amélie' });
    expect(received?.getEntry('serverNode')?.value).toBe('DF 28');
    expect(received?.getEntry('serverNode')?.metadata?.toString()).toBe('private;ttl=60');
    expect(propagation.getBaggage(propagation.deleteBaggage(receiving))).toBeUndefined();
  });

  it('Use official header name `baggage`', () => {
    const context = propagation.setBaggage(
      ROOT_CONTEXT,
      propagation.createBaggage({ a: { value: '1' } }),
    );
    const written: string[] = [];
    propagator.inject(context, written, { set: (carrier, key) => carrier.push(key) });
    expect(written).toEqual(['baggage']);
    const asked: string[] = [];
    propagator.extract(ROOT_CONTEXT, asked, {
      get(carrier, key) {
        carrier.push(key);
        return undefined;
      },
      keys: () => [],
    });
    expect(new Set(asked)).toEqual(new Set(['baggage']));
    expect(propagator.fields()).toEqual(['baggage']);
  });
});

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
    [
      'user=1,User=2,USER=3',
      [
        ['user', '1'],
        ['User', '2'],
        ['USER', '3'],
      ],
    ],
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

  it('GetAll: several headers are one list', () => {
    expect(extract(['a=1', 'b=2,c=3', '', 'a=4'])).toEqual([
      ['a', '4'],
      ['b', '2'],
      ['c', '3'],
    ]);
  });

  it('GetAll: what a getter lists besides text is no header', () => {
    const odd = [undefined, 'a=1', Symbol('odd'), 2, 'b=2'] as string[];
    expect(extract(odd)).toEqual([
      ['a', '1'],
      ['b', '2'],
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

  it('reads 8192 bytes in all, however they are shared out', () => {
    const most = `a=${'x'.repeat(8190)}`;
    expect(extract(most)).toEqual([['a', most.slice(2)]]);
    expect(extract(`${most}x`)).toEqual([]);
    // 5000 + 1 + 3191 bytes
    const large = `a=${'x'.repeat(4998)}`;
    const rest = `b=${'x'.repeat(3189)}`;
    expect(extract(`${large},${rest}`)).toHaveLength(2);
    expect(extract(`${large},${rest}x`)).toHaveLength(1);
    expect(extract(`${large},${rest}x,c=3`).map(([key]) => key)).toEqual(['a', 'c']);
  });

  it('reads the 64 members of 8192 bytes that every platform must pass on', () => {
    expect(sixtyFour).toHaveLength(8192);
    expect(extract(sixtyFour)).toHaveLength(64);
  });

  it('white space and members that are invalid take nothing from the limits', () => {
    const invalid = `${'x'.repeat(4096)},`;
    const spaces = ' '.repeat(4096);
    expect(extract(`${invalid}${invalid}${spaces}a=1${spaces},${spaces}b=2`)).toEqual([
      ['a', '1'],
      ['b', '2'],
    ]);
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

  it('writes the 64 members of 8192 bytes that every platform must pass on', () => {
    const pairs = sixtyFour.split(',').map((member) => member.split('='));
    expect(injectPairs(Object.fromEntries(pairs))).toBe(sixtyFour);
  });

  it('writes 180 members', () => {
    const pairs = Object.fromEntries(Array.from({ length: 181 }, (_, i) => [`key${i}`, '1']));
    expect(injectPairs(pairs)?.split(',')).toHaveLength(180);
  });

  it('writes whole members, 8192 bytes in all, however they are shared out', () => {
    const most = 'x'.repeat(8190);
    expect(injectPairs({ a: most })).toBe(`a=${most}`);
    expect(injectPairs({ a: `${most}x`, b: '1' })).toBe('b=1');
    const large = 'x'.repeat(4998);
    const rest = 'x'.repeat(3189);
    expect(injectPairs({ a: large, b: rest })).toHaveLength(8192);
    expect(injectPairs({ a: large, b: `${rest}x`, c: '1' })).toBe(`a=${large},c=1`);
  });

  it('counts what is written, not what was escaped', () => {
    // Three bytes for each space.
    expect(injectPairs({ a: ' '.repeat(2730) })).toHaveLength(8192);
    expect(injectPairs({ a: ' '.repeat(2731) })).toBeUndefined();
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
