import { readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { BboltFile } from '../snapshot/bbolt/file.ts';
import { digestFile, hasTrailer, TRAILER_BYTES } from '../snapshot/trailer.ts';

/** Goes through the file once where it has a trailer, to hold it to that. */
export function etcdNotes(path: string, file: BboltFile): string[] {
  return [...trailerNotes(path, file), ...logNotes(path)];
}

function trailerNotes(path: string, file: BboltFile): string[] {
  const extra = file.sizeBytes - file.imageBytes;
  if (extra > 0 && extra < TRAILER_BYTES) {
    return [
      `The SHA-256 at the end of the file is cut off: ${TRAILER_BYTES - extra} of its bytes are missing.`,
    ];
  }
  if (!hasTrailer(file.sizeBytes)) {
    return ['The file has no SHA-256 at its end: whether bytes of it were changed cannot be told from it.'];
  }
  if (digestFile(path).trailerValid) return [];
  return [
    'The SHA-256 at the end of the file does not match: bytes of it were changed, or lost, after it was saved.',
  ];
}

/** A store in a data directory has etcd's log beside it: `member/snap/db` and `member/wal`. */
function logNotes(path: string): string[] {
  const logs = join(dirname(resolve(path)), '..', 'wal');
  let files: string[];
  try {
    files = readdirSync(logs).filter((name) => name.endsWith('.wal'));
  } catch {
    return [];
  }
  if (files.length === 0) return [];
  return [
    'etcd’s log beside the file (../wal) is not read: what was written in the last moments before etcd stopped may be only there.',
  ];
}
