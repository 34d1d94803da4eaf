import { createHash } from 'node:crypto';
import { type FileDigests, hasTrailer, TRAILER_BYTES } from '@lockstep/shared/snapshot/trailer.ts';

/** SHA-256 of bytes as they pass, and whether they end with the raw SHA-256 of those before, as etcd's do. */
export class TrailedDigest {
  sizeBytes = 0;
  readonly #body = createHash('sha256');
  /** The last bytes, which may turn out to be the trailer, are kept back from the digest. */
  #tail: Uint8Array = new Uint8Array();

  update(bytes: Uint8Array): void {
    this.sizeBytes += bytes.length;
    if (bytes.length >= TRAILER_BYTES) {
      this.#body.update(this.#tail);
      this.#body.update(bytes.subarray(0, bytes.length - TRAILER_BYTES));
      this.#tail = Uint8Array.from(bytes.subarray(bytes.length - TRAILER_BYTES));
      return;
    }
    const held = Buffer.concat([this.#tail, bytes]);
    const settled = Math.max(0, held.length - TRAILER_BYTES);
    this.#body.update(held.subarray(0, settled));
    this.#tail = held.subarray(settled);
  }

  finish(): FileDigests {
    const trailerValid = this.#tail.length === TRAILER_BYTES && this.#body.copy().digest().equals(this.#tail);
    return {
      sizeBytes: this.sizeBytes,
      fileSha256: this.#body.update(this.#tail).digest('hex'),
      trailerPresent: hasTrailer(this.sizeBytes),
      trailerValid,
    };
  }
}
