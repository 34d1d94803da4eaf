import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { deadline } from '@lockstep/shared/deadline.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { SnapshotFacts } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { parseCardFile } from '@lockstep/shared/seal/card-file.ts';
import { readSnapshotFacts } from '@lockstep/shared/snapshot/facts.ts';
import { makeAnalysisStore } from '../analysis-store.ts';
import type { Answer } from '../answer.ts';
import { WAIT_MS } from '../coordinator.ts';
import { findRestoreTool } from '../etcd-tool.ts';
import type { Invocation } from '../invocation.ts';
import { analysisStore, type RestoredTo } from '../render/restore-to.ts';

export interface RestoreToOptions {
  readonly snapshot: string;
  readonly name: string;
  readonly etcdutl?: string;
  readonly snapshots: string;
  readonly port: number;
  readonly trailer: boolean;
}

/** A data directory of one member for analysis. Asks nobody; the snapshot is only read. */
export async function restoreTo(
  { terminal, signal }: Invocation,
  directory: string,
  options: RestoreToOptions,
): Promise<Answer> {
  const limited = deadline(WAIT_MS.snapshot, signal);
  const snapshot = await findFile(options);
  const facts = await readSnapshotFacts(
    snapshot,
    { trailer: options.trailer ? 'required' : 'absent' },
    limited,
  );
  await requireAsItsCard(snapshot, facts);
  const tool = await findRestoreTool(
    {
      named: options.etcdutl,
      searchPath: terminal.environment['PATH'] ?? '',
      version: facts.status?.storageVersion || facts.clusterVersion,
    },
    limited,
  );
  const target = resolve(directory);
  const { name, port: clientPort } = options;
  const made = await makeAnalysisStore(
    { tool, snapshot, facts, directory: target, name, clientPort },
    limited,
  );
  const restored: RestoredTo = { ...made, directory: target, snapshot, facts, tool };
  const { status, contentSha256, fileSha256 } = facts;
  return {
    data: {
      directory: target,
      snapshot: { file: snapshot, sha256: fileSha256, revision: status?.revision ?? 0n, contentSha256 },
      tool,
      start: made.start,
      clientUrl: made.clientUrl,
    },
    names: [target],
    render: (layout) => analysisStore(layout, restored),
  };
}

/** A file, or the snapshot of that id that an agent of this very host keeps. */
async function findFile({ snapshot, snapshots }: RestoreToOptions): Promise<string> {
  if (await isFile(snapshot)) return resolve(snapshot);
  const kept = join(snapshots, `${snapshot}.db`);
  if (!snapshot.includes('/') && (await isFile(kept))) return kept;
  throw new LockstepError('SNAPSHOT_NOT_FOUND', {
    message: `There is no readable file ${snapshot}, and none of that id in ${snapshots}. Snapshots lie in plain text on etcd hosts alone: run this on one that holds it.`,
  });
}

async function isFile(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** Throws SNAPSHOT_CARD_MISMATCH where a card lies beside it and names other bytes. */
async function requireAsItsCard(snapshot: string, facts: SnapshotFacts): Promise<void> {
  if (!snapshot.endsWith('.db')) return;
  const text = await readFile(snapshot.replace(/\.db$/u, '.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const said = parseCardFile(text).card.facts?.fileSha256;
  if (said === facts.fileSha256) return;
  throw new LockstepError('SNAPSHOT_CARD_MISMATCH', {
    message: `The card beside ${snapshot} names the digest ${said}; the bytes have ${facts.fileSha256}.`,
  });
}
