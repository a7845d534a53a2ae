import type { EngineSources } from '../../engine/select.ts';
import { fetchTransport } from '../fetch-transport.ts';
import type { Host } from '../host.ts';
import { basics } from './basics.ts';

/** What tells one host of the web platform from another. */
export interface WebHostParts {
  readonly name: string;
  readonly engines: EngineSources;
  readonly metrics: Host['metrics'];
  readonly compressor: Host['compressor'];
  readonly env?: Host['env'];
  readonly detectors?: Host['detectors'];
  readonly contextManager: Host['contextManager'];
  readonly httpTransport?: Host['httpTransport'];
  readonly onExit?: Host['onExit'];
}

/** A host made of web globals alone: fetch, timers, Web Crypto, CompressionStream. */
export function webHost(parts: WebHostParts): Host {
  return {
    ...basics,
    unixNow: () => Date.now(),
    originMs: () => performance.timeOrigin,
    httpTransport: fetchTransport,
    detectors: [],
    onExit: () => () => {},
    ...parts,
  };
}
