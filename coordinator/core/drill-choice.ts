import type { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import {
  type CatalogueEntry,
  Encoding,
  type StoredSnapshot,
} from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { isAboutStoredBytes, lastProof } from './standing.ts';

/**
 * Of what nodes hold, the id of the newest that nobody's last proof says is bad; the newest at all
 * where all are. Undefined where there is none.
 */
export function newestWorthDrilling(snapshots: readonly StoredSnapshot[]): string | undefined {
  const cards = snapshots.flatMap(({ card }) => (card === undefined ? [] : [card]));
  const newest = [...new Map(cards.map((card) => [card.id, card])).values()].sort((a, b) =>
    a.takenAt < b.takenAt ? 1 : a.takenAt > b.takenAt ? -1 : 0,
  );
  const isBad = (id: string): boolean => {
    const proofs = snapshots.flatMap(({ card, marks }) => (card?.id === id ? (marks?.proofs ?? []) : []));
    return lastProof(proofs.filter((proof) => !isAboutStoredBytes(proof)))?.failure !== undefined;
  };
  return (newest.find(({ id }) => !isBad(id)) ?? newest[0])?.id;
}

/**
 * What a schedule drills, of entries that come newest first: the newest that is not known to be
 * bad and that can be had unattended. One that lies in stores alone, encrypted, takes its key.
 */
export function newestToDrill(entries: readonly CatalogueEntry[]): string | undefined {
  return entries.find(
    ({ standing, held, copies }) =>
      standing !== 'bad' &&
      (held.length > 0 || copies.some(({ encoding }) => encoding === Encoding.ENCODING_ZSTD)),
  )?.card?.id;
}

export interface DrillNode {
  readonly node: string;
  readonly report: NodeReport | undefined;
}

/**
 * Nodes in the order in which they are asked to drill: those without a member first, learners and
 * followers before the leader. Who does not answer, or is in an operation, is not asked.
 */
export function drillOrder<Node extends DrillNode>(nodes: readonly Node[]): Node[] {
  return nodes
    .filter(({ report }) => report !== undefined && report.openOperationId === '')
    .sort((a, b) => burden(a) - burden(b) || (a.node < b.node ? -1 : 1));
}

function burden({ report }: DrillNode): number {
  if (report?.etcd === undefined) return 0;
  return report.etcd.leader ? 2 : 1;
}
