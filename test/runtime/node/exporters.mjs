import * as http from 'otlp-wasm/exporters/http';
import * as proto from 'otlp-wasm/exporters/proto';
import { exporterJourney } from './journey.mjs';

console.log(JSON.stringify(await exporterJourney({ proto, http }, process.argv[2])));
