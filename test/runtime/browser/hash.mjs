import {
  adler32,
  crc32,
  crc32c,
  createHash,
  isOtlpError,
  ready,
  xxh32,
  xxh64,
} from 'otlp-wasm/hash';
import { hashJourney } from './journey.mjs';

const hash = { adler32, crc32, crc32c, createHash, isOtlpError, ready, xxh32, xxh64 };
globalThis.result = hashJourney(hash).catch(({ stack }) => ({ error: stack }));
