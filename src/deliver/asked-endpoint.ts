import type { Host } from '../runtime/host.ts';
import { endpointOf, type HttpEndpoint } from './endpoint.ts';
import { shown } from './outcome.ts';
import type { Outcome, TransportOptions } from './transport.ts';

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
): () => Promise<HttpEndpoint | Outcome> {
  const { timeoutMs } = options;
  let asking: Promise<HttpEndpoint | Outcome> | undefined;
  /** The one that was had last: its secrets may be quoted by what refuses the next. */
  let last: HttpEndpoint | undefined;

  async function ask(): Promise<HttpEndpoint | Outcome> {
    let cancel = () => {};
    try {
      const late = new Promise<never>((_, reject) => {
        const expire = () => reject(new Error(`no answer within ${timeoutMs} ms`));
        cancel = host.setTimer(expire, timeoutMs);
      });
      const asked = await Promise.race([askHeaders(), late]);
      last = endpointOf({ ...options, headers: { ...options.headers, ...asked } });
      return last;
    } catch (error) {
      const { message = String(error) } = (error ?? {}) as { message?: string };
      const { secrets } = last ?? endpointOf(options);
      return { kind: 'retryable', reason: shown(`headers cannot be had: ${message}`, secrets) };
    } finally {
      cancel();
    }
  }

  const done = () => {
    asking = undefined;
  };
  return () => (asking ??= ask().finally(done));
}
