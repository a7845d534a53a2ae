/**
 * The slow path of delivery: a payload that a server refused as it is, in a form it may take. The
 * raw bytes are had from the body each time (docs/decisions/slow-path.md), so nothing is kept for
 * an answer that hardly ever comes. A bundle of its own, which hosts load when they need it.
 */

import { countJsonRecords, countRecords, splitJsonRequest, splitRequest } from './codec/split.ts';
import type { Encoding, Payload, Remedy } from './deliver/transport.ts';

/** Raw bytes of one request at most: the largest a request may be configured to be. */
export const MAX_RAW_BYTES = 64 * 1024 * 1024;

type Compressed = Exclude<Encoding, 'identity'>;

/** What a host does for the slow path. Both may reject, and leave the bytes they are given alone. */
export interface Means {
  /** Rejects what is damaged, and what would be longer than `MAX_RAW_BYTES`. */
  inflate(body: Uint8Array, encoding: Compressed): Promise<Uint8Array>;
  compress(raw: Uint8Array, encoding: Compressed): Promise<Uint8Array>;
}

/**
 * What to send in place of a refused payload, in this order: the same request uncompressed, or its
 * two halves, each in the encoding that the payload had. Their records add up to the payload's.
 * `undefined` where there is no such form: the body is not compressed, or holds one record, or is
 * of profiles, whose dictionary belongs to all of them; or the body is not what the payload says.
 * Never rejects, and changes nothing of the payload.
 */
export async function remade(
  payload: Payload,
  remedy: Remedy,
  means: Means,
): Promise<readonly Payload[] | undefined> {
  try {
    return remedy === 'split' ? await halves(payload, means) : await uncompressed(payload, means);
  } catch {
    return undefined;
  }
}

async function uncompressed(
  payload: Payload,
  means: Means,
): Promise<readonly Payload[] | undefined> {
  if (payload.encoding === 'identity') return undefined;
  const body = await rawOf(payload, means);
  return body && [{ ...payload, body, encoding: 'identity' }];
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
  if (count(raw) !== records) return undefined;
  const [first, second] = split(raw) ?? [];
  if (first === undefined || second === undefined) return undefined;

  const payloadOf = async (half: Uint8Array, inside: number): Promise<Payload> => ({
    ...payload,
    body: encoding === 'identity' ? half : await means.compress(half, encoding),
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
  const raw = encoding === 'identity' ? body : await means.inflate(body, encoding);
  return raw.length === rawBytes ? raw : undefined;
}
