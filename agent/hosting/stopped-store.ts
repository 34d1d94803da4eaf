import { join } from 'node:path';
import type { EtcdMember } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { readSnapshotFacts } from '@lockstep/shared/snapshot/facts.ts';

import { readWalFacts, type WalFacts } from '../adapters/wal.ts';

/** What the files of a member that does not answer say of it. */
export interface StoppedStore {
  readonly members: readonly EtcdMember[];
  /** Cluster version, "3.5.0"; empty where the store has none. */
  readonly version: string;
  /** Highest in the database; the WAL may hold more, up to `raftIndex`. */
  readonly revision: bigint;
  readonly alarms: readonly string[];
  readonly authEnabled: boolean;
  readonly wal: WalFacts | undefined;
}

/** `store` is a real path. The files are only read; a running member's may be torn. */
export async function readStoppedStore(store: string, signal: AbortSignal): Promise<StoppedStore> {
  const [facts, wal] = await Promise.all([
    readSnapshotFacts(join(store, 'member/snap/db'), { trailer: 'absent' }, signal),
    readWalFacts(join(store, 'member/wal'), signal),
  ]);
  return {
    members: facts.members,
    version: facts.status?.storageVersion || facts.clusterVersion,
    revision: facts.status?.revision ?? 0n,
    alarms: facts.alarms,
    authEnabled: facts.authEnabled,
    wal,
  };
}
