/** What `otlp-wasm/compress` has on every host: bytes in, the same bytes in fewer out. */

import { concatenated } from './codec/bytes.ts';
import { type Codecs, openCodecs, WHOLE_BYTES } from './compress/codecs.ts';
import { BROTLI_QUALITIES, type Encoding, LEVELS, type Level } from './compress/encoding.ts';
import { FORMATS, type Format, PIECE_BYTES } from './compress/formats.ts';
import { type CompressPiece, Pieces } from './compress/pieces.ts';
import { onFirstUse } from './engine/binary.ts';
import type { CodecsExports } from './engine/generated/contract.ts';
import { type Bytes, inputOf } from './engine/input.ts';
import type { EngineSources } from './engine/select.ts';
import { OtlpError } from './errors.ts';
import { anyOf, invalid, refused, shown } from './options/checks.ts';

export interface CompressOptions {
  /**
   * `fast`: the least time. `default`: a better ratio for a few times that. `best`: the best ratio,
   * for up to a hundred times that. `lz4` and `snappy` know one level and take all three. Default
   * `default`.
   */
  readonly level?: Level | undefined;
}

/** A stream that is fed by hand. What it returns is for its caller to keep or change. */
export interface Compressor {
  /**
   * Takes the next bytes, which may be changed afterwards.
   *
   * @returns what could be compressed meanwhile; often nothing.
   * @throws OtlpError `invalid_data` for what are no bytes, which leaves the stream as it was, and
   *   after `end()`.
   */
  push(bytes: Bytes): Uint8Array<ArrayBuffer>;
  /**
   * Compresses what is kept, so that a reader of all that was returned has all that was pushed. Costs
   * ratio.
   */
  flush(): Uint8Array<ArrayBuffer>;
  /** @returns the end of the stream. */
  end(): Uint8Array<ArrayBuffer>;
}

/** Compresses all of `bytes`, which are read during the call. */
export type CompressFunction = (bytes: Bytes, options?: CompressOptions) => Uint8Array<ArrayBuffer>;

/**
 * The functions of `otlp-wasm/compress`. What they return is a copy of its own; the same bytes
 * give the same on every engine.
 *
 * All throw an OtlpError: `invalid_data` when `bytes` are none or their buffer is detached,
 * `invalid_option` for a level or an encoding that there is not, `engine_unavailable` where
 * `ready()` was to be awaited. Nothing is left of a call that throws.
 */
export interface Compress {
  /** A gzip member (RFC 1952). */
  readonly gzip: CompressFunction;
  /** DEFLATE in a zlib wrapper (RFC 1950): what HTTP calls `deflate`. */
  readonly zlib: CompressFunction;
  /** DEFLATE alone (RFC 1951). */
  readonly deflateRaw: CompressFunction;
  /** A Zstandard frame with checksum (RFC 8878), whose window is 8 MiB at most (RFC 9659). */
  readonly zstd: CompressFunction;
  /** A frame of the LZ4 frame format with checksum. Has one level. */
  readonly lz4: CompressFunction;
  /** Snappy's block format, which has no checksum. Has one level. */
  readonly snappy: CompressFunction;
  /** Snappy's framing format, with checksums. Has one level. */
  readonly snappyFramed: CompressFunction;
  /**
   * Brotli (RFC 7932) by the host, at quality 1, 5 or 11. Node, Deno, Bun and workerd with
   * `nodejs_compat` have it; elsewhere throws `not_supported`. No OpenTelemetry Collector takes it.
   */
  readonly brotli: CompressFunction;
  /** One of them, by the name that stands in Content-Encoding. `identity`: a copy. */
  compress(encoding: Encoding, bytes: Bytes, options?: CompressOptions): Uint8Array<ArrayBuffer>;
  /**
   * Most bytes that `length` bytes become, at any level, in one call or as a stream that is not
   * flushed.
   *
   * @param length bytes, an integer from 0.
   */
  worstCase(encoding: Encoding, length: number): number;
  /**
   * A stream in bounded memory. Any number may be open at once. Throws `not_supported` for
   * `snappy`, whose format begins with the length of all, and for `br`.
   */
  createCompressor(encoding: Encoding, options?: CompressOptions): Compressor;
  /**
   * The same as a stream of the web platform, like its CompressionStream. Loads the engine itself
   * where that has to be.
   */
  compressionStream(
    encoding: Encoding,
    options?: CompressOptions,
  ): TransformStream<Bytes, Uint8Array<ArrayBuffer>>;
  /**
   * Resolves when the other functions can be called. They can at once, except where a host has
   * no SIMD WebAssembly, or refuses all of it (a page whose Content-Security-Policy has no
   * `wasm-unsafe-eval`), and has to load another engine. Rejects with an OtlpError
   * `engine_unavailable` when no engine can be had.
   */
  ready(): Promise<void>;
}

/** The host's brotli, at one of its qualities; undefined where it turns out to have none. */
export type HostBrotli = (bytes: Uint8Array, quality: number) => Uint8Array | undefined;

const ENCODINGS: readonly string[] = [...FORMATS.keys(), 'br', 'identity'];

/**
 * @param sources where the host has its engines; the first call picks one.
 * @param hostBrotli where the host may have it.
 */
export function compressOn(
  sources: EngineSources<CodecsExports>,
  hostBrotli?: HostBrotli,
): Compress {
  const { now: loaded, ready } = onFirstUse<Codecs>('otlp-wasm/compress', () =>
    openCodecs(sources),
  );

  /** All of it, in one call of the kernels or piece by piece. */
  function whole(format: Format, level: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    const engine = loaded();
    const { length } = bytes;
    if (length <= WHOLE_BYTES) {
      return engine.compress(bytes, format.worstCase(length), (job) => format.whole(level, job));
    }
    const next = nextPiece(format, level, length);
    const compressed: Uint8Array[] = [];
    for (let at = 0; at < length; at += WHOLE_BYTES) {
      const end = at + WHOLE_BYTES;
      compressed.push(next(bytes.subarray(at, end), end >= length));
    }
    return concatenated(compressed);
  }

  /** @param total bytes that will come, where that is known. */
  function nextPiece(format: Format, level: number, total?: number): CompressPiece {
    const next = format.stream(level, total);
    return (piece, final) =>
      loaded().compress(piece, format.worstCase(piece.length), (job) => next(job, final));
  }

  function piecesOf(encoding: Encoding, level: number): Pieces {
    const format = FORMATS.get(encoding);
    return new Pieces(format === undefined ? ownCopy : nextPiece(format, level), PIECE_BYTES);
  }

  function compress(
    encoding: Encoding,
    given: Bytes,
    options?: CompressOptions,
  ): Uint8Array<ArrayBuffer> {
    checkEncoding(encoding);
    const level = levelOf(options);
    const bytes = inputOf(given);
    if (encoding === 'identity') return ownCopy(bytes);
    if (encoding !== 'br') return whole(FORMATS.get(encoding)!, LEVELS[level], bytes);
    const compressed = hostBrotli?.(bytes, BROTLI_QUALITIES[level]);
    if (compressed === undefined) throw noBrotli();
    return ownCopy(compressed);
  }

  function createCompressor(encoding: Encoding, options?: CompressOptions): Compressor {
    checkStream(encoding);
    const level = levelOf(options);
    if (encoding !== 'identity') loaded();
    const pieces = piecesOf(encoding, LEVELS[level]);
    let ended = false;
    const open = () => {
      if (ended) throw hasEnded();
    };
    return {
      push(bytes) {
        open();
        const compressed: Uint8Array<ArrayBuffer>[] = [];
        pieces.push(inputOf(bytes), (piece) => compressed.push(piece));
        return compressed.length === 1 ? compressed[0]! : concatenated(compressed);
      },
      flush() {
        open();
        return pieces.flush();
      },
      end() {
        open();
        ended = true;
        return pieces.end();
      },
    };
  }

  function compressionStream(
    encoding: Encoding,
    options?: CompressOptions,
  ): TransformStream<Bytes, Uint8Array<ArrayBuffer>> {
    checkStream(encoding);
    const pieces = piecesOf(encoding, LEVELS[levelOf(options)]);
    return new TransformStream<Bytes, Uint8Array<ArrayBuffer>>({
      start: () => (encoding === 'identity' ? undefined : ready()),
      transform(bytes, controller) {
        pieces.push(inputOf(bytes), (piece) => controller.enqueue(piece));
      },
      flush(controller) {
        const last = pieces.end();
        if (last.length > 0) controller.enqueue(last);
      },
    });
  }

  const by =
    (encoding: Encoding): CompressFunction =>
    (bytes, options) =>
      compress(encoding, bytes, options);

  return {
    gzip: by('gzip'),
    zlib: by('zlib'),
    deflateRaw: by('deflate-raw'),
    zstd: by('zstd'),
    lz4: by('lz4'),
    snappy: by('snappy'),
    snappyFramed: by('x-snappy-framed'),
    brotli: by('br'),
    compress,
    worstCase,
    createCompressor,
    compressionStream,
    ready,
  };
}

function worstCase(encoding: Encoding, length: number): number {
  checkEncoding(encoding);
  if (!Number.isSafeInteger(length) || length < 0) {
    throw invalid(`length is ${shown(length)}; give a number of bytes, an integer from 0.`);
  }
  if (encoding === 'identity') return length;
  // One block of 16 KiB after the other, as they are.
  if (encoding === 'br') return length + 4 * Math.floor(length / 16384) + 6;
  return FORMATS.get(encoding)!.worstCase(length);
}

/** A Buffer's own `slice` is no copy. */
function ownCopy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

function levelOf(options: CompressOptions | undefined): Level {
  if (options === undefined) return 'default';
  if (typeof options !== 'object' || options === null) {
    throw invalid(
      `options is ${shown(options)}; give an object such as { level: 'fast' }, or leave it out.`,
    );
  }
  const { level = 'default' } = options;
  if (typeof level === 'string' && Object.hasOwn(LEVELS, level)) return level;
  throw refused('level', level, anyOf(Object.keys(LEVELS).map(shown)));
}

function checkEncoding(encoding: Encoding): void {
  if (ENCODINGS.includes(encoding)) return;
  throw invalid(`encoding is ${shown(encoding)}; give ${anyOf(ENCODINGS.map(shown))}.`);
}

function checkStream(encoding: Encoding): void {
  checkEncoding(encoding);
  if (encoding === 'snappy') {
    throw new OtlpError(
      'not_supported',
      "'snappy' cannot be a stream: its format begins with the length of all. " +
        "Use 'x-snappy-framed', or compress the whole at once.",
    );
  }
  if (encoding === 'br') {
    throw new OtlpError(
      'not_supported',
      "'br' cannot be a stream here: it is left to the host. " +
        "Use the host's own, compress the whole at once, or use 'gzip' or 'zstd'.",
    );
  }
}

function hasEnded(): OtlpError {
  return new OtlpError('invalid_data', 'this stream has ended; create another one.');
}

function noBrotli(): OtlpError {
  return new OtlpError(
    'not_supported',
    "this host has no brotli of its own (Node, Deno, Bun and workerd with 'nodejs_compat' have); " +
      "use 'gzip' or 'zstd'.",
  );
}
