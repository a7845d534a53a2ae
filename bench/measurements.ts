/**
 * The measurements every metric bench records, through the OpenTelemetry API alone: upstream and we
 * run the same functions, and `expected…` says what must come out.
 *
 * Attributes are object literals that are new in every call, as instrumentation has them: four
 * attributes, a hundred sets which take turns. Their strings are literals of the program, or (`addBuilt`) one
 * of the four is put together for every call, as `/api/${version}/orders` is: a string that the
 * engine has to look at before it can be recognised.
 */

import type { Attributes, Counter, Histogram } from '@opentelemetry/api';

/** Measurements of one run. */
export const MEASUREMENTS = 10_000;
/** Attribute sets that take turns. */
export const SETS = 100;

const METHODS = ['GET', 'POST'] as const;
const ROUTES = [
  '/orders',
  '/orders/:id',
  '/orders/:id/items',
  '/users/:id',
  '/users/:id/sessions',
  '/carts/:id',
  '/carts/:id/checkout',
  '/invoices/:id',
  '/stock/:sku',
  '/healthz',
] as const;
const STATUS = [200, 201, 304, 404, 503] as const;
const SERVERS = ['orders.svc', 'billing.svc'] as const;

// No two measurements that follow each other share a set: 37 and 100 have no common factor.
const set = (n: number) => (n * 37) % SETS;
const server = (at: number) => SERVERS[(at >> 1) & 1]!;
const method = (at: number) => METHODS[at & 1]!;
const route = (at: number) => ROUTES[Math.floor(at / 2) % 10]!;
const status = (at: number) => STATUS[Math.floor(at / 20) % 5]!;

/** Adds 1 so many times, from measurement number `first`. */
export function addFresh(counter: Counter, first: number, count: number): void {
  for (let n = first; n < first + count; n++) {
    const at = set(n);
    counter.add(1, {
      'http.request.method': method(at),
      'http.route': route(at),
      'http.response.status_code': status(at),
      'server.address': server(at),
    });
  }
}

/** The same with a route that is a new string in every call. */
export function addBuilt(counter: Counter, first: number, count: number): void {
  for (let n = first; n < first + count; n++) {
    const at = set(n);
    counter.add(1, {
      'http.request.method': method(at),
      'http.route': `/api/v${at & 1}${route(at)}`,
      'http.response.status_code': status(at),
      'server.address': server(at),
    });
  }
}

/** Records durations in milliseconds. */
export function recordFresh(histogram: Histogram, first: number, count: number): void {
  for (let n = first; n < first + count; n++) {
    const at = set(n);
    histogram.record(duration(n), {
      'http.request.method': method(at),
      'http.route': route(at),
      'http.response.status_code': status(at),
      'server.address': server(at),
    });
  }
}

/** Milliseconds from 0.25 to about 5000, small ones more often than large ones; exact in binary. */
function duration(n: number): number {
  const share = (n * 7919) % 1009;
  return 0.25 + Math.floor((share * share * share) / 51_200) * 0.25;
}

/** What a point of the hundred sets must come out as. */
export interface ExpectedPoint {
  readonly attributes: Attributes;
  readonly count: number;
  readonly sum: number;
}

/** Points after so many calls of {@link addFresh}, or {@link addBuilt}, from number 0. */
export function expectedSums(count: number, built = false): ExpectedPoint[] {
  return expected(count, () => 1, built);
}

/** The same after {@link recordFresh}. */
export function expectedDurations(count: number): ExpectedPoint[] {
  return expected(count, duration, false);
}

function expected(count: number, value: (n: number) => number, built: boolean): ExpectedPoint[] {
  const points = Array.from({ length: SETS }, (_, at) => ({
    attributes: {
      'http.request.method': method(at),
      'http.route': built ? `/api/v${at & 1}${route(at)}` : route(at),
      'http.response.status_code': status(at),
      'server.address': server(at),
    },
    count: 0,
    sum: 0,
  }));
  for (let n = 0; n < count; n++) {
    const point = points[set(n)]!;
    point.count++;
    point.sum += value(n);
  }
  return points.filter((point) => point.count > 0);
}

/** Attributes of series number `n` of a metric with many of them: four, of which two vary. */
export function seriesAttributes(n: number): Attributes {
  return {
    'http.request.method': method(n),
    'http.route': route(n),
    'k8s.pod.name': `checkout-7d9c5f-${n % 1000}`,
    'app.tenant.id': Math.floor(n / 1000),
  };
}

/** Records once into each of so many series: counters get 1 and the series' number, or a duration. */
export function recordSeries(instrument: Counter | Histogram, count: number): void {
  if ('add' in instrument) {
    for (let n = 0; n < count; n++) instrument.add(1 + n, seriesAttributes(n));
  } else {
    for (let n = 0; n < count; n++) instrument.record(duration(n), seriesAttributes(n));
  }
}

/** What {@link recordSeries} must come out as, after so many times. */
export function expectedSeries(kind: 'sum' | 'histogram', count: number, times: number) {
  return Array.from(
    { length: count },
    (_, n): ExpectedPoint => ({
      attributes: seriesAttributes(n),
      count: times,
      sum: times * (kind === 'sum' ? 1 + n : duration(n)),
    }),
  );
}
