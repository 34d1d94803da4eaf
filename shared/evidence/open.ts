import { EtcdStore } from './etcd-store.ts';
import type { Evidence } from './evidence.ts';

/**
 * Opens a store as evidence, for reading only: an etcd snapshot, or a store copied out of a data
 * directory (`member/snap/db`). What it is its content says, not its name. Throws
 * SNAPSHOT_NOT_FOUND, SNAPSHOT_TRUNCATED, SNAPSHOT_CORRUPT.
 */
export function openEvidence(path: string): Evidence {
  return new EtcdStore(path);
}
