import { closeSync, readSync, statSync } from 'node:fs';
import { LockstepError } from '../errors/lockstep-error.ts';
import { corrupt } from '../snapshot/bbolt/corrupt.ts';
import { openForReading } from '../snapshot/bbolt/file.ts';
import { EtcdStore } from './etcd-store.ts';
import type { Evidence } from './evidence.ts';
import { KineStore } from './kine-store.ts';

const SQLITE = 'SQLite format 3\0';
/** What people hand over instead of a store. */
const PACKED: ReadonlyArray<readonly [string, string]> = [
  ['PK\x03\x04', 'a ZIP archive (k3s etcd-snapshot --snapshot-compress makes one): unpack it first'],
  ['\x1f\x8b', 'compressed by gzip: unpack it first'],
  [
    '\x28\xb5\x2f\xfd',
    'compressed by zstd: unpack it first; of an archive of evidence, `lockstep evidence show` tells what is in it',
  ],
  ['age-encryption.org', 'encrypted by age: decrypt it first'],
];

/**
 * Opens a store as evidence, for reading only: an etcd snapshot, a store copied out of a data
 * directory (`member/snap/db`), or kine's SQLite (K3s' `state.db`). What it is its content says,
 * not its name. Throws SNAPSHOT_NOT_FOUND, FILE_NOT_READABLE, SNAPSHOT_TRUNCATED, SNAPSHOT_CORRUPT.
 */
export function openEvidence(path: string): Evidence {
  return isSqlite(path) ? new KineStore(path) : new EtcdStore(path);
}

/** False: it may be etcd's, whole or not. Throws as `openEvidence` does of what can be neither. */
export function isSqlite(path: string): boolean {
  const beginning = readBeginning(path);
  for (const [mark, what] of PACKED) {
    if (beginning.startsWith(mark)) throw corrupt(`${path} is ${what}.`);
  }
  return beginning.startsWith(SQLITE);
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function readBeginning(path: string): string {
  if (isDirectory(path)) {
    throw new LockstepError('FILE_NOT_READABLE', {
      message: `${path} is a directory: name the store in it (member/snap/db, or state.db for K3s).`,
    });
  }
  const fd = openForReading(path);
  try {
    const bytes = Buffer.alloc(64);
    return bytes.toString('latin1', 0, readSync(fd, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(fd);
  }
}
