import { closeSync, fstatSync, readSync } from 'node:fs';
import { LockstepError } from '../../errors/lockstep-error.ts';
import { openPlainFile } from '../../plain-file.ts';
import { BlockCache, MAX_RUN_BYTES, type Piece } from './block-cache.ts';
import { corrupt } from './corrupt.ts';
import { chooseMeta, META_PAGE_BYTES, type Meta } from './meta.ts';
import { PAGE_HEADER_BYTES, type PageHeader, readPageHeader } from './page.ts';

/** Pages held while a whole file is walked. */
export const WALK_CACHE_BYTES = 4 * 1024 * 1024;
/** Pages held for single look-ups. */
export const LOOKUP_CACHE_BYTES = 2 * 1024 * 1024;

export interface Page {
  readonly header: PageHeader;
  /** The whole run, header included; valid until the next page is read. */
  readonly piece: Piece;
}

/**
 * A bbolt file, opened for reading only. Reads are synchronous: whoever reads a large file does
 * so in a worker (`runTask`), or in slices.
 */
export class BboltFile implements Disposable {
  readonly sizeBytes: number;
  readonly meta: Meta;
  readonly #fd: number;
  readonly #cache: BlockCache;

  /**
   * `cutOff` takes a file that ends before its last page: what lies beyond the end is refused page
   * by page. Throws SNAPSHOT_NOT_FOUND, SNAPSHOT_TRUNCATED, SNAPSHOT_CORRUPT.
   */
  constructor(path: string, cacheBytes: number, options: { readonly cutOff?: boolean } = {}) {
    this.#fd = openForReading(path);
    try {
      this.sizeBytes = fstatSync(this.#fd).size;
      if (this.sizeBytes < META_PAGE_BYTES) {
        throw new LockstepError('SNAPSHOT_TRUNCATED', {
          message: `The file has ${this.sizeBytes} bytes: too few for an etcd store.`,
        });
      }
      this.meta = chooseMeta((offset, length) => this.#readSmall(offset, length));
      if (this.sizeBytes < this.imageBytes && options.cutOff !== true) {
        throw new LockstepError('SNAPSHOT_TRUNCATED', {
          message: `The file has ${this.sizeBytes} bytes; its header says at least ${this.imageBytes}.`,
        });
      }
      this.#cache = new BlockCache(this.#fd, this.sizeBytes, cacheBytes);
    } catch (thrown) {
      closeSync(this.#fd);
      throw thrown;
    }
  }

  /** What etcd calls the total size: every page that was ever used. */
  get imageBytes(): number {
    return this.meta.highWater * this.meta.pageSizeBytes;
  }

  /** The run that starts at this page. Throws SNAPSHOT_CORRUPT. */
  page(id: number): Page {
    const { pageSizeBytes, highWater } = this.meta;
    if (id < 2 || id >= highWater) throw corrupt(`Page ${id} is outside the file’s ${highWater} pages.`);
    this.#requireInFile(id, 1);
    const offset = id * pageSizeBytes;
    const header = readPageHeader(this.#cache.read(offset, PAGE_HEADER_BYTES));
    if (header.id !== id) throw corrupt(`Page ${id} says it is page ${header.id}.`);
    const pages = header.overflow + 1;
    if (id + pages > highWater) {
      throw corrupt(`Page ${id} runs over ${pages} pages, beyond the file’s ${highWater}.`);
    }
    const length = pages * pageSizeBytes;
    if (length > MAX_RUN_BYTES) throw corrupt(`Page ${id} runs over ${length} bytes: no etcd writes that.`);
    this.#requireInFile(id, pages);
    return { header, piece: this.#cache.read(offset, length) };
  }

  #requireInFile(id: number, pages: number): void {
    if (id + pages > this.wholePages) {
      throw corrupt(`Page ${id} runs beyond the end of the file, which has ${this.wholePages} pages.`);
    }
  }

  /** Pages that are whole in the file. A store in a data directory may be longer than what it uses. */
  get wholePages(): number {
    return Math.floor(this.sizeBytes / this.meta.pageSizeBytes);
  }

  /** Pages below `wholePages` as they lie there, of whatever kind; valid until the next page is read. */
  raw(id: number, pages: number): Piece {
    const { pageSizeBytes } = this.meta;
    return this.#cache.read(id * pageSizeBytes, pages * pageSizeBytes);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  #readSmall(offset: number, length: number): Uint8Array | undefined {
    if (offset + length > this.sizeBytes) return undefined;
    const bytes = Buffer.alloc(length);
    return readSync(this.#fd, bytes, 0, length, offset) === length ? bytes : undefined;
  }
}

/** Throws SNAPSHOT_NOT_FOUND, FILE_NOT_READABLE. */
export function openForReading(path: string): number {
  try {
    return openPlainFile(path);
  } catch (thrown) {
    const { cause } = thrown as Error;
    throw isMissing(cause) ? cannotOpen(path, cause) : thrown;
  }
}

/** SNAPSHOT_NOT_FOUND where the file is not there. */
export function cannotOpen(path: string, cause: unknown): LockstepError {
  const missing = isMissing(cause);
  return new LockstepError(missing ? 'SNAPSHOT_NOT_FOUND' : 'FILE_NOT_READABLE', {
    message: missing ? `There is no file ${path}.` : `${path} cannot be read.`,
    cause,
  });
}

function isMissing(cause: unknown): boolean {
  return (cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
}
