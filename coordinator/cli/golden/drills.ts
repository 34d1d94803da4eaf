import {
  CatalogueEntry,
  Proof,
  ProofKind,
  ProofLevel,
} from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';

export const GOOD_ID = 's-20261122-020000-7kq2ab';
export const BAD_ID = 's-20261121-020000-x4mz1c';

export const GOOD: Proof = Proof.fromPartial({
  kind: ProofKind.PROOF_KIND_DRILL,
  place: 'cp3',
  at: '2026-11-22T03:00:00.000Z',
  tookMs: 41_200n,
  restoreMs: 7_100n,
  level: ProofLevel.PROOF_LEVEL_SERVED,
  etcdVersion: '3.5.16',
  hashKv: 433_783_452,
  hashKvRevision: 184_223n,
});

export const BAD: Proof = Proof.fromPartial({
  kind: ProofKind.PROOF_KIND_DRILL,
  place: 'cp2',
  at: '2026-11-22T03:10:00.000Z',
  tookMs: 2_300n,
  level: ProofLevel.PROOF_LEVEL_UNSPECIFIED,
  failure: {
    code: 'SNAPSHOT_CARD_MISMATCH',
    node: 'cp2',
    message: `Snapshot ${BAD_ID} on cp2: the card says file digest 9f0c, the bytes say 41aa.`,
    cure: 'Use a copy whose bytes agree with the card, or choose another snapshot.',
  },
});

const RESTORED: Proof = Proof.fromPartial({
  kind: ProofKind.PROOF_KIND_DRILL,
  place: 'cp1',
  at: '2026-11-20T03:00:00.000Z',
  tookMs: 12_000n,
  restoreMs: 6_800n,
  level: ProofLevel.PROOF_LEVEL_RESTORED,
  note: 'no etcd of 3.5 was found on cp1, so none was started',
});

export const ENTRIES: CatalogueEntry[] = [
  { id: GOOD_ID, takenAt: '2026-11-22T02:00:00.000Z', proofs: [GOOD] },
  { id: BAD_ID, takenAt: '2026-11-21T02:00:00.000Z', proofs: [BAD] },
  { id: 's-20261120-020000-p0q9rs', takenAt: '2026-11-20T02:00:00.000Z', proofs: [RESTORED] },
  { id: 's-20261119-020000-t7u8vw', takenAt: '2026-11-19T02:00:00.000Z', proofs: [] },
].map(({ id, takenAt, proofs }) =>
  CatalogueEntry.fromPartial({ card: { id, takenAt }, marks: { snapshotId: id, proofs } }),
);
