import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import {
  type CatalogueEntry,
  type Proof,
  ProofKind,
  ProofLevel,
} from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { isAboutStoredBytes } from '../../core/standing.ts';
import { fields, heading, type Layout, tone, wrap } from './layout.ts';
import { failure } from './refusals.ts';
import { type Column, table } from './table.ts';
import { age, duration, instant } from './units.ts';

/** One snapshot with all that is known of its proofs, oldest first. */
export interface DrilledSnapshot {
  readonly id: string;
  readonly takenAt: string;
  readonly proofs: readonly Proof[];
  readonly last: Proof | undefined;
}

export function drilledSnapshots(entries: readonly CatalogueEntry[]): DrilledSnapshot[] {
  return entries.flatMap(({ card, marks }) => {
    if (card === undefined) return [];
    const proofs = (marks?.proofs ?? []).toSorted((a, b) => (a.at < b.at ? -1 : 1));
    return [{ id: card.id, takenAt: card.takenAt, proofs, last: proofs.at(-1) }];
  });
}

export function drillList(
  layout: Layout,
  snapshots: readonly DrilledSnapshot[],
  failures: readonly Failure[],
  nowMs: number,
): string[] {
  const columns: Column<DrilledSnapshot>[] = [
    { title: 'SNAPSHOT', value: ({ id }) => id },
    { title: 'AGE', value: ({ takenAt }) => age(Date.parse(takenAt), nowMs), align: 'right' },
    {
      title: 'PROVEN',
      value: ({ last }) => (last === undefined ? 'never' : `${age(Date.parse(last.at), nowMs)} ago`),
      align: 'right',
    },
    { title: 'HOW', value: ({ last }) => (last === undefined ? '-' : levelWord(last)) },
    { title: 'ON', value: ({ last }) => last?.place ?? '-' },
    { title: 'RESTORE', value: ({ proofs }) => restoreWord(proofs), align: 'right' },
    {
      title: 'DRILLS',
      value: ({ proofs }) => String(drillsIn(proofs).length),
      align: 'right',
      wide: true,
      dropAt: 2,
    },
    {
      title: 'ETCD',
      value: ({ proofs }) => drillsIn(proofs).at(-1)?.etcdVersion || '-',
      wide: true,
      dropAt: 1,
    },
  ];
  const list =
    snapshots.length === 0
      ? wrap(layout, 'There are no snapshots. Take one with: lockstep snapshot save')
      : table(layout, columns, snapshots);
  const bad = snapshots.filter(({ last }) => last?.failure !== undefined);
  return [
    ...list,
    ...bad.flatMap(({ id, last }) => [
      '',
      ...wrap(layout, `${id} is BAD, as was found on ${last?.place ?? ''}:`, 2, 0).map((line) =>
        tone(layout, 'red', line),
      ),
      ...(last?.failure === undefined ? [] : failure(layout, last.failure, layout.wide)),
    ]),
    ...failures.flatMap((one) => ['', ...failure(layout, one, layout.wide)]),
  ];
}

export function drillProof(layout: Layout, id: string, proof: Proof): string[] {
  const good = proof.failure === undefined;
  return [
    heading(layout, good ? 'The snapshot is proven' : badWord(proof)),
    ...fields(layout, [
      ['Snapshot', id],
      ['On', `${proof.place}, ${instant(proof.at)}`],
      ['How', levelWord(proof)],
      ['Restore', proof.restoreMs === 0n ? '' : `took ${duration(Number(proof.restoreMs))}`],
      ['Drill', `took ${duration(Number(proof.tookMs))}`],
      ['etcd', proof.etcdVersion],
      ['HashKV', proof.hashKv === 0 ? '' : `${proof.hashKv} at revision ${proof.hashKvRevision}`],
      ['Note', proof.note],
    ]),
    ...(proof.failure === undefined ? [] : ['', ...failure(layout, proof.failure, layout.wide)]),
  ];
}

/** Another copy of it may be as good as ever. */
function badWord(proof: Proof): string {
  return isAboutStoredBytes(proof) ? `The copy in ${proof.place} is BAD` : 'The snapshot is BAD';
}

const LEVELS: Readonly<Partial<Record<ProofLevel, string>>> = {
  [ProofLevel.PROOF_LEVEL_BYTES]: 'bytes read',
  [ProofLevel.PROOF_LEVEL_READ]: 'read',
  [ProofLevel.PROOF_LEVEL_RESTORED]: 'restored and read',
  [ProofLevel.PROOF_LEVEL_SERVED]: 'restored and served',
};

/** For programs: kind and level as words that stay. */
export function proofView({ kind, level, ...proof }: Proof): Record<string, unknown> {
  return {
    kind: kind === ProofKind.PROOF_KIND_DRILL ? 'drill' : 'verify',
    level: (['', 'bytes', 'read', 'restored', 'served'] as const)[level] ?? '',
    ...proof,
  };
}

/** How far it was good, and whether that was all. */
export function levelWord({ level, failure: found }: Proof): string {
  const reached = LEVELS[level];
  if (found === undefined) return reached ?? 'proven';
  return reached === undefined ? `BAD: ${found.code}` : `BAD after ${reached}: ${found.code}`;
}

function drillsIn(proofs: readonly Proof[]): Proof[] {
  return proofs.filter(({ kind }) => kind === ProofKind.PROOF_KIND_DRILL);
}

/** What it took the last time; a drill restores at idle priority, so a restore takes no longer. */
function restoreWord(proofs: readonly Proof[]): string {
  const last = drillsIn(proofs).findLast(({ restoreMs }) => restoreMs > 0n);
  return last === undefined ? '-' : duration(Number(last.restoreMs));
}
