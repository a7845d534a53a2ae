/**
 * What a request of logs says, whoever encoded it: a plain tree in which every value carries its
 * kind, times are bigint and ids hexadecimal.
 */

import { createRequire } from 'node:module';
import {
  attributes,
  bits,
  hex,
  type ModelAttributes,
  type ModelResource,
  type ModelScope,
  type ModelValue,
  value,
} from './trace-model.ts';

const { opentelemetry } = createRequire(import.meta.url)(
  'otlp-decoder/build/src/generated/root.js',
);
const { ExportLogsServiceRequest } = opentelemetry.proto.collector.logs.v1;

export interface ModelLog {
  readonly timeUnixNano: bigint;
  readonly observedTimeUnixNano: bigint;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly eventName: string;
  /** Undefined: it has none. */
  readonly body: ModelValue | undefined;
  readonly attributes: ModelAttributes;
  readonly droppedAttributes: number;
  readonly flags: number;
  readonly traceId: string;
  readonly spanId: string;
}

export interface ModelScopeLogs extends ModelScope {
  readonly logs: readonly ModelLog[];
}

export interface ModelResourceLogs extends ModelResource {
  readonly scopes: readonly ModelScopeLogs[];
}

export type ModelLogsRequest = readonly ModelResourceLogs[];

/** A record with where it came from. */
export interface OriginatedLog extends ModelLog {
  readonly resource: ModelResource;
  readonly scope: ModelScope;
}

/** The records of a request in the order of the wire. */
export function logsOf(request: ModelLogsRequest): OriginatedLog[] {
  return request.flatMap(({ scopes, ...resource }) =>
    scopes.flatMap(({ logs, ...scope }) => logs.map((log) => ({ ...log, resource, scope }))),
  );
}

// biome-ignore lint/suspicious/noExplicitAny: generated code without useful types
type Message = any;

/** The contents of one field of a message, as often as it is there. */
function contents(message: Uint8Array, wanted: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  let at = 0;
  const varint = () => {
    let result = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = message[at++]!;
      result += (byte & 127) * shift;
      if (byte < 128) return result;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const wire = tag & 7;
    if (wire === 0) varint();
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else {
      const length = varint();
      if (tag >>> 3 === wanted) found.push(message.subarray(at, at + length));
      at += length;
    }
  }
  return found;
}

/** A request as the official decoder reads it; it does not know event names, which are read here. */
export function decodeLogs(request: Uint8Array): ModelLogsRequest {
  const { resourceLogs } = ExportLogsServiceRequest.decode(request);
  const names = contents(request, 1)
    .flatMap((resource) => contents(resource, 2))
    .flatMap((scope) => contents(scope, 2))
    .map((log) => Buffer.concat(contents(log, 12)).toString());
  let n = 0;
  return resourceLogs.map((resource: Message) => ({
    attributes: attributes(resource.resource?.attributes ?? []),
    droppedAttributes: resource.resource?.droppedAttributesCount ?? 0,
    schemaUrl: resource.schemaUrl ?? '',
    scopes: resource.scopeLogs.map((scope: Message) => ({
      name: scope.scope?.name ?? '',
      version: scope.scope?.version ?? '',
      attributes: attributes(scope.scope?.attributes ?? []),
      droppedAttributes: scope.scope?.droppedAttributesCount ?? 0,
      schemaUrl: scope.schemaUrl ?? '',
      logs: scope.logRecords.map(
        (log: Message): ModelLog => ({
          timeUnixNano: bits(log.timeUnixNano),
          observedTimeUnixNano: bits(log.observedTimeUnixNano),
          severityNumber: log.severityNumber ?? 0,
          severityText: log.severityText ?? '',
          eventName: names[n++]!,
          body: log.body === null || log.body === undefined ? undefined : value(log.body),
          attributes: attributes(log.attributes),
          droppedAttributes: log.droppedAttributesCount ?? 0,
          flags: log.flags ?? 0,
          traceId: hex(log.traceId),
          spanId: hex(log.spanId),
        }),
      ),
    })),
  }));
}

/** A value as JavaScript has it, for tests of what arrives; integers are numbers. */
export function plain(model: ModelValue | undefined): unknown {
  if (model === undefined || 'empty' in model) return model === undefined ? undefined : null;
  if ('array' in model) return model.array.map(plain);
  if ('map' in model) return record(model.map);
  if ('bytes' in model) return new Uint8Array(Buffer.from(model.bytes, 'hex'));
  if ('int' in model) return Number(model.int);
  return Object.values(model)[0];
}

/** Attributes as JavaScript has them. */
export function record(model: ModelAttributes): Record<string, unknown> {
  return Object.fromEntries(model.map(([key, each]) => [key, plain(each)]));
}
