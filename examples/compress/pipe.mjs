// Standard input to standard output, of any length, in a few megabytes of memory:
//
//   node examples/compress/pipe.mjs zstd best < access.log > access.log.zst

import { Readable, Writable } from 'node:stream';
import { compressionStream, isOtlpError } from 'otlp-wasm/compress';

const [encoding = 'gzip', level = 'default'] = process.argv.slice(2);
try {
  await Readable.toWeb(process.stdin)
    .pipeThrough(compressionStream(encoding, { level }))
    .pipeTo(Writable.toWeb(process.stdout));
} catch (error) {
  if (!isOtlpError(error)) throw error;
  console.error(`${error.message}\nusage: node examples/compress/pipe.mjs ENCODING LEVEL`);
  process.exitCode = 2;
}
