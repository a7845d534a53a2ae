/** `otlp-wasm/exporters/file`: OTLP/JSON to a file or to standard output, where there is `node:fs`. */

export type { Outcome, Payload, Transport } from '../deliver/transport.ts';
export {
  type FileTransportOptions,
  fileTransport,
  stdoutTransport,
} from '../runtime/node/file-transport.ts';
