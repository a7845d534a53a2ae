// What is tried: `packages` are the instrumentation and the library (versions are read from what
// is installed), `server` is started before the program of that name under cases/.

const of = (name) => `@opentelemetry/instrumentation-${name}`;

export const LIBRARIES = [
  { name: 'http', packages: [of('http')] },
  { name: 'undici', packages: [of('undici')], remark: 'Node’s own fetch' },
  { name: 'express', packages: [of('express'), 'express'] },
  { name: 'fastify', packages: ['@fastify/otel', 'fastify'] },
  { name: 'grpc', packages: [of('grpc'), '@grpc/grpc-js'] },
  { name: 'pg', packages: [of('pg'), 'pg'], server: 'postgresql' },
  { name: 'mysql2', packages: [of('mysql2'), 'mysql2'], server: 'mariadb' },
  { name: 'ioredis', packages: [of('ioredis'), 'ioredis'], server: 'redis' },
  { name: 'amqplib', packages: [of('amqplib'), 'amqplib'], server: 'rabbitmq' },
  {
    name: 'kafkajs',
    packages: [of('kafkajs'), 'kafkajs'],
    remark: 'Debian has no Kafka: a stand-in speaks the few requests needed (kafka-broker.mjs)',
  },
  {
    name: 'nats',
    packages: ['@nats-io/transport-node'],
    server: 'nats',
    remark: 'no maintained instrumentation: spans and propagation through the API',
  },
  {
    name: 'mqtt',
    packages: ['mqtt'],
    server: 'mosquitto',
    remark: 'no maintained instrumentation: spans and propagation through the API',
  },
];
