import type { ExporterHost } from '../../exporters/exporter-host.ts';
import { fetchTransport } from '../fetch-transport.ts';
import { basics } from '../web/basics.ts';
import { engines } from './engines.ts';
import { compressor } from './late-compressor.ts';

/** Edge workers, without what a whole telemetry needs. */
export const host: ExporterHost = { ...basics, engines, compressor, httpTransport: fetchTransport };
