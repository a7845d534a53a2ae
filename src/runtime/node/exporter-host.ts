import type { ExporterHost } from '../../exporters/exporter-host.ts';
import { LONGEST_MS } from '../../options/delivery.ts';
import { basics } from './basics.ts';
import { agentTransport } from './made-agent.ts';
import { tlsFromEnv } from './tls-from-env.ts';

/** Node and Bun, without what a whole telemetry needs. */
export const host: ExporterHost = {
  ...basics,
  httpTransport: agentTransport,
  agentFromEnv: tlsFromEnv,
  get env() {
    return process.env;
  },
  hold: () => basics.setTimer(() => {}, LONGEST_MS, true),
  onEnd(lost) {
    process.once('exit', lost);
    return () => void process.removeListener('exit', lost);
  },
};
