/**
 * What the collector can read: the tables of `codec/schema.ts` and OTLP's answers. protobufjs makes
 * the wire decoders from them, so that what is received is not read by the codec that sends.
 */

import protobuf from 'protobufjs/light.js';
import {
  COMMON,
  LOGS,
  METRICS,
  parseField,
  type ScalarType,
  type Tables,
  TRACES,
} from '../../codec/schema.ts';

/** collector/{trace,logs,metrics}/v1, google.rpc, google.protobuf */
const ANSWERS = {
  ExportTraceServiceResponse: { partialSuccess: '1 ExportTracePartialSuccess?' },
  ExportTracePartialSuccess: { rejectedSpans: '1 int64', errorMessage: '2 string' },
  ExportLogsServiceResponse: { partialSuccess: '1 ExportLogsPartialSuccess?' },
  ExportLogsPartialSuccess: { rejectedLogRecords: '1 int64', errorMessage: '2 string' },
  ExportMetricsServiceResponse: { partialSuccess: '1 ExportMetricsPartialSuccess?' },
  ExportMetricsPartialSuccess: { rejectedDataPoints: '1 int64', errorMessage: '2 string' },
  Status: { code: '1 int32', message: '2 string', details: '3 Any[]' },
  Any: { typeUrl: '1 string', value: '2 bytes' },
  RetryInfo: { retryDelay: '1 Duration?' },
  Duration: { seconds: '1 int64', nanos: '2 int32' },
} as const satisfies Tables;

const OTLP = { ...COMMON, ...TRACES, ...LOGS, ...METRICS, ...ANSWERS };

export type MessageName = keyof typeof OTLP;

export interface Field {
  readonly name: string;
  readonly number: number;
  /** Set for messages, otherwise `scalar` or `attributes` is. */
  readonly message: MessageName | undefined;
  readonly scalar: ScalarType | undefined;
  readonly attributes: boolean;
  readonly repeated: boolean;
  /** Left out when it was not sent; other fields get their zero. */
  readonly optional: boolean;
  readonly oneof: boolean;
}

function fieldOf(entry: [string, string]): Field {
  const { type, ...field } = parseField(entry);
  const attributes = type === 'attributes';
  const message = type in OTLP ? (type as MessageName) : undefined;
  return {
    ...field,
    message,
    scalar: attributes || message ? undefined : (type as ScalarType),
    attributes,
  };
}

interface Schema {
  readonly fields: Readonly<Record<MessageName, readonly Field[]>>;
  readonly root: protobuf.Root;
}

let schema: Schema | undefined;

function build(): Schema {
  const fields = {} as Record<MessageName, readonly Field[]>;
  const nested: Record<string, protobuf.IType> = {};
  for (const message of Object.keys(OTLP) as MessageName[]) {
    fields[message] = Object.entries(OTLP[message]).map(fieldOf);
    const type = { fields: {}, oneofs: {} } as Required<Pick<protobuf.IType, 'fields' | 'oneofs'>>;
    for (const field of fields[message]) {
      type.fields[field.name] = {
        id: field.number,
        type: wireType(field),
        ...(field.repeated && { rule: 'repeated' }),
        ...(field.optional && !field.oneof && { options: { proto3_optional: true } }),
      };
      if (field.optional) {
        const oneof = field.oneof ? '_oneof' : `_${field.name}`;
        (type.oneofs[oneof] ??= { oneof: [] }).oneof.push(field.name);
      }
    }
    nested[message] = type;
  }
  return { fields, root: protobuf.Root.fromJSON({ nested }) };
}

function wireType(field: Field): string {
  if (field.attributes) return 'KeyValue';
  if (field.message) return field.message;
  if (field.scalar === 'enum') return 'int32';
  if (field.scalar === 'id8' || field.scalar === 'id16') return 'bytes';
  return field.scalar!;
}

/** Built at first use: nothing happens at import. */
function otlp(): Schema {
  return (schema ??= build());
}

export function fieldsOf(message: MessageName): readonly Field[] {
  return otlp().fields[message];
}

/** The wire decoder and encoder of a message. Decoding rejects invalid UTF-8 (proto3). */
export function wireOf(message: MessageName): protobuf.Type {
  return otlp().root.lookupType(message);
}
