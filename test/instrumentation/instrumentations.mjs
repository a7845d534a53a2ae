import { FastifyOtelInstrumentation } from '@fastify/otel';
import { AmqplibInstrumentation } from '@opentelemetry/instrumentation-amqplib';
import { ExpressInstrumentation } from '@opentelemetry/instrumentation-express';
import { GrpcInstrumentation } from '@opentelemetry/instrumentation-grpc';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { IORedisInstrumentation } from '@opentelemetry/instrumentation-ioredis';
import { KafkaJsInstrumentation } from '@opentelemetry/instrumentation-kafkajs';
import { MySQL2Instrumentation } from '@opentelemetry/instrumentation-mysql2';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';

/** All of them in every program, as in an application; the exporters must not trace themselves. */
export const instrumentations = () => [
  new HttpInstrumentation({ headersToSpanAttributes }),
  new UndiciInstrumentation({ headersToSpanAttributes: { responseHeaders: ['content-type'] } }),
  new ExpressInstrumentation(),
  new FastifyOtelInstrumentation({ registerOnInitialization: true }),
  new PgInstrumentation({
    enhancedDatabaseReporting: true,
    addSqlCommenterCommentToQueries: true,
  }),
  new MySQL2Instrumentation({ addSqlCommenterCommentToQueries: true }),
  new IORedisInstrumentation(),
  new AmqplibInstrumentation(),
  new KafkaJsInstrumentation(),
  new GrpcInstrumentation(),
];

const headersToSpanAttributes = {
  client: { responseHeaders: ['content-type'] },
  server: { requestHeaders: ['x-tag'] },
};
