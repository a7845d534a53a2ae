// `start()` of ours on this Node.js, `node start.mjs`: every protocol with every compression, and
// answers that ask for another form.

import assert from 'node:assert/strict';
import { start } from 'otlp-wasm';
import { startCollector } from 'otlp-wasm/collector';
import { it, runCases } from './cases.mjs';
import { journey, optionsFor, refusedJourney } from './journey.mjs';
import { assertArrived, assertRemade } from './support.mjs';

const HTTP = ['gzip', 'zstd', 'deflate', 'lz4', 'snappy', 'x-snappy-framed'];
const ENCODINGS = { 'http/protobuf': HTTP, 'http/json': HTTP, grpc: ['gzip', 'zstd', 'snappy'] };

async function collecting(asked, use) {
  const collector = await startCollector({ port: 0, grpcPort: 0 });
  try {
    const endpoint = asked.protocol === 'grpc' ? collector.grpcUrl : collector.url;
    await use(collector, optionsFor(endpoint, asked));
  } finally {
    await collector.close();
  }
}

for (const protocol of ['http/protobuf', 'http/json', 'grpc']) {
  for (const compression of ENCODINGS[protocol]) {
    const asked = { protocol, compression };
    it(`start(), ${protocol}, ${compression}`, () =>
      collecting(asked, async (collector, options) => {
        const { report } = await journey(start, options);
        assert.deepEqual([report.complete, report.sent], [true, 1], report.lastError);
        assertArrived(collector, 'nodejs', asked);
      }));

    it(`start(), ${protocol}, ${compression}: refused as too large, then for its encoding`, () =>
      collecting(asked, (collector, options) =>
        assertRemade(collector, () => refusedJourney(start, options), asked),
      ));
  }
}

await runCases();
