import type { Host } from '../runtime/host.ts';

type Shared =
  | 'now'
  | 'setTimer'
  | 'soon'
  | 'fillRandom'
  | 'gzip'
  | 'native'
  | 'compressor'
  | 'remake'
  | 'engines'
  | 'httpTransport'
  | 'agentFromEnv'
  | 'variables'
  | 'env'
  | 'warn';

/** The part of a host that exporting the spans of another SDK needs. */
export interface ExporterHost extends Pick<Host, Shared> {
  /** Its transport speaks gRPC. */
  readonly grpc?: true;
  /** What a relative URL is relative to, where there is such a thing. */
  baseUrl?(): string | undefined;
  /** Keeps the program running, where that takes something; returns what lets go of it. */
  hold?(): () => void;
  /**
   * Calls back when the program ends and there is only time to count; returns what stops that. The
   * end itself is the business of the SDK that the exporter serves.
   */
  onEnd?(lost: () => void): () => void;
}
