import { host as node } from '../node/exporter-host.ts';
import { env } from './surroundings.ts';

/** Node's, whose modules Deno has; but variables that may not be read are none. */
export const host = { ...node, env };
