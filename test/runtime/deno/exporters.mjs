import * as grpc from 'otlp-wasm/exporters/grpc';
import * as http from 'otlp-wasm/exporters/http';
import * as proto from 'otlp-wasm/exporters/proto';
import { exporterJourney } from './journey.mjs';

const urls = JSON.parse(Deno.args[0]);
console.log(JSON.stringify(await exporterJourney({ proto, http, grpc }, urls)));
