// What the pages of both lines do; the query says with which exporter. `globalThis.record` records
// the spans of spans.mjs; `globalThis.finish` shuts the SDK down and answers what became of them;
// `globalThis.settled` is for pages that are left: no SDK waits for its resource then.

import { OTLPTraceExporter as UpstreamHttp } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as UpstreamProto } from '@opentelemetry/exporter-trace-otlp-proto';
import { OTLPTraceExporter as OurHttp } from 'otlp-wasm/exporters/http';
import { OTLPTraceExporter as OurProto } from 'otlp-wasm/exporters/proto';
import { setups } from './setups.mjs';
import { countingIds, LIMITS, NOT_IN_JSON, record, resourceOf } from './spans.mjs';

const EXPORTERS = {
  upstream: { http: UpstreamHttp, proto: UpstreamProto },
  ours: { http: OurHttp, proto: OurProto },
};

export function open(sdk) {
  const asked = new URLSearchParams(location.search);
  const protocol = asked.get('protocol');
  const exporter = new EXPORTERS[asked.get('exporter')][protocol]({
    url: asked.get('url'),
    headers: { 'x-shop': 'one' },
    compression: 'gzip',
  });
  const resource = resourceOf(sdk);
  const provider = setups.web(sdk, exporter, {
    resource,
    idGenerator: countingIds(),
    spanLimits: LIMITS,
  });
  globalThis.settled = () => resource.waitForAsyncAttributes();
  globalThis.record = () => record(provider, sdk.line, protocol === 'http' ? {} : NOT_IN_JSON);
  globalThis.finish = async () => {
    await provider.forceFlush();
    await provider.shutdown();
    return exporter.health?.();
  };
}
