import type { Transport } from '../../deliver/transport.ts';
import { jsonLinesTransport } from '../../exporters/json-lines.ts';

interface Deno {
  readonly stdout: { write(bytes: Uint8Array): Promise<number> };
}

/** What signals write there does not mix, whatever parts it is taken in. */
let last: Promise<unknown> | undefined;

/** Writes to standard output, one line of OTLP/JSON per request (`otlp/stdout`). */
export function stdoutTransport(): Transport {
  const { stdout } = (globalThis as unknown as { Deno: Deno }).Deno;
  return jsonLinesTransport({
    name: 'otlp/stdout',
    append(line) {
      const written = (last ?? Promise.resolve()).then(async () => {
        for (let at = 0; at < line.length; ) at += await stdout.write(line.subarray(at));
      });
      last = written.catch(() => {});
      return written;
    },
    outcomeOf: (error) => ({ kind: 'rejected', reason: `standard output: ${error}` }),
  });
}
