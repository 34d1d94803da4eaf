import { createHash } from 'node:crypto';
import { closeSync, fstatSync, readSync } from 'node:fs';
import { LockstepError } from '../errors/lockstep-error.ts';
import { openForReading } from './bbolt/file.ts';
import { finish, type Steps } from './steps.ts';

/** etcd appends the raw SHA-256 of everything before it. */
export const TRAILER_BYTES = 32;
/** etcd's own and only test for a trailer: pages are multiples of this. */
const PAGE_UNIT_BYTES = 512;
const CHUNK_BYTES = 1024 * 1024;

export interface FileDigests {
  readonly sizeBytes: number;
  /** Of the whole file, trailer included. Hexadecimal. */
  readonly fileSha256: string;
  /** False where the file's size says that it has none. */
  readonly trailerPresent: boolean;
  readonly trailerValid: boolean;
}

export function hasTrailer(sizeBytes: number): boolean {
  return sizeBytes % PAGE_UNIT_BYTES === TRAILER_BYTES;
}

/** Reads the whole file once, synchronously. Throws SNAPSHOT_NOT_FOUND, SNAPSHOT_TRUNCATED. */
export function digestFile(path: string): FileDigests {
  return finish(digestInSteps(path));
}

/** As `digestFile`. */
export function* digestInSteps(path: string): Steps<FileDigests> {
  const fd = openForReading(path);
  try {
    const sizeBytes = fstatSync(fd).size;
    const trailerPresent = hasTrailer(sizeBytes);
    const imageBytes = trailerPresent ? sizeBytes - TRAILER_BYTES : sizeBytes;
    const hash = createHash('sha256');
    const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, Math.max(sizeBytes, 1)));
    for (let offset = 0; offset < imageBytes; ) {
      const got = readSync(fd, chunk, 0, Math.min(chunk.length, imageBytes - offset), offset);
      if (got === 0) throw shrank(path, offset, sizeBytes);
      hash.update(chunk.subarray(0, got));
      offset += got;
      yield;
    }
    if (!trailerPresent) {
      return { sizeBytes, fileSha256: hash.digest('hex'), trailerPresent, trailerValid: false };
    }
    const trailer = Buffer.alloc(TRAILER_BYTES);
    if (readSync(fd, trailer, 0, TRAILER_BYTES, imageBytes) !== TRAILER_BYTES) {
      throw shrank(path, imageBytes, sizeBytes);
    }
    const trailerValid = hash.copy().digest().equals(trailer);
    return { sizeBytes, fileSha256: hash.update(trailer).digest('hex'), trailerPresent, trailerValid };
  } finally {
    closeSync(fd);
  }
}

/** Throws SNAPSHOT_TRAILER_MISSING or SNAPSHOT_TRAILER_MISMATCH. */
export function requireTrailer(path: string, digests: FileDigests): void {
  if (!digests.trailerPresent) {
    throw new LockstepError('SNAPSHOT_TRAILER_MISSING', {
      message: `${path} has no SHA-256 trailer: it was copied from a data directory or cut off.`,
    });
  }
  if (!digests.trailerValid) {
    throw new LockstepError('SNAPSHOT_TRAILER_MISMATCH', {
      message: `${path}: the SHA-256 trailer does not match the ${digests.sizeBytes - TRAILER_BYTES} bytes before it.`,
    });
  }
}

function shrank(path: string, offset: number, sizeBytes: number): LockstepError {
  return new LockstepError('SNAPSHOT_TRUNCATED', {
    message: `${path} ended at byte ${offset} while it was being read; it had ${sizeBytes} bytes when it was opened.`,
  });
}
