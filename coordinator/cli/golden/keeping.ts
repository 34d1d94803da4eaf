import { LockstepError, refusal, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import {
  OperatorServiceDeleteSnapshotResponse,
  PruneDecision,
  ScheduleStatus,
} from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { CatalogueEntry, ProofKind } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { CARD, OLDER, SNAPSHOT_ID, STORED } from './fixtures.ts';

const ADA = 'lockstep://prod/operator/ada';
const DAMAGED = toFailure(
  new LockstepError('SNAPSHOT_CORRUPT', { message: 'Page 7 is no page.', node: 'cp3' }),
);

export const PINNED = CatalogueEntry.fromPartial({
  card: CARD,
  held: STORED,
  copies: [{ snapshotId: SNAPSHOT_ID, store: 'bucket', sizeBytes: 5_400_000n }],
  marks: {
    pins: [
      { by: ADA, reason: 'the breach of Sunday', at: '2026-11-22T03:00:00.000Z', evidence: true },
      {
        by: ADA,
        reason: 'before the migration',
        at: '2026-11-21T03:00:00.000Z',
        removedAt: '2026-11-22T02:30:00.000Z',
      },
    ],
    proofs: [
      { kind: ProofKind.PROOF_KIND_VERIFY, place: 'cp2', at: '2026-11-22T02:10:00.000Z', tookMs: 640n },
      {
        kind: ProofKind.PROOF_KIND_DRILL,
        place: 'cp3',
        at: '2026-11-22T02:20:00.000Z',
        tookMs: 9_400n,
        restoreMs: 4_100n,
      },
    ],
  },
  standing: 'good',
});

export const ENTRIES = [
  PINNED,
  CatalogueEntry.fromPartial({
    card: OLDER.card ?? CARD,
    distrust: OLDER.trust?.distrust ?? [],
    held: [OLDER],
    standing: 'bad',
    standingReason: 'CARD_UNSEALED: s-20261121-020500-0zd41c is sealed by lockstep://prod/agent/cp2 alone',
  }),
  CatalogueEntry.fromPartial({
    card: { ...CARD, id: 's-20261120-020500-x1k7p0', takenAt: '2026-11-20T02:05:00Z' },
    held: STORED,
    marks: {
      proofs: [
        { kind: ProofKind.PROOF_KIND_VERIFY, place: 'cp3', at: '2026-11-22T01:10:00.000Z', failure: DAMAGED },
      ],
    },
    standing: 'unknown',
    standingReason: 'verify on cp3 at 2026-11-22T01:10:00.000Z: SNAPSHOT_CORRUPT',
  }),
];

export const DECISIONS = [
  {
    snapshotId: SNAPSHOT_ID,
    keptFor: ['last good', `evidence, by ${ADA}: the breach of Sunday`, 'daily 1 of 7'],
  },
  { snapshotId: 's-20261121-020500-0zd41c', keptFor: ['daily 2 of 7'] },
  { snapshotId: 's-20261120-020500-x1k7p0', deletedFor: 'past every period, or not the newest of one' },
].map((each) => PruneDecision.fromPartial(each));

export const RETENTION = 'last 3, daily 7, weekly 5; none younger than 60 min (Europe/Berlin)';

export const SCHEDULES = [
  {
    name: 'nightly',
    action: 'save',
    cron: '5 2 * * *',
    timeZone: 'Europe/Berlin',
    nextAt: '2026-11-23T01:05:00.000Z',
    lastAt: '2026-11-22T01:05:00.000Z',
    lastOutcome: 'done',
    lastSnapshotId: SNAPSHOT_ID,
  },
  {
    name: 'weekly-drill',
    action: 'drill',
    cron: '0 2 * * 0',
    timeZone: 'UTC',
    nextAt: '2026-11-22T02:00:00.000Z',
    lastAt: '2026-11-15T02:00:00.000Z',
    lastOutcome: 'DISK_FULL',
    lastMessage: 'cp3: No space left for /var/lib/lockstep/drills.',
    late: true,
  },
].map((each) => ScheduleStatus.fromPartial(each));

export const REFUSED_DELETION = OperatorServiceDeleteSnapshotResponse.fromPartial({
  refusals: [refusal('SNAPSHOT_EVIDENCE', `${SNAPSHOT_ID} is pinned by ${ADA}: the breach of Sunday`)],
  purgeId: 'p-20261122-114530-k3q9zt',
  purgeExpiresMs: BigInt(Date.parse('2026-11-22T12:00:30Z')),
});
