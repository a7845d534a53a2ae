/**
 * `otlp-wasm/testing`: for tests of programs that record telemetry. A transport in memory for
 * `start({ transport })`, and a host without time or network for `startOn(host, options)`.
 */

export type { Outcome, Payload, Transport } from '../deliver/transport.ts';
export type { Host } from '../runtime/host.ts';
export { startOn, type Telemetry } from '../telemetry.ts';
export type {
  ReceivedAttributes,
  ReceivedDataPoint,
  ReceivedEvent,
  ReceivedLink,
  ReceivedLogRecord,
  ReceivedMetric,
  ReceivedSpan,
  ReceivedValue,
} from '../workbench/collector/received.ts';
export { type FakeHost, type FakeHostOptions, fakeHost } from './fake-host.ts';
export { type Answer, type InMemoryTransport, inMemoryTransport } from './in-memory-transport.ts';
