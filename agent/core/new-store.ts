import type { RevisionBump } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { SnapshotFacts } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';

export interface NewStoreExpectation {
  /** "cp1=https://10.0.0.1:2380,cp2=…" */
  readonly initialCluster: string;
  readonly bump: RevisionBump | undefined;
  readonly alarmsToDisarm: readonly string[];
}

/**
 * In what NEW, read at rest, differs from what it must be: the snapshot's content, the planned
 * members and no others, no alarm that the gate does not disarm, and exactly the bump above. `built`
 * was read with its content digest up to the snapshot's revision.
 */
export function newStoreDifferences(
  snapshot: SnapshotFacts,
  built: SnapshotFacts,
  expected: NewStoreExpectation,
): string[] {
  const differences: string[] = [];
  const compare = (what: string, found: unknown, wanted: unknown): void => {
    if (found !== wanted) differences.push(`${what} is ${String(found)}, not ${String(wanted)}`);
  };
  compare('content digest', built.contentSha256, snapshot.contentSha256);
  compare('revision', built.status?.revision, expected.bump?.toRevision ?? snapshot.status?.revision);
  compare('number of rows above the content', built.rowsAboveContent, expected.bump === undefined ? 0n : 1n);
  if (expected.bump !== undefined && !built.onlyBumpRowAboveContent) {
    differences.push('what lies above the content is not the row of a bump');
  }
  compare(
    'members',
    memberText(built.members.flatMap((member) => member.peerUrls.map((url) => `${member.name}=${url}`))),
    memberText(expected.initialCluster.split(',')),
  );
  for (const member of built.members) {
    if (member.learner) differences.push(`member ${member.name} is a learner`);
  }
  for (const alarm of built.alarms) {
    if (!expected.alarmsToDisarm.includes(alarm)) differences.push(`it carries the alarm ${alarm}`);
  }
  compare('etcd auth', built.authEnabled, false);
  return differences;
}

function memberText(pairs: readonly string[]): string {
  return pairs
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '')
    .sort()
    .join(',');
}
