import { inlinedEngines } from '../../engine/inlined.ts';
import type { ExporterHost } from '../../exporters/exporter-host.ts';
import { LONGEST_MS } from '../../options/delivery.ts';
import { variablesOf } from '../../options/env.ts';
import { fetchTransport } from '../fetch-transport.ts';
import { basics } from '../web/basics.ts';
import { compressor } from '../web/late-compressor.ts';
import { env } from './surroundings.ts';

/** Deno, without what a whole telemetry needs. */
export const host: ExporterHost = {
  ...basics,
  engines: inlinedEngines,
  compressor,
  httpTransport: fetchTransport,
  baseUrl: () => (globalThis as { location?: { readonly href: string } }).location?.href,
  env,
  hold: () => basics.setTimer(() => {}, LONGEST_MS, true),
  variables: variablesOf,
};
