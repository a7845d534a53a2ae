/** Options of a logger, and what is said to it in every way of having it bridged. */
export const options = { name: 'app', level: 'debug', customLevels: { audit: 35 } };

export function say(log) {
  log.trace('not enabled');
  log.debug('debug');
  log.info({ a: { b: [1, null, 'x'] }, ok: true }, 'hello %s', 'world');
  log.warn({ trace_id: 'my own', pid: 1, hostname: 'h' }, 'fields');
  log.error(Object.assign(new TypeError('no'), { status: 500 }), 'failed');
  log.fatal({ err: new Error('why', { cause: new Error('deep') }) });
  log.info({ 'otel.event.name': 'user.login', user: 'u' });
  log.child({ request: 7 }).info('in a child');
  log.audit('of a custom level');
}
