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
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly host: Pick<Host, 'name' | 'warn'>;
}

/**
 * The resource all telemetry is about (OpenTelemetry specification, "Resource SDK"), as a
 * function of what detectors have found. From the weakest to the strongest: defaults, what was
 * detected, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_SERVICE_NAME`, the option `resource`, the option
 * `serviceName`. Never throws.
 */
export function resourceAround(options: ResourceOptions): (detected: Attributes) => Attributes {
  const { serviceName, resource, env, host } = options;
  const stronger: Attributes = { ...attributesOfEnv(env['OTEL_RESOURCE_ATTRIBUTES'], host.warn) };
  if (env['OTEL_SERVICE_NAME']) stronger['service.name'] = env['OTEL_SERVICE_NAME'];
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

/**
 * Reads `key=value,key=value`. Keys and values are percent-encoded where they hold a comma or an
 * equals sign. Any error discards the whole value, as the specification wants: half a resource
 * would be a different resource.
 */
function attributesOfEnv(
  text: string | undefined,
  warn: (line: string) => void,
): Record<string, string> {
  const attributes: Record<string, string> = {};
  const members = (text ?? '').split(',');
  for (const [index, member] of members.entries()) {
    if (member.trim() === '') continue;
    const [key, value, ...rest] = member.split('=').map(percentDecoded);
    let wrong: string | undefined;
    if (value === undefined && member.indexOf('=') < 0) wrong = 'has no "="';
    else if (rest.length > 0) wrong = 'has more than one "=" (write %3D for those of the value)';
    else if (key === undefined || value === undefined) wrong = 'is not percent-encoded correctly';
    else if (key === '') wrong = 'has no key';
    else attributes[key] = value;
    if (wrong !== undefined) {
      // Only the key is shown: a value that came here by mistake may be a secret.
      const shown = member.includes('=') ? member.split('=')[0]!.trim().slice(0, 64) : '';
      const named = shown === '' ? '' : ` (${shown})`;
      warn(
        `otlp-wasm: OTEL_RESOURCE_ATTRIBUTES is ignored: member ${index + 1}${named} ${wrong}. ` +
          'Expected key=value,key=value.',
      );
      return {};
    }
  }
  return attributes;
}

function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.trim());
  } catch {
    return undefined;
  }
}
