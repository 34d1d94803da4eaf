import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { SnapshotVerdict } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { judgeSeals, type Trust } from '@lockstep/shared/seal/judge.ts';
import type { InspectedCopy, InspectedSnapshot } from '../core/plan-input.ts';
import type { Holding } from './snapshots.ts';

/**
 * A snapshot as those who hold it have it: its card is the first that is trusted, else the first;
 * a copy of other bytes than that card's is no copy, nor is one whose seals do not fit its card
 * where another's do.
 */
export function inspectedSnapshot(
  id: string,
  holders: readonly Holding[],
  verdicts: readonly SnapshotVerdict[],
  trust: Trust,
): InspectedSnapshot {
  const judged = holders
    .filter(({ snapshot }) => snapshot.card !== undefined)
    .map((holding) => ({ ...holding, distrust: judgeSeals(holding.snapshot.sealed, trust) }));
  const chosen = judged.find(({ distrust }) => distrust.length === 0) ?? judged[0];
  const wanted = chosen?.snapshot.card?.facts?.fileSha256;
  const copies = verdicts.map(({ node, facts, refusals }): InspectedCopy => {
    const holding = judged.find(({ client }) => client.node === node);
    const objections: Refusal[] = [...refusals];
    if (facts !== undefined && wanted !== undefined && facts.fileSha256 !== wanted) {
      const words = `${node} holds bytes of digest ${facts.fileSha256}; the card says ${wanted}`;
      objections.push(refusal('SNAPSHOT_CARD_MISMATCH', words, node));
    }
    if (chosen?.distrust.length === 0) {
      // Not sealed is no more than that: its bytes are held against the card that is.
      const forged = (holding?.distrust ?? []).filter(({ code }) => code !== 'CARD_UNSEALED');
      objections.push(...forged.map((each) => ({ ...each, node })));
    }
    return { node, address: holding?.client.address ?? '', facts, refusals: objections };
  });
  return {
    id,
    card: chosen?.snapshot.card,
    sealed: chosen?.snapshot.sealed,
    distrust: chosen?.distrust ?? [],
    proofs: judged.flatMap(({ snapshot }) => snapshot.marks?.proofs ?? []),
    copies,
  };
}

/** What each holder's own card is worth, beside what its bytes are. */
export function withDistrust(
  verdicts: readonly SnapshotVerdict[],
  holders: readonly Holding[],
  trust: Trust,
): SnapshotVerdict[] {
  return verdicts.map((verdict) => {
    const held = holders.find(({ client }) => client.node === verdict.node)?.snapshot;
    const distrust = judgeSeals(held?.sealed, trust).map((each) => ({ ...each, node: verdict.node }));
    return { ...verdict, refusals: [...verdict.refusals, ...distrust] };
  });
}
