import type { Transport } from '../../deliver/transport.ts';
import { jsonLinesTransport } from '../../exporters/json-lines.ts';

interface Deno {
  readonly stdout: { write(bytes: Uint8Array): Promise<number> };
}

/** Writes to standard output, one line of OTLP/JSON per request (`otlp/stdout`). */
export function stdoutTransport(): Transport {
  const { stdout } = (globalThis as unknown as { Deno: Deno }).Deno;
  return jsonLinesTransport({
    name: 'otlp/stdout',
    async append(line) {
      for (let at = 0; at < line.length; ) at += await stdout.write(line.subarray(at));
    },
    outcomeOf: (error) => ({ kind: 'rejected', reason: `standard output: ${error}` }),
  });
}
