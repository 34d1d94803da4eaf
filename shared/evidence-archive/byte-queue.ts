import { LockstepError } from '../errors/lockstep-error.ts';

/** A stream of bytes taken in portions of a wanted size. At most one piece of it waits in memory. */
export class ByteQueue {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #maxBytes: number;
  #piece: Uint8Array = new Uint8Array();
  #seenBytes = 0;

  /** More than `maxBytes` in all is refused. */
  constructor(source: AsyncIterable<Uint8Array>, maxBytes: number) {
    this.#source = source[Symbol.asyncIterator]();
    this.#maxBytes = maxBytes;
  }

  /** Exactly so many bytes, in one piece of memory. Throws EVIDENCE_ARCHIVE_INVALID where it ends before. */
  async take(sizeBytes: number): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for await (const piece of this.pieces(sizeBytes)) parts.push(piece);
    return Buffer.concat(parts);
  }

  /** The same, as they come. What is not taken to its end is lost. */
  async *pieces(sizeBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let left = sizeBytes; left > 0; ) {
      if (this.#piece.length === 0 && !(await this.#fill())) throw invalid('it is cut off');
      const piece = this.#piece.subarray(0, left);
      this.#piece = this.#piece.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  async expectEnd(): Promise<void> {
    if (this.#piece.length > 0 || (await this.#fill())) throw invalid('bytes follow its end');
  }

  /** False at the end. */
  async #fill(): Promise<boolean> {
    for (;;) {
      const next = await this.#source.next();
      if (next.done === true) return false;
      this.#seenBytes += next.value.length;
      if (this.#seenBytes > this.#maxBytes) throw invalid(`it unpacks to more than ${this.#maxBytes} bytes`);
      if (next.value.length === 0) continue;
      this.#piece = next.value;
      return true;
    }
  }
}

function invalid(why: string): LockstepError {
  return new LockstepError('EVIDENCE_ARCHIVE_INVALID', { message: `The archive is refused: ${why}.` });
}
