import { describe, expect, it } from 'vitest';
import { parseTraceState, W3CTraceState } from '../../../src/api/propagation/trace-state.ts';

const KEY_CHARACTERS = 'abcdefghijklmnopqrstuvwxyz0123456789_-*/@';
const VALUE_CHARACTERS = Array.from({ length: 0x7f - 0x20 }, (_, i) =>
  String.fromCharCode(0x20 + i),
)
  .filter((character) => character !== ',' && character !== '=')
  .join('');

function list(members: number): string {
  return Array.from({ length: members }, (_, i) => `key${i}=${i}`).join(',');
}

describe('parseTraceState', () => {
  it.each([
    ['foo=1', 'foo=1'],
    ['foo=1,bar=2', 'foo=1,bar=2'],
    ['foo=1 \t , \t bar=2, \t baz=3', 'foo=1,bar=2,baz=3'],
    ['foo=1\t \t,\t \tbar=2,\t \tbaz=3', 'foo=1,bar=2,baz=3'],
    ['\t foo=1 \t', 'foo=1'],
    [',, foo=1,\t,bar=2,', 'foo=1,bar=2'],
    ['foo=  leading spaces stay', 'foo=  leading spaces stay'],
    ['foo=1,foo=2', 'foo=1'],
    ['foo=1,bar=2,foo=3', 'foo=1,bar=2'],
    ['foo@=1,bar=2', 'foo@=1,bar=2'],
    ['foo@@bar=1', 'foo@@bar=1'],
    ['foo@bar@baz=1', 'foo@bar@baz=1'],
    ['0tenant@system=1', '0tenant@system=1'],
    ['constructor=1,p__proto__=2', 'constructor=1,p__proto__=2'],
    [`${KEY_CHARACTERS}=${VALUE_CHARACTERS}`, `${KEY_CHARACTERS}=${VALUE_CHARACTERS}`],
  ])('reads %j', (header, expected) => {
    expect(parseTraceState(header)?.serialize()).toBe(expected);
  });

  it.each([
    '',
    ' \t',
    ',,',
    'foo',
    'foo=',
    'foo= ',
    '=1',
    'foo =1',
    'FOO=1',
    'foo.bar=1',
    '@foo=1,bar=2',
    '_foo=1',
    'foo=bar=baz',
    'foo=,bar=3',
    'foo=1,bar',
    'foo=b\tar',
    'foo=b\u007f',
    'foo=é',
    'foo=1\n',
  ])('discards all of %j', (header) => {
    expect(parseTraceState(header)).toBeUndefined();
  });

  it('takes 32 members and discards 33', () => {
    expect(parseTraceState(list(32))?.serialize()).toBe(list(32));
    expect(parseTraceState(`${list(32)},`)?.serialize()).toBe(list(32));
    expect(parseTraceState(list(33))).toBeUndefined();
    expect(parseTraceState(`${list(32)},key0=twice`)).toBeUndefined();
  });

  it('takes keys and values of 256 characters and discards longer ones', () => {
    const long = 'z'.repeat(256);
    const header = `foo=1,${long}=${long}`;
    expect(parseTraceState(header)?.serialize()).toBe(header);
    expect(parseTraceState(`foo=1,${long}z=1`)).toBeUndefined();
    expect(parseTraceState(`foo=1,bar=${long}z`)).toBeUndefined();
  });
});

it('a list of more than the 512 characters everyone must pass on stays whole', () => {
  const header = Array.from({ length: 32 }, (_, i) => `key${i}=${'v'.repeat(200)}`).join(',');
  expect(parseTraceState(header)?.serialize()).toBe(header);
});

describe('W3CTraceState', () => {
  it('is empty at first', () => {
    expect(new W3CTraceState().serialize()).toBe('');
    expect(new W3CTraceState().get('foo')).toBeUndefined();
  });

  it('puts what was set last in front', () => {
    const state = new W3CTraceState().set('a', '1').set('b', '2').set('c', '3');
    expect(state.serialize()).toBe('c=3,b=2,a=1');
    expect(state.set('a', '4').serialize()).toBe('a=4,c=3,b=2');
  });

  it('never changes', () => {
    const state = new W3CTraceState().set('a', '1');
    state.set('b', '2');
    state.unset('a');
    expect(state.serialize()).toBe('a=1');
  });

  it('tells keys apart that begin alike', () => {
    const state = parseTraceState('ab=1,a=2,abc=3')!;
    expect([state.get('a'), state.get('ab'), state.get('abc')]).toEqual(['2', '1', '3']);
    expect(state.unset('a').serialize()).toBe('ab=1,abc=3');
    expect(state.set('a', '4').serialize()).toBe('a=4,ab=1,abc=3');
  });

  it('unsets a key, also the last and a missing one', () => {
    const state = new W3CTraceState().set('a', '1');
    expect(state.unset('a').serialize()).toBe('');
    expect(state.unset('missing').serialize()).toBe('a=1');
  });

  it('lets a 33rd member push out the last one', () => {
    const state = parseTraceState(list(32))!.set('new', '1');
    expect(state.serialize()).toBe(`new=1,${list(31)}`);
  });

  it.each([
    ['', '1'],
    ['FOO', '1'],
    ['foo', ''],
    ['foo', 'a,b'],
    ['foo', 'a=b'],
    ['foo', 'ends with a space '],
    ['foo', 'é'],
    ['f'.repeat(257), '1'],
    ['foo', 'v'.repeat(257)],
  ])('stays as it is when a pair cannot be carried: %j=%j', (key, value) => {
    expect(new W3CTraceState().set('a', '1').set(key, value).serialize()).toBe('a=1');
  });
});
