/**
 * The slow path of delivery: a payload that a server refused as it is, in a form it may take. The
 * raw bytes are had from the body each time (docs/decisions/slow-path.md), so nothing is kept for
 * an answer that hardly ever comes. A bundle of its own, which hosts load when they need it.
 */

import { countJsonRecords, countRecords, splitJsonRequest, splitRequest } from './codec/split.ts';
import type { Encoding, Form, Payload } from './deliver/transport.ts';

/** Raw bytes of one request at most: the largest a request may be configured to be. */
export const MAX_RAW_BYTES = 64 * 1024 * 1024;

type Compressed = Exclude<Encoding, 'identity'>;

/** One of a host's compressors. May reject, and leaves the bytes it is given alone. */
export type Recompress = (raw: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>;

/** What a host does for the slow path. */
export interface Means {
  /**
   * Rejects what is damaged, and what would be longer than `MAX_RAW_BYTES`. What it inflates to is
   * said to have `rawBytes`.
   */
  inflate(body: Uint8Array, encoding: Compressed, rawBytes: number): Promise<Uint8Array>;
  /** Encodings that the host can make by itself. */
  readonly compress: Partial<Readonly<Record<Encoding, Recompress>>> & {
    readonly gzip: Recompress;
  };
}

/**
 * What to send in place of a refused payload, in this order: the same request in gzip or
 * uncompressed, or its two halves, in the encoding that the payload had where the host can make that
 * by itself, otherwise in gzip. Their records add up to the payload's.
 * `undefined` where there is no such form: the body is not compressed, or holds one record, or is
 * of profiles, whose dictionary belongs to all of them; or the body is not what the payload says.
 * Never rejects, and changes nothing of the payload.
 */
export async function remade(
  payload: Payload,
  form: Form,
  means: Means,
): Promise<readonly Payload[] | undefined> {
  try {
    return form === 'split' ? await halves(payload, means) : await recoded(payload, form, means);
  } catch {
    return undefined;
  }
}

async function recoded(
  payload: Payload,
  encoding: 'gzip' | 'identity',
  means: Means,
): Promise<readonly Payload[] | undefined> {
  if (payload.encoding === 'identity') return undefined;
  const raw = await rawOf(payload, means);
  return raw && [{ ...payload, ...(await encoded(raw, encoding, means)) }];
}

/** Where that cannot be had, in gzip, which every server of OTLP has to take. */
async function encoded(
  raw: Uint8Array,
  wanted: Encoding,
  { compress }: Means,
): Promise<Pick<Payload, 'body' | 'encoding'>> {
  if (wanted === 'identity') return { body: raw, encoding: wanted };
  const encoding = compress[wanted] === undefined ? 'gzip' : wanted;
  return { body: await compress[encoding]!(raw as Uint8Array<ArrayBuffer>), encoding };
}

async function halves(payload: Payload, means: Means): Promise<readonly Payload[] | undefined> {
  const { signal, records, contentType, encoding } = payload;
  if (signal === 'profiles' || records < 2) return undefined;
  const raw = await rawOf(payload, means);
  if (raw === undefined) return undefined;
  const isJson = contentType.startsWith('application/json');
  const count = isJson ? countJsonRecords : countRecords;
  const split = isJson ? splitJsonRequest : splitRequest;
  // Records that cannot be found would be lost uncounted.
  if (count(signal, raw) !== records) return undefined;
  const [first, second] = split(signal, raw) ?? [];
  if (first === undefined || second === undefined) return undefined;

  const payloadOf = async (half: Uint8Array, inside: number): Promise<Payload> => ({
    ...payload,
    ...(await encoded(half, encoding, means)),
    records: inside,
    rawBytes: half.length,
  });
  return Promise.all([payloadOf(first, records >> 1), payloadOf(second, records - (records >> 1))]);
}

/** The request as it was encoded; `undefined` when that is not as long as it was. */
async function rawOf(
  { body, encoding, rawBytes }: Payload,
  means: Means,
): Promise<Uint8Array | undefined> {
  const raw = encoding === 'identity' ? body : await means.inflate(body, encoding, rawBytes);
  return raw.length === rawBytes ? raw : undefined;
}
