// What is recorded for a real Prometheus to scrape, and what it has to find.

const NANOS = 1e9;
const START = [1_700_000_000, 250_000_000];

export const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
export const SPAN_ID = 'b7ad6b7169203331';

/** Of this moment: Prometheus takes no exemplars that are old. */
function now() {
  const ms = Date.now();
  return [Math.floor(ms / 1000), ((ms % 1000) * 1e6) % NANOS];
}

const described = (name, unit, description) => ({
  descriptor: { name, unit, description, valueType: 1 },
  aggregationTemporality: 1,
});

/** A collector as a provider would give it to the reader: summaries are of no SDK. */
export function bridgedProducer() {
  return {
    async collect() {
      const point = (attributes, value) => ({
        ...{ startTime: START, endTime: now(), attributes, value },
      });
      const metrics = [
        {
          ...described('rpc.duration', 's', 'Of another library'),
          dataPointType: 4,
          dataPoints: [
            point(
              { method: 'get' },
              {
                ...{ count: 7, sum: 9.5 },
                quantiles: [
                  { quantile: 0.99, value: 3 },
                  { quantile: 0.5, value: 1.25 },
                ],
              },
            ),
          ],
        },
      ];
      const scope = { name: 'bridge' };
      const resourceMetrics = {
        resource: { attributes: {} },
        scopeMetrics: [{ scope, metrics }],
      };
      return { resourceMetrics, errors: [] };
    },
  };
}

const exemplar = (value, filteredAttributes = {}) => ({
  ...{ filteredAttributes, value, time: now(), traceId: TRACE_ID, spanId: SPAN_ID },
});

/** Everything else, with what only odd data has. `hits` rises with each collection. */
export function oddCollector() {
  let hits = 0;
  return {
    async collect() {
      hits++;
      const point = (attributes, value, exemplars = []) => ({
        ...{ startTime: START, endTime: now(), attributes, value, exemplars },
      });
      const metrics = [
        {
          ...described('odd.hits', '{hit}', 'A "help"\nof two lines \\ and a backslash'),
          ...{ dataPointType: 3, isMonotonic: true },
          dataPoints: [
            point({ 'a.b': 'dot', 'a-b': 'dash', text: 'q"uote \\ and\nline 日本' }, hits, [
              exemplar(1, { 'user.id': 42, long: 'x'.repeat(100) }),
            ]),
          ],
        },
        {
          ...described('odd.numbers', '1', 'Not a number, and more than any'),
          dataPointType: 2,
          dataPoints: [
            point({ of: 'nan' }, Number.NaN),
            point({ of: 'inf' }, Number.POSITIVE_INFINITY),
            point({ of: 'minus' }, Number.NEGATIVE_INFINITY),
            point({ of: 'large' }, 1e21),
            point({ of: 'small' }, 1.5e-9),
          ],
        },
        {
          ...described('odd.sizes', 'By', 'With bounds of every kind'),
          dataPointType: 0,
          dataPoints: [
            point(
              { le: 'mine' },
              {
                ...{ count: 10, sum: 5_000_020.5, min: 1, max: 5e6 },
                buckets: { boundaries: [0.005, 1, 1e6], counts: [1, 2, 3, 4] },
              },
              [exemplar(0.5), exemplar(5e6)],
            ),
          ],
        },
        {
          ...described('odd.latency', 's', 'Exponential'),
          dataPointType: 1,
          dataPoints: [
            point(
              {},
              {
                ...{ count: 13, sum: 30, scale: 0, zeroCount: 2 },
                positive: { offset: 0, bucketCounts: [4, 0, 7] },
                negative: { offset: 0, bucketCounts: [] },
              },
            ),
          ],
        },
        {
          ...described('odd.hits.total', '', 'In the way of a counter'),
          dataPointType: 2,
          dataPoints: [point({}, 1)],
        },
      ];
      const scope = {
        ...{ name: 'odd', version: '1.2.3', schemaUrl: 'https://example.com/1' },
        attributes: { 'build.id': 7 },
      };
      const attributes = { 'service.name': 'shop', 'service.instance.id': '7', 'host.cpus': 4 };
      const resourceMetrics = { resource: { attributes }, scopeMetrics: [{ scope, metrics }] };
      return { resourceMetrics, errors: [] };
    },
  };
}
