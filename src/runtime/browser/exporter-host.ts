import { inlinedEngines } from '../../engine/inlined.ts';
import type { ExporterHost } from '../../exporters/exporter-host.ts';
import { basics } from '../web/basics.ts';
import { compressor } from '../web/late-compressor.ts';
import { pageTransport } from './keepalive.ts';

interface Page {
  readonly document?: { readonly visibilityState: string };
  readonly location?: { readonly href: string };
}

const page = () => globalThis as Page;

/** A page or a worker in a browser, without what a whole telemetry needs. */
export const host: ExporterHost = {
  ...basics,
  engines: inlinedEngines,
  compressor,
  httpTransport: pageTransport,
  baseUrl: () => page().location?.href,
  // What span processors export when a page hides may find no next turn.
  soon(callback) {
    if (page().document?.visibilityState === 'hidden') queueMicrotask(callback);
    else basics.soon(callback);
  },
};
