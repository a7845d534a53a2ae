import { start } from 'otlp-wasm';
import { fileTransport } from 'otlp-wasm/exporters/file';
import { journey } from './journey.mjs';

const [options, path] = Deno.args;
const transport = fileTransport({ path });
console.log(JSON.stringify(await journey(start, { ...JSON.parse(options), transport })));
