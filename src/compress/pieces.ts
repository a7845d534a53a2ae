/** Least room that is made for what is kept. */
const MIN_ROOM_BYTES = 4096;

/** Compresses the next piece; `final` is the last, which may be empty. */
export type CompressPiece = (piece: Uint8Array, final: boolean) => Uint8Array<ArrayBuffer>;

/**
 * Cuts what comes in chunks into pieces of `pieceBytes`, so that what comes out does not depend on
 * the chunks. Keeps what is less than a piece, and no more.
 */
export class Pieces {
  readonly #compress: CompressPiece;
  readonly #pieceBytes: number;
  #held = new Uint8Array(0);
  #length = 0;

  constructor(compress: CompressPiece, pieceBytes: number) {
    this.#compress = compress;
    this.#pieceBytes = pieceBytes;
  }

  /** @param emit is given what is compressed meanwhile. */
  push(chunk: Uint8Array, emit: (bytes: Uint8Array<ArrayBuffer>) => void): void {
    const pieceBytes = this.#pieceBytes;
    let at = 0;
    // A whole piece is kept until there is more: it may be the last.
    while (this.#length + chunk.length - at > pieceBytes) {
      const end = at + pieceBytes - this.#length;
      if (this.#length === 0) emit(this.#compress(chunk.subarray(at, end), false));
      else {
        this.#hold(chunk.subarray(at, end));
        emit(this.#take(false));
      }
      at = end;
    }
    this.#hold(chunk.subarray(at));
  }

  /** What is kept, as a piece of its own. */
  flush(): Uint8Array<ArrayBuffer> {
    return this.#length === 0 ? new Uint8Array(0) : this.#take(false);
  }

  end(): Uint8Array<ArrayBuffer> {
    const last = this.#take(true);
    this.#held = new Uint8Array(0);
    return last;
  }

  #hold(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#held.length) {
      const room = Math.max(length, Math.min(2 * length, this.#pieceBytes), MIN_ROOM_BYTES);
      const held = new Uint8Array(room);
      held.set(this.#held.subarray(0, this.#length));
      this.#held = held;
    }
    this.#held.set(bytes, this.#length);
    this.#length = length;
  }

  #take(final: boolean): Uint8Array<ArrayBuffer> {
    const piece = this.#held.subarray(0, this.#length);
    this.#length = 0;
    return this.#compress(piece, final);
  }
}
