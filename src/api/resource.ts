import type { Attributes } from '@opentelemetry/api';
import type { Host } from '../runtime/host.ts';
import { VERSION } from '../version.ts';

/** `telemetry.sdk.name`: the plain name `opentelemetry` is kept for the official SDKs. */
const SDK_NAME = 'otlp-wasm';

/** Hosts whose `telemetry.sdk.language` is `webjs`; the others are servers (`nodejs`). */
const WEB_HOSTS: readonly string[] = ['browser', 'workerd', 'edge'];

export interface ResourceOptions {
  /** `service.name`; wins over everything else. */
  readonly serviceName?: string | undefined;
  /** Attributes of the resource; they win over the environment's and the host's. */
  readonly resource?: Attributes | undefined;
  /** `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME`, where there is an environment. */
  readonly fromEnv?: Attributes | undefined;
  readonly host: Pick<Host, 'name'>;
}

/**
 * The resource all telemetry is about (OpenTelemetry specification, "Resource SDK"), as a
 * function of what detectors have found. From the weakest to the strongest: defaults, what was
 * detected, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_SERVICE_NAME`, the option `resource`, the option
 * `serviceName`. Never throws.
 */
export function resourceAround(options: ResourceOptions): (detected: Attributes) => Attributes {
  const { serviceName, resource, fromEnv, host } = options;
  const stronger: Attributes = { ...fromEnv };
  for (const [key, value] of Object.entries(resource ?? {})) {
    if (value !== undefined && value !== null) stronger[key] = value;
  }
  if (serviceName) stronger['service.name'] = serviceName;
  const language = WEB_HOSTS.includes(host.name) ? 'webjs' : 'nodejs';
  return (detected) => {
    const executable = detected['process.executable.name'];
    return {
      'service.name': executable ? `unknown_service:${executable}` : 'unknown_service',
      'telemetry.sdk.language': language,
      'telemetry.sdk.name': SDK_NAME,
      'telemetry.sdk.version': VERSION,
      ...detected,
      ...stronger,
    };
  };
}
