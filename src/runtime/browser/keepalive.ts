import type { Transport, TransportOptions } from '../../deliver/transport.ts';
import { fetchTransport } from '../fetch-transport.ts';

/**
 * Browsers let a page have 64 KiB of bodies on their way that outlive it, its own requests
 * included (Fetch, "HTTP-network-or-cache fetch"), and Chromium a limited number of requests.
 */
const MAX_BYTES = 60 * 1024;
const MAX_REQUESTS = 8;

/**
 * `fetch` whose requests outlive the page while there is room for that: what is in flight when
 * somebody follows a link arrives, as does what is sent because of it. Others are sent as usual.
 */
export function keepaliveFetch(): typeof fetch {
  let requests = 0;
  let bytes = 0;
  return async (url, init) => {
    const size = (init as { readonly body: Uint8Array }).body.length;
    if (requests >= MAX_REQUESTS || bytes + size > MAX_BYTES) return fetch(url, init);
    requests++;
    bytes += size;
    try {
      return await fetch(url, { ...init, keepalive: true });
    } finally {
      requests--;
      bytes -= size;
    }
  };
}

/** OTLP/HTTP from a page. Browsers name themselves: a User-Agent of ours would need the server's consent. */
export function pageTransport(options: TransportOptions): Transport {
  return fetchTransport({ ...options, userAgent: '' }, keepaliveFetch());
}
