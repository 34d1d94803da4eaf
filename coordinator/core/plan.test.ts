import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import { EncryptionVerdict_Verdict as Verdict } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { describe, expect, it } from 'vitest';
import { apiOf, at, etcdOf, MEMBERS, nodesWithVerdict, planned, type Scene } from './testing/plan-scene.ts';

describe('a plan', () => {
  it('of a healthy cluster has no objection and leaves nothing open', () => {
    const { plan, refusals, warnings } = planned();
    expect([refusals, warnings]).toStrictEqual([[], []]);
    expect(plan.nodes.map((node) => [node.node, node.order])).toStrictEqual([
      ['cp2', 0],
      ['cp3', 1],
      ['cp1', 2],
    ]);
    expect(new Set(plan.nodes.map((node) => node.etcd?.initialCluster))).toStrictEqual(
      new Set(['cp1=https://10.0.0.1:2380,cp2=https://10.0.0.2:2380,cp3=https://10.0.0.3:2380']),
    );
    expect(plan.bump).toStrictEqual({ by: 1_000_003_800n, toRevision: 1_000_005_000n });
    expect(plan.expiresMs - plan.createdMs).toBe(900_000n);
    expect(plan.baseline).toMatchObject({ serving: true, etcdClusterId: 'old', revision: 5000n });
    expect(plan.sources).toStrictEqual([{ node: 'cp2', address: '10.0.0.2:7443' }]);
    // Its bytes are what agents keep: it survives being written and read.
    expect(RestorePlan.decode(RestorePlan.encode(plan).finish())).toStrictEqual(plan);
  });

  it('takes the peer URL from the membership, not from a manifest that grew old', () => {
    const { plan } = planned((scene) => {
      etcdOf(scene, 0).initialAdvertisePeerUrls = ['https://192.168.0.9:2380'];
    });
    expect(plan.nodes[0]?.etcd?.initialCluster).toContain('cp1=https://10.0.0.1:2380');
  });

  it('bumps above what a member that does not answer may hold only in its raft log', () => {
    const { plan } = planned((scene) => {
      etcdOf(scene, 2).serving = false;
      etcdOf(scene, 2).revision = 1_000_004_000n;
    });
    expect(plan.bump?.toRevision).toBe(1_000_004_000n + 9000n + 1_000_000_000n);
  });

  it('of a store that has lost its quorum says that OLD did not serve', () => {
    const { plan, refusals } = planned((scene) => {
      for (const n of [0, 1]) {
        etcdOf(scene, n).serving = false;
        at(scene, n).failures = [
          { code: 'ETCD_UNREACHABLE', node: `cp${n + 1}`, message: 'no answer', cure: '', causes: [] },
        ];
      }
    });
    expect(refusals).toStrictEqual([]);
    expect(plan.baseline?.serving).toBe(false);
  });

  it('starts members in turn where one of them checks its peers', () => {
    const { plan } = planned((scene) => {
      etcdOf(scene, 1).initialCorruptCheck = true;
    });
    expect(plan.startMembersInTurn).toBe(true);
  });

  it('disarms a NOSPACE alarm that the quota does not bring back', () => {
    expect(planned((scene) => scene.facts.alarms.push('NOSPACE')).plan.alarmsToDisarm).toStrictEqual([
      'NOSPACE',
    ]);
  });
});

const disk = (scene: Scene, freeBytes: bigint): void => {
  for (const each of at(scene, 1).disks) each.freeBytes = freeBytes;
};

describe('refuses', () => {
  const cases: [code: string, node: string, change: (scene: Scene) => unknown][] = [
    [
      'SNAPSHOT_NOT_FOUND',
      '',
      (s) => (s.input = { snapshot: { id: 's', card: s.card, sealed: undefined, distrust: [], copies: [] } }),
    ],
    [
      'SNAPSHOT_TRUNCATED',
      'cp2',
      (s) => {
        const refusals = [refusal('SNAPSHOT_TRUNCATED', 'short', 'cp2')];
        s.input = {
          snapshot: {
            id: 's-1',
            card: s.card,
            sealed: undefined,
            distrust: [],
            copies: [{ node: 'cp2', address: '', facts: undefined, refusals }],
          },
        };
      },
    ],
    ['SNAPSHOT_CARD_MISMATCH', '', (s) => (s.facts.fileSha256 = 'another')],
    ['SNAPSHOT_TRAILER_MISSING', '', (s) => (s.facts.trailerPresent = false)],
    ['SNAPSHOT_TRAILER_MISMATCH', '', (s) => (s.facts.trailerValid = false)],
    ['SNAPSHOT_EMPTY', '', (s) => (s.facts.objects = [])],
    ['SNAPSHOT_NEWER_ETCD', 'cp1', (s) => (s.card.etcdVersion = '3.6.1')],
    ['SNAPSHOT_NEWER_KUBERNETES', 'cp1', (s) => (s.facts.kubernetesVersion = 'v1.35.0')],
    ['ETCD_PREFIX_MISMATCH', 'cp1', (s) => (s.facts.registryPrefix = '/other')],
    ['CLUSTER_MISMATCH', 'cp3', (s) => (at(s, 2).cluster = 'elsewhere')],
    ['CLUSTER_MISMATCH', '', (s) => (s.card.cluster = 'elsewhere')],
    ['OPERATION_IN_PROGRESS', 'cp1', (s) => (at(s, 0).openOperationId = 'r-0')],
    [
      'NODE_INSPECTION_FAILED',
      'cp1',
      (s) => at(s, 0).failures.push({ code: 'SYNC_FAILED', node: '', message: 'x', cure: '', causes: [] }),
    ],
    ['HOSTING_UNSUPPORTED', 'cp1', (s) => (at(s, 0).hosting = 'systemd')],
    ['HOSTING_UNSUPPORTED', 'cp1', (s) => (at(s, 0).apiServer = undefined)],
    ['FORCE_NEW_CLUSTER', 'cp2', (s) => (etcdOf(s, 1).forceNewCluster = true)],
    ['WAL_DIR_UNSUPPORTED', 'cp2', (s) => (etcdOf(s, 1).walDir = '/wal')],
    ['MEMBER_NOT_PLANNED', '', (s) => s.reports.splice(2, 1)],
    [
      'MEMBER_LEARNER',
      '',
      (s) => {
        for (const n of [0, 1, 2]) {
          etcdOf(s, n).members = MEMBERS.map((each) => ({ ...each, learner: each.name === 'cp3' }));
        }
      },
    ],
    ['MEMBERS_DISAGREE', 'cp3', (s) => (etcdOf(s, 2).members = MEMBERS.slice(0, 2))],
    ['CLIENT_NOT_PLANNED', 'cp1', (s) => etcdOf(s, 0).apiServerAddresses.push('10.0.0.9')],
    ['CLIENT_NOT_PLANNED', 'cp2', (s) => at(s, 1).etcdClients.push('10.0.0.7:51234')],
    ['CLIENT_NOT_PLANNED', 'cp2', (s) => apiOf(s, 1).etcdServersOverrides.push('/events#https://e:2379')],
    [
      'MANIFEST_UNPARSABLE',
      'cp1',
      (s) => at(s, 0).manifests.push({ ...at(s, 0).manifests[0], component: '', parsable: false } as never),
    ],
    [
      'MANIFEST_SECOND_ETCD',
      'cp1',
      (s) =>
        at(s, 0).manifests.push({
          ...at(s, 0).manifests[0],
          fileName: 'etcd.yaml.bak',
          component: '',
        } as never),
    ],
    ['MANIFEST_MISSING', 'cp1', (s) => at(s, 0).manifests.pop()],
    ['TOOL_MISSING', 'cp2', (s) => (at(s, 1).tools = [])],
    [
      'TOOL_MISMATCH',
      'cp2',
      (s) => (at(s, 1).tools = [{ ...at(s, 1).tools[0], version: '3.4.40' } as never]),
    ],
    ['CLUSTER_CA_MISMATCH', 'cp1', (s) => (apiOf(s, 0).clusterCaSha256 = 'other')],
    ['SERVICE_ACCOUNT_KEY_MISMATCH', 'cp1', (s) => (apiOf(s, 0).serviceAccountKeySha256 = ['other'])],
    ['SERVICE_ACCOUNT_KEY_MISMATCH', 'cp3', (s) => apiOf(s, 2).serviceAccountKeySha256.push('more')],
    ['AUTH_ENABLED', '', (s) => (s.facts.authEnabled = true)],
    ['AUTH_ENABLED', 'cp1', (s) => (etcdOf(s, 0).authEnabled = true)],
    ['ALARM_CORRUPT', '', (s) => s.facts.alarms.push('CORRUPT')],
    ['QUOTA_EXCEEDED', 'cp1', (s) => (etcdOf(s, 0).quotaBytes = 1_000_000n)],
    ['SPACE_TOO_LITTLE', 'cp2', (s) => disk(s, 100_000_000n)],
    [
      'KUBELET_THRESHOLD',
      'cp2',
      (s) => {
        const { kubelet } = at(s, 1);
        if (kubelet !== undefined) kubelet.evictionNodefsAvailable = '50%';
      },
    ],
    ['CLOCK_SKEW', 'cp2', (s) => (at(s, 1).clockMs += 10_001n)],
    ['WEBHOOK_ORPHANED', '', (s) => s.facts.orphanWebhooks.push('guard')],
    [
      'ENCRYPTION_KEY_WRONG',
      'cp1',
      (s) => {
        s.facts.encryption = [
          { provider: 'aescbc', keyName: 'k', count: 2n, sampleKey: '/x', sampleValue: Buffer.alloc(0) },
        ];
        s.input = { nodes: nodesWithVerdict(s, Verdict.VERDICT_WRONG_KEY) };
      },
    ],
    [
      'ENCRYPTION_UNPROVEN',
      'cp1',
      (s) => {
        s.facts.encryption = [
          { provider: 'kms', keyName: 'k', count: 2n, sampleKey: '/x', sampleValue: Buffer.alloc(0) },
        ];
        s.input = { nodes: nodesWithVerdict(s, Verdict.VERDICT_CANNOT_TELL) };
      },
    ],
  ];

  it.each(cases)('%s %s', (code, node, change) => {
    const { refusals } = planned(change);
    const found = refusals.filter((each) => each.code === code && each.node === node);
    expect(refusals.map((each) => `${each.code} ${each.node}`)).toContain(`${code} ${node}`);
    expect(found[0]?.cure).not.toBe('');
  });

  it('a node that does not answer', () => {
    const { refusals } = planned((scene) => {
      scene.input = {
        nodes: [
          ...nodesWithVerdict(scene, Verdict.VERDICT_OPENED).slice(0, 2),
          {
            node: 'cp3',
            address: '10.0.0.3:7443',
            report: undefined,
            failure: undefined,
            askedMs: 0,
            encryption: [],
          },
        ],
      };
    });
    expect(refusals.map((each) => each.code)).toContain('NODE_MISSING');
  });

  it('3.4 and 3.5 of before the bump, unless a reason is given, and then bumps nothing', () => {
    const old = (scene: Scene): void => {
      for (const each of scene.reports) {
        each.tools = [{ ...each.tools[0], version: '3.5.9' } as never];
      }
    };
    expect(planned(old).refusals.map((each) => each.code)).toStrictEqual(Array(3).fill('BUMP_UNAVAILABLE'));
    const { plan, refusals, warnings } = planned((scene) => {
      old(scene);
      scene.input = { overrides: [{ code: 'BUMP_UNAVAILABLE', reason: 'clients will be restarted' }] };
    });
    expect(refusals).toStrictEqual([]);
    expect(plan.bump).toBeUndefined();
    expect(plan.overrides).toHaveLength(1);
    expect(warnings.map((each) => each.code)).toStrictEqual(Array(3).fill('BUMP_UNAVAILABLE'));
  });

  it('what nothing overrides, whatever reason is given', () => {
    const { refusals, plan } = planned((scene) => {
      scene.facts.alarms.push('CORRUPT');
      scene.input = { overrides: [{ code: 'ALARM_CORRUPT', reason: 'please' }] };
    });
    expect(refusals.map((each) => each.code)).toStrictEqual(['ALARM_CORRUPT']);
    expect(plan.overrides).toStrictEqual([]);
  });

  it('nothing for a VIP or a proxy beside the control plane', () => {
    const { refusals } = planned((scene) =>
      at(scene, 0).manifests.push({
        ...at(scene, 0).manifests[1],
        fileName: 'kube-vip.yaml',
        component: '',
        pod: 'kube-system/kube-vip',
      } as never),
    );
    expect(refusals).toStrictEqual([]);
  });
});
