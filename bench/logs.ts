/**
 * The log records every log bench emits, through the OpenTelemetry API alone: a severity, a body
 * and ten attributes in an object literal that is new in every call. Of the attributes six are strings
 * of which three are new in every record, three are numbers, one is a boolean, as those of the spans
 * (`workload.ts`); the body is put together as well. About 380 bytes of protobuf.
 *
 * Eight places in the program that log take turns, each with a literal of its own.
 */

import type { AnyValue, Logger } from '@opentelemetry/api';

const PATHS = ['/orders', '/users', '/carts', '/items'] as const;
const REGIONS = ['eu-central-1', 'us-east-1', 'eu-west-3', 'ap-south-1'] as const;
const PLANS = ['free', 'team', 'enterprise', 'team'] as const;

type Emit = (logger: Logger, id: number, turn: number) => void;

// Written out, not made by a function: places in a program have object shapes of their own.
const PLACES: readonly Emit[] = [
  (logger, id, turn) =>
    logger.emit({
      severityNumber: 9,
      severityText: 'INFO',
      body: `order ${id} accepted`,
      attributes: {
        'http.route': PATHS[turn]!,
        'url.path': `/api/v2/orders/${id}`,
        'http.response.status_code': id & 1023,
        'cloud.region': REGIONS[turn]!,
        'enduser.id': `user-${id}`,
        'app.signed_in': (id & 1) === 0,
        'app.cart.total': id * 0.25 + 0.125,
        'app.tenant.plan': PLANS[turn]!,
        'session.id': `sess-${id}-web`,
        'app.queue.depth': id,
      },
    }),
  (logger, id, turn) =>
    logger.emit({
      severityNumber: 5,
      severityText: 'DEBUG',
      body: `cache miss for cart:eu:${id}:v3`,
      attributes: {
        'app.cache.tier': 'memory',
        'app.cart.key': `cart:eu:${id}:v3`,
        'db.response.returned_rows': id & 1023,
        'db.system.name': 'postgresql',
        'db.query.text': `SELECT id, total FROM orders WHERE id = ${id}`,
        'app.cache.hit': (id & 1) === 0,
        'app.wait_ms': id * 0.25 + 0.125,
        'server.address': REGIONS[turn]!,
        'http.request.header.x-request-id': `req-${id}-4f1a`,
        'app.retry.count': id,
      },
    }),
  (logger, id, turn) =>
    logger.emit({
      severityNumber: 13,
      severityText: 'WARN',
      body: `retrying stock reservation of item ${id}`,
      attributes: {
        'messaging.system': 'kafka',
        'messaging.message.id': `msg-0007-${id}`,
        'messaging.batch.message_count': id & 1023,
        'messaging.destination.name': 'stock.reserve',
        'enduser.id': `user-${id}`,
        'app.degraded': (id & 1) === 0,
        'app.cache.age_s': id * 0.25 + 0.125,
        'app.tenant.plan': PLANS[turn]!,
        'session.id': `sess-${id}-web`,
        'app.retry.count': id,
      },
    }),
  (logger, id, turn) =>
    logger.emit({
      severityNumber: 17,
      severityText: 'ERROR',
      body: `payment of order ${id} was refused`,
      attributes: {
        'error.type': 'PaymentRefused',
        'url.query': `page=2&after=${id}&sort=created`,
        'http.response.status_code': id & 1023,
        'network.protocol.version': '1.1',
        'url.path': `/api/v2/orders/${id}/items`,
        'app.checkout_v2': (id & 1) === 0,
        'app.cart.total': id * 0.25 + 0.125,
        'cloud.region': REGIONS[turn]!,
        'enduser.id': `user-${id}`,
        'server.port': id,
      },
    }),
  (logger, id, turn) =>
    logger.emit({
      severityNumber: 9,
      severityText: 'INFO',
      body: `published message msg-0007-${id}`,
      attributes: {
        'messaging.system': 'kafka',
        'messaging.destination.name': 'orders.settled',
        'messaging.message.id': `msg-0007-${id}`,
        'messaging.batch.message_count': id & 1023,
        'server.address': REGIONS[turn]!,
        'session.id': `sess-${id}-web`,
        'app.signed_in': (id & 1) === 0,
        'app.wait_ms': id * 0.25 + 0.125,
        'app.cart.key': `cart:eu:${id}:v3`,
        'messaging.kafka.offset': id,
      },
    }),
  (logger, id, turn) =>
    logger.emit({
      severityNumber: 9,
      severityText: 'INFO',
      body: `session sess-${id}-web began`,
      attributes: {
        'session.id': `sess-${id}-web`,
        'enduser.id': `user-${id}`,
        'app.tenant.plan': PLANS[turn]!,
        'cloud.region': REGIONS[turn]!,
        'url.path': `/api/v2/sessions/${id}`,
        'url.scheme': 'https',
        'http.response.body.size': id & 1023,
        'app.cache.hit': (id & 1) === 0,
        'app.cache.age_s': id * 0.25 + 0.125,
        'app.queue.depth': id,
      },
    }),
  (logger, id, turn) =>
    logger.emit({
      severityNumber: 13,
      severityText: 'WARN',
      body: `slow query for order ${id}`,
      attributes: {
        'db.system.name': 'postgresql',
        'db.query.text': `SELECT id, total FROM orders WHERE id = ${id}`,
        'db.response.returned_rows': id & 1023,
        'db.operation.name': 'SELECT',
        'app.wait_ms': id * 0.25 + 0.125,
        'http.route': PATHS[turn]!,
        'url.path': `/api/v2/orders/${id}`,
        'enduser.id': `user-${id}`,
        'app.degraded': (id & 1) === 0,
        'server.port': id,
      },
    }),
  (logger, id, turn) =>
    logger.emit({
      severityNumber: 9,
      severityText: 'INFO',
      body: `invoice of order ${id} rendered`,
      attributes: {
        'app.cart.key': `cart:eu:${id}:v3`,
        'app.cart.total': id * 0.25 + 0.125,
        'app.retry.count': id & 1023,
        'app.tenant.plan': PLANS[turn]!,
        'enduser.id': `user-${id}`,
        'http.request.method': 'POST',
        'http.route': PATHS[turn]!,
        'app.signed_in': (id & 1) === 0,
        'http.request.header.x-request-id': `req-${id}-4f1a`,
        'http.response.body.size': id,
      },
    }),
];

function emitOne(logger: Logger, n: number): void {
  PLACES[(n * 5) & 7]!(logger, (n * 7919) % 1_000_003, (n >> 3) & 3);
}

/** Emits `count` records from number `first`. */
export function emitLogs(logger: Logger, first: number, count: number): void {
  for (let n = first; n < first + count; n++) emitOne(logger, n);
}

/** What record number `n` must come out as. */
export interface ExpectedLog {
  readonly severityNumber: number;
  readonly severityText: string;
  readonly body: AnyValue;
  readonly attributes: Readonly<Record<string, AnyValue>>;
}

/** The same record as the program gave it, for checks. */
export function expectedLog(n: number): ExpectedLog {
  let given: ExpectedLog | undefined;
  const logger: Logger = {
    emit(record) {
      given = record as ExpectedLog;
    },
    enabled: () => true,
  };
  emitOne(logger, n);
  if (given === undefined) throw new Error('the workload emitted nothing');
  return given;
}
