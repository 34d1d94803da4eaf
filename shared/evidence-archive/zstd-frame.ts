import { LockstepError } from '../errors/lockstep-error.ts';

/** RFC 8878, 3.1.1. */
const MAGIC = 0xfd2fb528;
const MAGIC_BYTES = 4;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
const BLOCK_HEADER_BYTES = 3;
const BLOCK_RLE = 1;
const BLOCK_RESERVED = 3;
const CHECKSUM_BYTES = 4;

type State = 'magic' | 'descriptor' | 'header' | 'block-header' | 'block' | 'checksum' | 'end';

/**
 * Follows the zstd frame of an archive from block to block, looking into none. An unpacker may stop
 * where it ends and take no notice of what comes after it, so that is refused here; but for frames
 * that hold nothing, one of which Node's packer leaves behind where its last piece ended a block.
 * Throws EVIDENCE_ARCHIVE_INVALID.
 */
export class ZstdFrame {
  #state: State = 'magic';
  /** Bytes of this part that have not come yet. */
  #wanted = MAGIC_BYTES;
  /** Of this part, low byte first, where it is small enough to be a number. */
  #value = 0;
  #seen = 0;
  #hasChecksum = false;
  #isLastBlock = false;
  /** All that holds anything has gone by. */
  #isOver = false;

  take(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#state === 'end') this.#begin('magic', MAGIC_BYTES);
      if (this.#state === 'block' || this.#state === 'header') {
        const skipped = Math.min(this.#wanted, bytes.length - at);
        at += skipped;
        this.#wanted -= skipped;
      } else {
        this.#value += (bytes[at] ?? 0) * 2 ** (8 * this.#seen);
        this.#seen += 1;
        this.#wanted -= 1;
        at += 1;
      }
      while (this.#wanted === 0 && !this.isComplete) this.#next();
    }
  }

  get isComplete(): boolean {
    return this.#state === 'end';
  }

  #next(): void {
    const value = this.#value;
    switch (this.#state) {
      case 'magic':
        if (value !== MAGIC)
          throw invalid(this.#isOver ? 'bytes follow its end' : 'it is not packed with zstd');
        return this.#begin('descriptor', 1);
      case 'descriptor': {
        const isSingleSegment = (value & 0x20) !== 0;
        this.#hasChecksum = (value & 0x04) !== 0;
        const sizeFlag = value >> 6;
        const sizeBytes = sizeFlag === 0 && isSingleSegment ? 1 : (CONTENT_SIZE_BYTES[sizeFlag] ?? 0);
        const dictionaryBytes = DICTIONARY_ID_BYTES[value & 0x03] ?? 0;
        return this.#begin('header', (isSingleSegment ? 0 : 1) + dictionaryBytes + sizeBytes);
      }
      case 'header':
        return this.#begin('block-header', BLOCK_HEADER_BYTES);
      case 'block-header': {
        const type = (value >> 1) & 0x03;
        if (type === BLOCK_RESERVED) throw invalid('a block of it is of no known kind');
        if (this.#isOver && (type === BLOCK_RLE || value >> 3 > 0)) throw invalid('bytes follow its end');
        this.#isLastBlock = (value & 1) !== 0;
        return this.#begin('block', type === BLOCK_RLE ? 1 : value >> 3);
      }
      case 'block':
        if (!this.#isLastBlock) return this.#begin('block-header', BLOCK_HEADER_BYTES);
        return this.#hasChecksum ? this.#begin('checksum', CHECKSUM_BYTES) : this.#begin('end', 0);
      default:
        return this.#begin('end', 0);
    }
  }

  #begin(state: State, wanted: number): void {
    if (state === 'end') this.#isOver = true;
    this.#state = state;
    this.#wanted = wanted;
    this.#value = 0;
    this.#seen = 0;
  }
}

function invalid(why: string): LockstepError {
  return new LockstepError('EVIDENCE_ARCHIVE_INVALID', { message: `The archive is refused: ${why}.` });
}
