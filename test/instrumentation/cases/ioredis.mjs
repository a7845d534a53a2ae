import { Redis } from 'ioredis';
import { closedPort, failure, finish, inSpan, scenario, server } from '../scenario.mjs';

const quiet = { host: '127.0.0.1', lazyConnect: true, retryStrategy: null };

const redis = new Redis({ ...quiet, port: server.port });
await scenario('connect', { spans: 6 }, () => redis.connect());
await scenario('set and get', { spans: 4 }, async () => {
  await redis.set('name', 'Zoë', 'EX', 60);
  await inSpan('inner', {}, () => redis.get('name'));
});
await scenario(
  'with a callback',
  { spans: 3 },
  () =>
    new Promise((resolve, reject) => {
      redis.get('name', (error) => {
        if (error) reject(error);
        else inSpan('in the callback', {}, async () => {}).then(resolve, reject);
      });
    }),
);
await scenario('pipeline and transaction', { spans: 7 }, async () => {
  await redis.pipeline().set('a', 1).incr('a').exec();
  await redis.multi().set('b', 1).incr('b').exec();
});
await scenario('wrong type', { spans: 2 }, () => failure(() => redis.incr('name')));
await scenario('script', { spans: 2 }, () => redis.eval('return ARGV[1]', 1, 'key', 'value'));
const refusing = new Redis({ ...quiet, port: await closedPort() });
refusing.on('error', () => {});
await scenario('connection refused', { spans: 2 }, () => failure(() => refusing.connect()));

refusing.disconnect();
await redis.flushall();
await redis.quit();
await finish();
