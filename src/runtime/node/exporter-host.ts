import type { ExporterHost } from '../../exporters/exporter-host.ts';
import { basics } from './basics.ts';
import { nodeHttpTransport } from './http-transport.ts';

export const host: ExporterHost = {
  ...basics,
  httpTransport: nodeHttpTransport,
  get env() {
    return process.env;
  },
};
