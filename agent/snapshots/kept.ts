import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { dirname, join } from 'node:path';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import type { NodePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { SnapshotFacts } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { readSnapshotFacts } from '@lockstep/shared/snapshot/facts.ts';
import { readWalFacts } from '../adapters/wal.ts';
import { operationPaths } from '../core/paths.ts';
import { inodeText, swapRecord } from '../executor/swap-record.ts';
import type { OperationLedger } from '../ledger/records.ts';
import type { Stores } from '../ports.ts';
import type { SnapshotSource } from './save.ts';

const CHUNK_BYTES = 1024 * 1024;

/** The OLD that a committed operation keeps on this node, proven to be the one that it exchanged. */
export interface KeptStore {
  readonly operationId: string;
  /** Host path of the kept directory. */
  readonly path: string;
  /** Real path of its database. */
  readonly databasePath: string;
  /** As the plan found OLD. */
  readonly nodePlan: NodePlan;
  readonly etcdClusterId: string;
}

export interface KeptDependencies {
  readonly node: string;
  /** Host path. */
  readonly stateDir: string;
  readonly ledger: Pick<OperationLedger, 'operation'>;
  readonly stores: Stores;
}

/** Throws OPERATION_NOT_FOUND, KEPT_MISSING. */
export async function findKept(
  { node, stateDir, ledger, stores }: KeptDependencies,
  operationId: string,
  signal: AbortSignal,
): Promise<KeptStore> {
  const record = ledger.operation(operationId);
  if (record === undefined) {
    throw new LockstepError('OPERATION_NOT_FOUND', {
      node,
      message: `The ledger of ${node} does not know ${operationId}.`,
    });
  }
  const plan = RestorePlan.decode(record.plan);
  const nodePlan = plan.nodes.find((each) => each.node === node);
  const recorded = swapRecord(record.effects);
  const isCommitted = record.phase === 'committed' || record.phase === 'closed';
  if (nodePlan === undefined || recorded === undefined || !isCommitted) {
    throw new LockstepError('KEPT_MISSING', {
      node,
      message: `${operationId} did not put another store in the place of OLD on ${node}.`,
    });
  }
  const { other, otherDb } = operationPaths(nodePlan, operationId, stateDir);
  const found = await stores.inodeOf(other, signal);
  // Its number alone: a reboot may change the device's, and it never left its filesystem.
  if (found?.number !== recorded.old.number) {
    throw new LockstepError('KEPT_MISSING', {
      node,
      message: `${other} is inode ${inodeText(found)}; OLD was ${inodeText(recorded.old)}.`,
    });
  }
  return {
    operationId,
    path: other,
    databasePath: stores.realPath(otherDb),
    nodePlan,
    etcdClusterId: plan.baseline?.etcdClusterId ?? '',
  };
}

/** What it holds, and up to which raft entry; the log may know of more. The files are only read. */
export async function readKept(
  { databasePath }: KeptStore,
  signal: AbortSignal,
): Promise<{ facts: SnapshotFacts; lastIndex: bigint }> {
  const [facts, wal] = await Promise.all([
    readSnapshotFacts(databasePath, { trailer: 'absent' }, signal),
    readWalFacts(join(dirname(dirname(databasePath)), 'wal'), signal),
  ]);
  return { facts, lastIndex: wal?.lastIndex ?? 0n };
}

/** Its pages and their digest: what etcd would have sent of a store that holds just that. */
export function keptSource(kept: KeptStore, facts: SnapshotFacts): SnapshotSource {
  const sizeBytes = facts.status?.totalSizeBytes ?? 0n;
  return {
    observe: async () => ({ clusterId: kept.etcdClusterId, dbSizeBytes: sizeBytes }),
    snapshot: (signal) => pagesAsSnapshot(kept.databasePath, sizeBytes, signal),
  };
}

/**
 * A snapshot as etcd would send it, of a database that nobody writes to. `sizeBytes` is of its
 * pages: the file may be longer, etcd makes it grow in steps.
 */
export async function* pagesAsSnapshot(
  databasePath: string,
  sizeBytes: bigint,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const digest = createHash('sha256');
  const pages = createReadStream(databasePath, {
    end: Number(sizeBytes) - 1,
    highWaterMark: CHUNK_BYTES,
    signal,
  });
  for await (const bytes of pages as AsyncIterable<Buffer>) {
    digest.update(bytes);
    yield bytes;
  }
  yield digest.digest();
}

/** For its card: versions and fingerprints of OLD's time, as the plan had found them. */
export function reportOfKept({ nodePlan: { driftFields } }: KeptStore): NodeReport {
  const list = (field: string): string[] => (driftFields[field] ?? '').split(',').filter(Boolean);
  return NodeReport.fromPartial({
    etcd: { version: driftFields['etcd.version'] ?? '', caSha256: driftFields['etcd.ca'] ?? '' },
    apiServer: {
      version: driftFields['apiServer.version'] ?? '',
      clusterCaSha256: driftFields['apiServer.clusterCa'] ?? '',
      serviceAccountKeySha256: list('apiServer.serviceAccountKeys'),
      encryptionKeys: list('apiServer.encryptionKeys').map((fingerprintSha256) => ({ fingerprintSha256 })),
    },
  });
}
