import { endpointOf, type HttpEndpoint } from '../deliver/endpoint.ts';
import { shown } from '../deliver/outcome.ts';
import type { Outcome, TransportOptions } from '../deliver/transport.ts';
import type { ExporterHost } from './exporter-host.ts';

type Headers = Readonly<Record<string, string>>;

/**
 * The endpoint with the headers of one attempt, where they have to be asked for. What fails, or
 * takes longer than an attempt may, is worth another attempt: a token service that is away costs
 * nothing but time.
 */
export async function askedEndpoint(
  host: Pick<ExporterHost, 'setTimer'>,
  options: TransportOptions,
  askHeaders: () => Promise<Headers>,
): Promise<HttpEndpoint | Outcome> {
  const { timeoutMs } = options;
  let cancel = () => {};
  try {
    const late = new Promise<never>((_, reject) => {
      const expire = () => reject(new Error(`no answer within ${timeoutMs} ms`));
      cancel = host.setTimer(expire, timeoutMs);
    });
    const asked = await Promise.race([askHeaders(), late]);
    return endpointOf({ ...options, headers: { ...options.headers, ...asked } });
  } catch (error) {
    const { message = String(error) } = (error ?? {}) as { message?: string };
    const reason = shown(`headers cannot be had: ${message}`, endpointOf(options).secrets);
    return { kind: 'retryable', reason };
  } finally {
    cancel();
  }
}
