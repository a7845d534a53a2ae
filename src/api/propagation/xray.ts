import type { TextMapPropagator } from '@opentelemetry/api';
import { AWSXRAY_TRACE_ID_HEADER, AWSXRayPropagator } from '@opentelemetry/propagator-aws-xray';
import { bundledPropagator } from './bundled.ts';

/** AWS X-Ray's `X-Amzn-Trace-Id` (`@opentelemetry/propagator-aws-xray`). */
export function xray(): TextMapPropagator {
  const { inject, extract, fields } = bundledPropagator(new AWSXRayPropagator());
  return {
    inject,
    fields,
    // It looks for the header among all keys; a carrier that has it under its name is asked once,
    // which also finds it in carriers that rename their keys, as an environment does.
    extract: (context, carrier, getter) =>
      extract(context, carrier, {
        get: (from, key) => getter.get(from, key),
        keys: (from) =>
          getter.get(from, AWSXRAY_TRACE_ID_HEADER) === undefined
            ? getter.keys(from)
            : [AWSXRAY_TRACE_ID_HEADER],
      }),
  };
}
