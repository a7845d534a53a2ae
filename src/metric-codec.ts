/** The part of `otlp-wasm/codec` that encodes metrics, by a binary of its own. */

import type { ResourceMetrics } from './api/metric/data.ts';
import { textOf } from './api/trace/attributes.ts';
import { Cells } from './buffer/cells.ts';
import { concatenated } from './codec/bytes.ts';
import { metricsToJson } from './codec/json.ts';
import { encodeMetrics, type MetricsEncoded } from './codec/metrics.ts';
import type { MetricsExports } from './engine/generated/contract.ts';
import { type EngineSources, notLoaded } from './engine/select.ts';
import { OtlpError } from './errors.ts';

/** The functions of `otlp-wasm/codec` for metrics. */
export interface MetricCodec {
  /**
   * Collected metrics as one ExportMetricsServiceRequest in protobuf (OTLP 1.11); the body of a POST to
   * `/v1/metrics` with `Content-Type: application/x-protobuf`.
   *
   * @param metrics as a reader of an OpenTelemetry SDK gives them to its exporter. Without data
   *   points: no bytes, which is an empty request.
   * @returns bytes of its own, which later calls leave alone.
   * @throws OtlpError `invalid_data` when they are no metrics, one point is none, or larger than 4 MiB;
   *   `engine_unavailable` where `ready()` must be awaited, and was not.
   */
  encodeMetrics(metrics: ResourceMetrics): Uint8Array<ArrayBuffer>;
  /** The same request as OTLP/JSON; see `encodeTracesJson`. */
  encodeMetricsJson(metrics: ResourceMetrics): Uint8Array<ArrayBuffer>;
  /** Resolves when the other functions can be called; as that of the codec. */
  ready(): Promise<void>;
}

/** Longest request that is encoded in one piece. */
const MAX_BYTES = 4 * 1024 * 1024;

/** @param sources where the host has the binary `metrics`; the first call picks one. */
export function metricCodecOn(sources: EngineSources<MetricsExports>): MetricCodec {
  /** Those that are not in use: attributes whose own functions encode metrics get others. */
  let idle: Cells | undefined;
  let loading: Promise<void> | undefined;

  function load(): Cells | Promise<void> {
    if (idle !== undefined) return idle;
    if (loading !== undefined) return loading;
    const opened = Cells.open(sources, undefined);
    if (!('then' in opened)) return opened;
    loading = opened
      .then((cells) => {
        idle = cells;
      })
      .finally(() => {
        loading = undefined;
      });
    return loading;
  }

  function encoded(metrics: ResourceMetrics): Uint8Array<ArrayBuffer> {
    const cells = load();
    if ('then' in cells) {
      cells.catch(() => {});
      throw notLoaded('otlp-wasm/codec');
    }
    idle = undefined;
    const requests: Uint8Array<ArrayBuffer>[] = [];
    let outcome: MetricsEncoded;
    try {
      outcome = encodeMetrics(cells, metrics, { maxBytes: MAX_BYTES }, (bytes) => {
        requests.push(bytes.slice());
      });
    } catch (error) {
      throw noMetrics(error);
    } finally {
      idle = cells;
    }
    const { invalid, tooLarge, problem } = outcome;
    if (invalid > 0) throw noMetrics(problem);
    if (tooLarge > 0) {
      throw new OtlpError(
        'invalid_data',
        `${tooLarge} of the data points ${tooLarge === 1 ? 'is' : 'are'} larger than ${MAX_BYTES} ` +
          'bytes; bound their attributes by a view.',
      );
    }
    // One behind the other they are one: the elements of a repeated field may come in pieces.
    return requests.length === 1 ? requests[0]! : concatenated(requests);
  }

  return {
    encodeMetrics: encoded,
    encodeMetricsJson: (metrics) => metricsToJson(encoded(metrics)),
    async ready() {
      const loaded = load();
      if ('then' in loaded) await loaded;
      else idle = loaded;
    },
  };
}

function noMetrics(error: unknown): OtlpError {
  const why = textOf(error).slice(0, 160).replace(/\.+$/, '');
  return new OtlpError(
    'invalid_data',
    `these are no metrics of an OpenTelemetry SDK: ${why}. Give what a PushMetricExporter is given.`,
    { cause: error },
  );
}
