// What a program is made of: scenarios, run one after the other. After each one the runner gets
// the spans and says when to go on, so that spans can be told apart by scenario.

import { once } from 'node:events';
import { createServer } from 'node:net';
import { SpanStatusCode, trace } from '@opentelemetry/api';

let subject;

/** Called before the program starts, with what the SDK under test can do. */
export function useSubject(started) {
  subject = started;
}

/** The server started for this case. */
export const server = JSON.parse(process.env.SERVER ?? 'null');

/** The tracer of the program itself. */
export const tracer = () => trace.getTracer('program', '1.0.0');

/**
 * Runs `run` in a root span named like the scenario. `spans` is how many spans have to arrive,
 * the root included, and `traces` (default 1) of how many traces: what a run that lost some
 * would show, too, when both SDKs lose the same.
 */
export async function scenario(name, { spans, traces = 1 }, run) {
  await inSpan(name, {}, run);
  for (;;) {
    await subject.flush();
    process.send({ scenario: name, spans, traces });
    const [answer] = await once(process, 'message');
    if (answer === 'go on') return;
  }
}

/** Ends the program's telemetry; called last. What arrives only now belongs to no scenario. */
export async function finish() {
  await subject.shutdown();
  process.disconnect();
}

/** Runs `run(span)` in a span that is active until its promise settles, and ends with it. */
export function inSpan(name, options, run) {
  return tracer().startActiveSpan(name, options, async (span) => {
    try {
      return await run(span);
    } catch (error) {
      span.recordException(error);
      span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** The error `run` fails with; that it fails is the point. */
export async function failure(run) {
  try {
    await run();
  } catch (error) {
    return error;
  }
  throw new Error('did not fail');
}

/** A port of 127.0.0.1 nobody listens on. */
export async function closedPort() {
  const listener = createServer();
  const port = await listening(listener);
  listener.close();
  await once(listener, 'close');
  return port;
}

/** Listens on a free port of 127.0.0.1 and resolves with it. */
export async function listening(listener) {
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return listener.address().port;
}

/** What a carrier (headers, a comment) holds as W3C `traceparent`, as [traceId, spanId]. */
export function traceparent(text) {
  const match = /\b00-([0-9a-f]{32})-([0-9a-f]{16})-0[0-3]\b/.exec(text);
  if (match === null) throw new Error(`no traceparent in ${text}`);
  return match.slice(1);
}
