import type {
  ReceivedAttributes,
  ReceivedLogRecord,
} from '../../../src/workbench/collector/index.ts';

const none = { droppedAttributesCount: 0, attributes: {} };

export function originOf(service: string) {
  return {
    resource: {
      ...{ droppedAttributesCount: 0, entityRefs: [], schemaUrl: '' },
      attributes: (service === '' ? {} : { 'service.name': service }) as ReceivedAttributes,
    },
    scope: { name: '', version: '', schemaUrl: '', ...none },
  };
}

/** A received log record at a time of no date that matters. */
export function receivedLog(
  body: ReceivedLogRecord['body'],
  fields: Partial<ReceivedLogRecord> & { readonly service?: string } = {},
): ReceivedLogRecord {
  const { service = 'shop', ...rest } = fields;
  return {
    ...{ timeUnixNano: 1_700_000_000_250_000_000n, observedTimeUnixNano: 0n },
    ...{ severityNumber: 9, severityText: 'INFO', body, eventName: '', flags: 0 },
    ...{ traceId: '', spanId: '', ...none, ...originOf(service), ...rest },
  };
}
