import type { Host } from '../runtime/host.ts';
import { endpointFor, type HttpEndpoint } from './endpoint.ts';
import { shown } from './outcome.ts';
import type { Outcome, Signal, TransportOptions } from './transport.ts';

export type Headers = Readonly<Record<string, string>>;

/**
 * What asks for the endpoint with the headers of one attempt. Attempts that ask while an answer is
 * awaited share it. What fails, or takes longer than an attempt may, is worth another attempt: a
 * token service that is away costs nothing but time.
 */
export function askedEndpoint(
  host: Pick<Host, 'setTimer'>,
  options: TransportOptions,
  askHeaders: () => Promise<Headers>,
): (signal: Signal) => Promise<HttpEndpoint | Outcome> {
  const { timeoutMs } = options;
  let asking: Promise<{ readonly headers: Headers } | Outcome> | undefined;
  /** Those that were had last: their secrets may be quoted by what refuses the next. */
  let last: Headers = {};

  const endpointWith = (asked: Headers, signal: Signal) =>
    endpointFor({ ...options, headers: { ...options.headers, ...asked } }, signal);

  async function ask(signal: Signal): Promise<{ readonly headers: Headers } | Outcome> {
    let cancel = () => {};
    try {
      const late = new Promise<never>((_, reject) => {
        const expire = () => reject(new Error(`no answer within ${timeoutMs} ms`));
        cancel = host.setTimer(expire, timeoutMs);
      });
      const asked = await Promise.race([askHeaders(), late]);
      endpointWith(asked, signal);
      last = asked;
      return { headers: asked };
    } catch (error) {
      const { message = String(error) } = (error ?? {}) as { message?: string };
      const { secrets } = endpointWith(last, signal);
      return { kind: 'retryable', reason: shown(`headers cannot be had: ${message}`, secrets) };
    } finally {
      cancel();
    }
  }

  const done = () => {
    asking = undefined;
  };
  return async (signal) => {
    asking ??= ask(signal).finally(done);
    const asked = await asking;
    return 'kind' in asked ? asked : endpointWith(asked.headers, signal);
  };
}
