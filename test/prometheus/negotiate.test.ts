import { describe, expect, it } from 'vitest';
import { acceptsGzip, negotiate } from '../../src/prometheus/negotiate.ts';

const TEXT = 'text/plain; version=0.0.4; charset=utf-8';
const UTF8_TEXT = 'text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8';
const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** Prometheus 2 as it asks. */
const PROMETHEUS_2 =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
/** Prometheus 3 as it asks. */
const PROMETHEUS_3 =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';
const PROMETHEUS_3_NATIVE = `application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,${PROMETHEUS_3}`;

describe('the format of a scrape', () => {
  it.each([
    ['Prometheus 2', PROMETHEUS_2, `${OPEN_METRICS}; escaping=underscores`],
    ['Prometheus 3', PROMETHEUS_3, `${OPEN_METRICS}; escaping=allow-utf-8`],
    [
      'Prometheus 3 for native histograms',
      PROMETHEUS_3_NATIVE,
      `${OPEN_METRICS}; escaping=allow-utf-8`,
    ],
    ['nobody in particular', undefined, TEXT],
    ['a header without content', '', TEXT],
    ['curl', '*/*', TEXT],
    ['a browser', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', TEXT],
    ['who wants text', 'text/plain', TEXT],
    ['who wants any text', 'text/*;q=0.1', TEXT],
    [
      'who wants OpenMetrics',
      'application/openmetrics-text',
      `${OPEN_METRICS}; escaping=underscores`,
    ],
    [
      'who writes it otherwise',
      ' Application/OpenMetrics-Text ; Version="1.0.0" ; Escaping=values ',
      `${OPEN_METRICS}; escaping=values`,
    ],
    ['who wants another OpenMetrics', 'application/openmetrics-text;version=2.0.0', TEXT],
    ['who wants protobuf only', 'application/vnd.google.protobuf', TEXT],
    ['who would rather have text', 'application/openmetrics-text;q=0.2,text/plain;q=0.3', TEXT],
    [
      'who would rather have OpenMetrics',
      'text/plain;q=0.2,application/openmetrics-text;q=0.3',
      `${OPEN_METRICS}; escaping=underscores`,
    ],
    [
      'who has them in order',
      'application/openmetrics-text;q=0.5,text/plain;q=0.5',
      `${OPEN_METRICS}; escaping=underscores`,
    ],
    ['who refuses OpenMetrics', 'application/openmetrics-text;q=0,text/plain;q=0.1', TEXT],
    ['who takes all but text', 'text/plain;q=0,*/*', `${OPEN_METRICS}; escaping=underscores`],
    ['who gives a quality that is none', 'application/openmetrics-text;q=high,text/plain', TEXT],
    ['who wants text with UTF-8', 'text/plain;version=1.0.0;escaping=allow-utf-8', UTF8_TEXT],
    [
      'who wants the older text with it',
      'text/plain;version=0.0.4;escaping=allow-utf-8',
      `${TEXT}; escaping=allow-utf-8`,
    ],
    [
      'who wants an escaping there is not',
      'application/openmetrics-text;version=1.0.0;escaping=rot13',
      `${OPEN_METRICS}; escaping=underscores`,
    ],
    [
      'who would put something into our header',
      'text/plain;version=1.0.0;escaping="values; x=y"',
      'text/plain; version=1.0.0; charset=utf-8; escaping=underscores',
    ],
    [
      'a header of unreasonable length',
      `application/openmetrics-text,${'x/y,'.repeat(5000)}`,
      TEXT,
    ],
  ])('%s', (_who, accept, contentType) => {
    const { openMetrics, escaping, contentType: given } = negotiate(accept);
    expect(given).toBe(contentType);
    expect(openMetrics).toBe(contentType.startsWith('application/'));
    expect(escaping).toBe(/escaping=(.*)/.exec(contentType)?.[1] ?? 'underscores');
  });
});

describe('compression of a scrape', () => {
  it.each([
    [undefined, false],
    ['', false],
    ['gzip', true],
    ['deflate, gzip;q=0.5', true],
    ['GZIP', true],
    ['x-gzip', true],
    ['*', true],
    ['*;q=0', false],
    ['gzip;q=0, *', false],
    ['identity', false],
    ['br', false],
  ])('%j: %j', (header, expected) => {
    expect(acceptsGzip(header)).toBe(expected);
  });
});
