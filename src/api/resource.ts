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
  readonly host: Pick<Host, 'name' | 'fillRandom' | 'resource' | 'warn'>;
}

/**
 * The resource all telemetry is about (OpenTelemetry specification, "Resource SDK"). From the
 * weakest to the strongest: defaults, what the host knows, `OTEL_RESOURCE_ATTRIBUTES`,
 * `OTEL_SERVICE_NAME`, the option `resource`, the option `serviceName`. Never throws.
 */
export function resolveResource(options: ResourceOptions): Attributes {
  const { serviceName, resource, env, host } = options;
  const detected = host.resource();
  const executable = detected['process.executable.name'];
  const merged: Attributes = {
    'service.name': executable ? `unknown_service:${executable}` : 'unknown_service',
    'service.instance.id': randomUuid(host),
    'telemetry.sdk.language': WEB_HOSTS.includes(host.name) ? 'webjs' : 'nodejs',
    'telemetry.sdk.name': SDK_NAME,
    'telemetry.sdk.version': VERSION,
    ...detected,
    ...attributesOfEnv(env['OTEL_RESOURCE_ATTRIBUTES'], host.warn),
  };
  if (env['OTEL_SERVICE_NAME']) merged['service.name'] = env['OTEL_SERVICE_NAME'];
  for (const [key, value] of Object.entries(resource ?? {})) {
    if (value !== undefined && value !== null) merged[key] = value;
  }
  if (serviceName) merged['service.name'] = serviceName;
  return merged;
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

/** A random UUID (RFC 9562, version 4). */
function randomUuid(host: Pick<Host, 'fillRandom'>): string {
  const words = new Uint32Array(4);
  host.fillRandom(words);
  words[1] = (words[1]! & 0xffff0fff) | 0x4000;
  words[2] = (words[2]! & 0x3fffffff) | 0x80000000;
  const hex = Array.from(words, (word) => word.toString(16).padStart(8, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
