import { decoded } from '../../support/encoded.ts';
import { decodeOfficially, spansOf } from '../../support/trace-model.ts';
import type { Recorded } from './client.ts';
import type { ReceivedRequest } from './servers.ts';

interface JsonRequest {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly {
      readonly spans: readonly {
        readonly name: string;
        readonly traceId: string;
        readonly spanId: string;
        readonly attributes: readonly { key: string; value: { stringValue: string } }[];
      }[];
    }[];
  }[];
}

/** The spans of a request as the server got them: by the official decoder, or as JSON. */
export function spansIn({ body, encoding, contentType }: ReceivedRequest): Recorded[] {
  const raw = decoded(body, encoding);
  if (contentType === 'application/json') {
    const { resourceSpans } = JSON.parse(raw.toString()) as JsonRequest;
    return resourceSpans
      .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
      .map(({ name, traceId, spanId, attributes }) => {
        const text = attributes.find(({ key }) => key === 'text')!.value.stringValue;
        return { name, traceId, spanId, text };
      });
  }
  return spansOf(decodeOfficially(raw)).map(({ name, traceId, spanId, attributes }) => {
    const { text } = Object.fromEntries(attributes) as { text?: { string: string } };
    if (text === undefined) throw new Error(`"${name}" has only ${JSON.stringify(attributes)}`);
    return { name, traceId, spanId, text: text.string };
  });
}
