import { EvidenceArchive } from '@lockstep/shared/generated/lockstep/v1/evidence.ts';
import type { GatheredArchive } from '../render/evidence.ts';
import { gatheredPage } from '../render/evidence.ts';
import type { Layout } from '../render/layout.ts';

const HOSTILE = 'full\u001b[31m of \u202e\n';

function gathered(
  node: string,
  part: Partial<EvidenceArchive>,
  problems: readonly string[] = [],
): GatheredArchive {
  return {
    node,
    path: `incident-42/e-20261122-111500-7kq2ab-${node}.tar.zst`,
    archive: EvidenceArchive.fromPartial({
      gatherId: 'e-20261122-111500-7kq2ab',
      node,
      sha256: '5e'.repeat(32),
      sizeBytes: 18_203_114n,
      files: 214,
      plainSizeBytes: 201_003_114n,
      notTaken: 3,
      signer: `lockstep://prod/agent/${node}`,
      collectors: [
        { name: 'static-pods', outcome: 'done', files: 6, plainSizeBytes: 14_220n, notTaken: 0, reason: '' },
      ],
      ...part,
    }),
    problems,
  };
}

const WHOLE = [gathered('cp1', {}), gathered('cp2', { files: 9, sizeBytes: 4_410n, notTaken: 0 })];

const BROKEN = [
  gathered('cp1', {
    collectors: [
      {
        name: 'audit-logs',
        outcome: 'limited',
        reason: `its 512 MiB were ${HOSTILE}`,
        notTaken: 4,
        files: 0,
        plainSizeBytes: 0n,
      },
      {
        name: 'containers',
        outcome: 'failed',
        reason: 'the runtime did not answer within 10 s',
        files: 0,
        plainSizeBytes: 0n,
        notTaken: 0,
      },
    ],
  }),
  gathered('cp2', {}, [
    'EVIDENCE_DIGEST_MISMATCH: static-pods/etc/kubernetes/manifests/etcd.yaml is not the file that was gathered',
  ]),
];

const UNREACHABLE = {
  code: 'UNREACHABLE',
  node: 'cp3',
  message: '10.0.0.3:7443 is unreachable: connect ECONNREFUSED 10.0.0.3:7443',
  cure: 'Check the address and the network; ask for the state before repeating anything.',
  causes: ['connect ECONNREFUSED 10.0.0.3:7443'],
};

export const PAGES: Record<string, (layout: Layout) => readonly string[]> = {
  'evidence-gather': (layout) => gatheredPage(layout, WHOLE, []),
  'evidence-gather-broken': (layout) => gatheredPage(layout, BROKEN, [UNREACHABLE]),
};
