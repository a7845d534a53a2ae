import { describe, expect, it } from 'vitest';
import { escapedLabelName, escapedMetricName } from '../../src/prometheus/escaping.ts';
import { labelName, metricName, type TranslationStrategy } from '../../src/prometheus/names.ts';
import { unitWords } from '../../src/prometheus/units.ts';

interface Named {
  readonly unit?: string;
  readonly isCounter?: boolean;
  readonly strategy?: TranslationStrategy;
}

function named(name: string, given: Named = {}): string {
  const { unit = '', isCounter = false, strategy = 'UnderscoreEscapingWithSuffixes' } = given;
  return metricName(name, { unit: unitWords(unit), isCounter, strategy });
}

describe('units in words', () => {
  // The table of "Metric Metadata", and how rates are said.
  it.each([
    ['d', 'days'],
    ['h', 'hours'],
    ['min', 'minutes'],
    ['s', 'seconds'],
    ['ms', 'milliseconds'],
    ['us', 'microseconds'],
    ['ns', 'nanoseconds'],
    ['By', 'bytes'],
    ['KiBy', 'kibibytes'],
    ['MiBy', 'mebibytes'],
    ['GiBy', 'gibibytes'],
    ['TiBy', 'tebibytes'],
    ['kBy', 'kilobytes'],
    ['MBy', 'megabytes'],
    ['GBy', 'gigabytes'],
    ['TBy', 'terabytes'],
    ['m', 'meters'],
    ['V', 'volts'],
    ['A', 'amperes'],
    ['J', 'joules'],
    ['W', 'watts'],
    ['g', 'grams'],
    ['Cel', 'celsius'],
    ['Hz', 'hertz'],
    ['%', 'percent'],
    ['m/s', 'meters_per_second'],
    ['By/min', 'bytes_per_minute'],
    ['1/s', 'per_second'],
    ['By/m', 'bytes_per_minute'],
    ['J/d', 'joules_per_day'],
    ['By/w', 'bytes_per_week'],
    ['Cel/Hz', 'celsius_per_hertz'],
    ['s/Cel', 'seconds_per_celsius'],
    ['{request}/s', 'per_second'],
    ['By/{operation}', 'bytes'],
    ['s{elapsed}', 'seconds'],
    ['furlong', 'furlong'],
    ['constructor', 'constructor'],
    ['furlong/fortnight', 'furlong_per_fortnight'],
  ])('%s: %s', (unit, words) => {
    expect(named('x', { unit })).toBe(`x_${words}`);
  });

  it.each(['', '1', '{packet}', '{a}/{b}', ' '])('%j is none', (unit) => {
    expect(named('x', { unit })).toBe('x');
  });
});

describe('names of metrics', () => {
  it.each([
    // What OpenTelemetry allows and Prometheus does not.
    ['http.server.duration', {}, 'http_server_duration'],
    ['a-b/c.d', {}, 'a_b_c_d'],
    ['a..b__c', {}, 'a_b_c'],
    ['job:rate:sum', {}, 'job:rate:sum'],
    ['2xx', {}, '_2xx'],
    ['größe', {}, 'gr_e'],
    // Suffixes: the unit first, then that of the type, each once.
    ['http.server.duration', { unit: 's' }, 'http_server_duration_seconds'],
    ['http.server.duration.seconds', { unit: 's' }, 'http_server_duration_seconds'],
    ['seconds.spent', { unit: 's' }, 'seconds_spent_seconds'],
    ['bytes', { unit: 'By' }, 'bytes'],
    ['kilobytes', { unit: 'By' }, 'kilobytes_bytes'],
    ['disk.bytes', { unit: 'By/s' }, 'disk_bytes_per_second'],
    ['disk.bytes.per.second', { unit: 'By/s' }, 'disk_bytes_per_second'],
    ['speed', { unit: 'km/h' }, 'speed_km_per_hour'],
    ['weird', { unit: 'a b/c d' }, 'weird_a_b_per_c_d'],
    ['requests', { isCounter: true }, 'requests_total'],
    ['requests.total', { isCounter: true }, 'requests_total'],
    ['requests_total', { isCounter: true, unit: 'By' }, 'requests_bytes_total'],
    ['cpu_seconds_total', { isCounter: true, unit: 's' }, 'cpu_seconds_total'],
    ['subtotal', { isCounter: true }, 'subtotal_total'],
    ['total', { isCounter: true }, 'total_total'],
    ['total.requests', { isCounter: true }, 'total_requests_total'],
    ['requests_total', {}, 'requests_total'],
    ['trailing_', { unit: 's' }, 'trailing_seconds'],
    // Nothing is left of them.
    ['日本', {}, ''],
    ['日本', { isCounter: true, unit: 's' }, ''],
    ['', {}, ''],
  ] as const)('%s, %j: %s', (name, given, expected) => {
    expect(named(name, given)).toBe(expected);
  });
});

describe('translation strategies', () => {
  // The specification's example, and one that has no classic characters.
  const given = { unit: 'By', isCounter: true };
  it.each([
    ['UnderscoreEscapingWithSuffixes', 'foo_bar_bytes_total', '', 'http_method'],
    ['UnderscoreEscapingWithoutSuffixes', 'foo_bar', '', 'http_method'],
    ['NoUTF8EscapingWithSuffixes', 'foo.bar_bytes_total', '日本_bytes_total', 'http.method'],
    ['NoTranslation', 'foo.bar', '日本', 'http.method'],
  ] as const)('%s', (strategy, dotted, japanese, label) => {
    expect(named('foo.bar', { ...given, strategy })).toBe(dotted);
    expect(named('日本', { ...given, strategy })).toBe(japanese);
    expect(labelName('http.method', strategy)).toBe(label);
  });

  it('finds suffixes after a dot, where dots stay', () => {
    const strategy = 'NoUTF8EscapingWithSuffixes';
    expect(named('cpu.seconds.total', { unit: 's', isCounter: true, strategy })).toBe(
      'cpu.seconds_total',
    );
  });
});

describe('names of labels', () => {
  it.each([
    ['http.request.method', 'http_request_method'],
    ['a--b', 'a_b'],
    ['a__b', 'a_b'],
    ['le:vel', 'le_vel'],
    ['1st', 'key_1st'],
    ['__name__', '_name_'],
    ['_private', '_private'],
    ['日', ''],
    ['', ''],
  ])('%s: %s', (key, name) => {
    expect(labelName(key, 'UnderscoreEscapingWithSuffixes')).toBe(name);
  });
});

describe('escaping for those who cannot read UTF-8', () => {
  // Prometheus, "UTF-8 metric and label name escaping schemes".
  it.each([
    ['underscores', 'metric.name/with/slashes', 'metric_name_with_slashes'],
    ['underscores', 'a..b', 'a__b'],
    ['underscores', '0day', '_day'],
    ['dots', 'metric.name.with.dots', 'metric_dot_name_dot_with_dot_dots'],
    ['dots', 'a_b.c', 'a__b_dot_c'],
    ['dots', 'a/b', 'a__b'],
    ['dots', 'already_classic', 'already_classic'],
    ['values', 'metric.name', 'U__metric_2e_name'],
    ['values', 'a_b.c', 'U__a__b_2e_c'],
    ['values', '花火', 'U___82b1__706b_'],
    ['values', '🎆', 'U___1f386_'],
    ['values', 'half \ud83c', 'U__half_20__fffd_'],
    ['values', 'already_classic', 'already_classic'],
    ['allow-utf-8', 'metric.name', 'metric.name'],
  ] as const)('%s: %s is %s', (scheme, name, expected) => {
    expect(escapedMetricName(name, scheme)).toBe(expected);
  });

  it('takes a colon for a character of metrics and not of labels', () => {
    expect(escapedMetricName('a:b', 'values')).toBe('a:b');
    expect(escapedLabelName('a:b', 'values')).toBe('U__a_3a_b');
    expect(escapedLabelName('a:b', 'underscores')).toBe('a_b');
  });
});
