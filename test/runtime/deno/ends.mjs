import { start } from 'otlp-wasm';
import { record } from './journey.mjs';

// Records and ends, without a flush of its own: as the second argument says.
const [options, end] = Deno.args;
const telemetry = start(JSON.parse(options));
record(telemetry);
let again = 0;
if (end === 'later') {
  // Another listener puts the end off and records then.
  addEventListener('beforeunload', (event) => {
    if (again++ > 0) return;
    event.preventDefault();
    setTimeout(() => record(telemetry), 1);
  });
}
addEventListener('unload', () => {
  const { recorded, sent, dropped } = telemetry.health().signals.traces;
  console.log(JSON.stringify({ recorded, sent, lost: dropped.exit }));
});
if (end === 'exit') Deno.exit(0);
