import { EncryptionVerdict_Verdict as Verdict } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Proof, ProofKind } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { describe, expect, it } from 'vitest';
import { parseVersion } from '../etcd-version.ts';
import type { InspectedNode } from '../inspected-node.ts';
import { apiOf, at, etcdOf, MEMBERS, nodesWithVerdict, planned, type Scene } from '../testing/plan-scene.ts';
import { thresholdBytes } from './space.ts';

/** Everything that is objected to, and nothing else: "CODE" or "CODE node". */
function objections(change: (scene: Scene) => unknown): string[] {
  return planned(change).refusals.map(({ code, node }) => `${code} ${node}`.trim());
}

const failed = (code: string) => ({ code, node: '', message: 'x', cure: '', causes: [] });

describe('inspection', () => {
  it.each<[string, (scene: Scene) => unknown, string[]]>([
    ['a node that is another one', (s) => (s.input = { nodes: renamed(s) }), ['CLUSTER_MISMATCH cp9']],
    [
      'of a node of another cluster says that alone',
      (s) => Object.assign(at(s, 2), { cluster: 'x', openOperationId: 'r-0', setAsideOperationId: 'r-1' }),
      ['CLUSTER_MISMATCH cp3', 'MEMBER_NOT_PLANNED', 'CLIENT_NOT_PLANNED cp2'],
    ],
    [
      'of a node with an open operation says that alone',
      (s) => Object.assign(at(s, 2), { openOperationId: 'r-0', failures: [failed('SYNC_FAILED')] }),
      ['OPERATION_IN_PROGRESS cp3'],
    ],
    [
      'of a node that was set aside says so',
      (s) => (at(s, 2).setAsideOperationId = 'r-0'),
      ['NODE_SET_ASIDE cp3', 'MEMBER_NOT_PLANNED', 'CLIENT_NOT_PLANNED cp2'],
    ],
    ['minds no API server that is not ready', (s) => at(s, 0).failures.push(failed('API_NOT_READY')), []],
    ['minds no etcd that does not answer', (s) => at(s, 0).failures.push(failed('ETCD_UNREACHABLE')), []],
    [
      'hands on an agent’s refusal under its own code',
      (s) => at(s, 0).failures.push(failed('MANIFEST_UNPARSABLE')),
      ['MANIFEST_UNPARSABLE cp1'],
    ],
    [
      'hands on what it has no code for',
      (s) => at(s, 0).failures.push(failed('OF_TOMORROW')),
      ['NODE_INSPECTION_FAILED cp1'],
    ],
  ])('%s', (_what, change, expected) => {
    expect(objections(change)).toEqual(expected);
  });
});

function renamed(scene: Scene): InspectedNode[] {
  return nodesWithVerdict(scene, Verdict.VERDICT_OPENED).map((each) =>
    each.node === 'cp3' ? { ...each, node: 'cp9' } : each,
  );
}

describe('hosting', () => {
  it('needs a member at all', () => {
    expect(
      objections((scene) => scene.reports.forEach((each) => Object.assign(each, { etcd: undefined }))),
    ).toContain('NODE_MISSING');
  });

  it('lets a node be that runs neither', () => {
    const change = (s: Scene): unknown =>
      (s.input = {
        nodes: [
          ...nodesWithVerdict(s, Verdict.VERDICT_OPENED),
          ...nodesWithVerdict(s, Verdict.VERDICT_OPENED)
            .slice(0, 1)
            .map((each) => ({
              ...each,
              node: 'w1',
              report:
                each.report === undefined
                  ? undefined
                  : { ...each.report, node: 'w1', hosting: 'none', etcd: undefined, apiServer: undefined },
            })),
        ],
      });
    expect(objections(change)).toEqual([]);
  });
});

describe('members', () => {
  it.each<[string, (scene: Scene) => unknown, string[]]>([
    [
      'that nobody lists are unknown',
      (s) => s.reports.forEach((_, n) => (etcdOf(s, n).members = [])),
      ['NODE_INSPECTION_FAILED cp1', 'NODE_INSPECTION_FAILED cp2', 'NODE_INSPECTION_FAILED cp3'],
    ],
    ['that one node does not list are the others’', (s) => (etcdOf(s, 0).members = []), []],
    ['of two clusters disagree', (s) => (etcdOf(s, 1).clusterId = 'other'), ['MEMBERS_DISAGREE']],
    ['of which one does not know its cluster agree', (s) => (etcdOf(s, 1).clusterId = ''), []],
    ['that know no id are known by name', (s) => (etcdOf(s, 2).memberId = ''), []],
    [
      'that know no id and another name are strangers',
      (s) => Object.assign(etcdOf(s, 2), { memberId: '', name: 'cp9' }),
      ['MEMBER_NOT_PLANNED', 'MEMBERS_DISAGREE cp3'],
    ],
    [
      'whose id is not listed are none of it',
      (s) => (etcdOf(s, 2).memberId = 'm9'),
      ['MEMBER_NOT_PLANNED', 'MEMBERS_DISAGREE cp3'],
    ],
    [
      'that differ in a peer URL disagree',
      (s) =>
        (etcdOf(s, 2).members = MEMBERS.map((each) =>
          each.name === 'cp1' ? { ...each, peerUrls: ['https://10.0.0.8:2380'] } : each,
        )),
      ['MEMBERS_DISAGREE cp3'],
    ],
    ['listed in another order agree', (s) => (etcdOf(s, 2).members = MEMBERS.toReversed()), []],
  ])('%s', (_what, change, expected) => {
    expect(objections(change)).toEqual(expected);
  });

  it('without a name is called by its id', () => {
    const { refusals } = planned((s) => {
      const stranger = { ...MEMBERS[0], id: 'm4', name: '', peerUrls: ['https://10.0.0.4:2380'] };
      for (const n of [0, 1, 2]) etcdOf(s, n).members = [...MEMBERS, stranger as (typeof MEMBERS)[number]];
    });
    expect(refusals.map(({ message }) => message).join()).toContain('the member m4 ');
  });
});

describe('clients', () => {
  it('that show themselves from planned addresses are planned', () => {
    const change = (s: Scene): unknown => at(s, 0).etcdClients.push('10.0.0.2:40000', '[10.0.0.3]:40001');
    expect(objections(change)).toEqual([]);
  });

  it('are told once each, by the first member that sees them', () => {
    const change = (s: Scene): void => {
      at(s, 0).etcdClients.push('10.0.0.7:40000', '10.0.0.7:40001');
      at(s, 1).etcdClients.push('10.0.0.7:40002');
    };
    const { refusals } = planned(change);
    expect(refusals.map(({ node }) => node)).toEqual(['cp1']);
    expect(refusals[0]?.message).toContain('10.0.0.7:40000');
  });
});

describe('manifests', () => {
  const others = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
  it.each(['etcd', ...others])('of %s must be there', (component) => {
    const change = (s: Scene): unknown =>
      (at(s, 0).manifests = at(s, 0).manifests.filter((each) => each.component !== component));
    expect(objections(change)).toEqual(['MANIFEST_MISSING cp1']);
  });

  it.each(others)('of %s must be there once', (component) => {
    const change = (s: Scene): unknown => {
      const [one] = at(s, 0).manifests.filter((each) => each.component === component);
      return at(s, 0).manifests.push({ ...one, fileName: 'again.yaml' } as never);
    };
    expect(objections(change)).toEqual(['MANIFEST_UNPARSABLE cp1']);
  });

  it('of etcd may be known by what it runs or by its label, and must be one', () => {
    const labelled = (s: Scene): unknown =>
      at(s, 0).manifests.push({ ...at(s, 0).manifests[0], fileName: 'b.yaml', runsEtcd: false } as never);
    expect(objections(labelled)).toEqual(['MANIFEST_SECOND_ETCD cp1']);
    const running = (s: Scene): unknown =>
      at(s, 0).manifests.push({ ...at(s, 0).manifests[0], fileName: 'b.yaml', component: '' } as never);
    expect(objections(running)).toEqual(['MANIFEST_SECOND_ETCD cp1']);
  });
});

describe('a snapshot', () => {
  const asked = (s: Scene, card: Scene['card'] | undefined, copies: string[], refused = true): unknown =>
    (s.input = {
      snapshot: {
        id: 's-1',
        card,
        sealed: undefined,
        distrust: [],
        copies: copies.map((code) => ({
          node: 'cp2',
          address: '',
          facts: undefined,
          refusals: refused ? [{ ...failed(code), class: 0 } as never] : [],
        })),
      },
    });
  it.each<[string, (scene: Scene) => unknown, string[]]>([
    ['nobody has is not found, card or not', (s) => asked(s, undefined, []), ['SNAPSHOT_NOT_FOUND']],
    [
      'lies in a store alone is to be fetched first',
      (s) => {
        asked(s, undefined, []);
        s.input = { snapshot: { ...s.input.snapshot, inStores: ['offsite'] } as never };
      },
      ['SNAPSHOT_NOT_FETCHED'],
    ],
    [
      'without a card is refused for that, whatever its copies',
      (s) => asked(s, undefined, ['SNAPSHOT_TRUNCATED']),
      ['SNAPSHOT_CARD_MISSING'],
    ],
    [
      'whose digest differs is refused for that first',
      (s) => Object.assign(s.facts, { fileSha256: 'x', trailerPresent: false, trailerValid: false }),
      ['SNAPSHOT_CARD_MISMATCH'],
    ],
    [
      'without a trailer is not said to have a wrong one',
      (s) => Object.assign(s.facts, { trailerPresent: false, trailerValid: false }),
      ['SNAPSHOT_TRAILER_MISSING'],
    ],
    [
      'with a wrong trailer is not said to be of another cluster',
      (s) => {
        s.facts.trailerValid = false;
        s.card.cluster = 'x';
      },
      ['SNAPSHOT_TRAILER_MISMATCH'],
    ],
    ['whose card knows no cluster is of this one', (s) => (s.card.cluster = ''), []],
    [
      'whose card holds no facts is held against nothing',
      (s) => Object.assign(s.card, { facts: undefined }),
      [],
    ],
    ['under a prefix that nobody knows is not refused for it', (s) => (apiOf(s, 0).etcdPrefix = ''), []],
    ['whose own prefix nobody knows is not refused for it', (s) => (s.facts.registryPrefix = ''), []],
    ['under the same prefix, written otherwise, is right', (s) => (s.facts.registryPrefix = 'registry/'), []],
  ])('that %s', (_what, change, expected) => {
    expect(objections(change)).toEqual(expected);
  });
});

describe('encryption', () => {
  const use = (provider: string, keyName: string) => ({
    provider,
    keyName,
    count: 2n,
    sampleKey: '/x',
    sampleValue: Buffer.alloc(0),
  });
  const withVerdicts = (s: Scene, verdicts: [string, string, Verdict][]): unknown =>
    (s.input = {
      nodes: nodesWithVerdict(s, Verdict.VERDICT_OPENED).map((each) => ({
        ...each,
        encryption: verdicts.map(([provider, keyName, verdict]) => ({ provider, keyName, verdict })),
      })),
    });

  it('of nothing, or by nobody, needs no key', () => {
    expect(objections((s) => (s.facts.encryption = [use('identity', ''), use('', '')]))).toEqual([]);
  });

  it('is opened key by key of each provider', () => {
    const change = (s: Scene): unknown => {
      s.facts.encryption = [use('aescbc', 'a'), use('aescbc', 'b'), use('aesgcm', 'a')];
      return withVerdicts(s, [
        ['aescbc', 'a', Verdict.VERDICT_OPENED],
        ['aescbc', 'b', Verdict.VERDICT_NO_SUCH_KEY],
        ['aesgcm', 'a', Verdict.VERDICT_CANNOT_TELL],
      ]);
    };
    expect(objections(change)).toEqual(
      ['cp1', 'cp2', 'cp3'].flatMap((node) => [
        `ENCRYPTION_KEY_WRONG ${node}`,
        `ENCRYPTION_UNPROVEN ${node}`,
      ]),
    );
  });

  it('that a node did not try is not taken for opened', () => {
    const change = (s: Scene): unknown => {
      s.facts.encryption = [use('aescbc', 'a')];
      return withVerdicts(s, [['aesgcm', 'a', Verdict.VERDICT_OPENED]]);
    };
    expect(objections(change)).toContain('NODE_INSPECTION_FAILED cp1');
  });
});

describe('versions', () => {
  it.each<[string, (scene: Scene) => unknown, string[]]>([
    ['of etcd that nobody knows', (s) => (etcdOf(s, 0).version = '?'), ['NODE_INSPECTION_FAILED cp1']],
    [
      'of a snapshot that says none',
      (s) =>
        Object.assign(s, { card: { ...s.card, etcdVersion: '' }, facts: { ...s.facts, clusterVersion: '' } }),
      [],
    ],
    [
      'of a tool that says none',
      (s) => (at(s, 0).tools = [{ ...at(s, 0).tools[0], version: '?' } as never]),
      ['TOOL_MISMATCH cp1'],
    ],
    [
      'of a tool that says none, beside a member that says none',
      (s) => {
        etcdOf(s, 0).version = '?';
        at(s, 0).tools = [{ ...at(s, 0).tools[0], version: '?' } as never];
      },
      ['TOOL_MISMATCH cp1', 'NODE_INSPECTION_FAILED cp1'],
    ],
    [
      'of tools: the fitting one is taken, wherever it stands',
      (s) => (at(s, 0).tools = [{ ...at(s, 0).tools[0], version: '3.6.1' } as never, ...at(s, 0).tools]),
      [],
    ],
    [
      'of tools: etcdctl restores no 3.5',
      (s) => (at(s, 0).tools = [{ ...at(s, 0).tools[0], name: 'etcdctl' } as never]),
      ['TOOL_MISSING cp1'],
    ],
    [
      'of tools: etcdctl restores 3.4',
      (s) => {
        for (const n of [0, 1, 2]) {
          etcdOf(s, n).version = '3.4.30';
          at(s, n).tools = [{ ...at(s, n).tools[0], name: 'etcdctl', version: '3.4.30' } as never];
        }
        s.card.etcdVersion = '3.4.30';
        s.facts.clusterVersion = '3.4.0';
      },
      [],
    ],
  ])('%s', (_what, change, expected) => {
    expect(objections(change)).toEqual(expected);
  });

  it.each([
    ['3.4.26', false],
    ['3.4.27', true],
    ['3.5.9', false],
    ['3.5.10', true],
    ['3.6.0', true],
    ['3.3.99', false],
    ['2.9.9', false],
    ['4.0.0', true],
    ['4.4.0', true],
    ['2.6.0', false],
  ])('%s can bump: %s', (version, can) => {
    const change = (s: Scene): void => {
      for (const n of [0, 1, 2]) {
        etcdOf(s, n).version = version;
        const name = /^3\.[34]/.test(version) ? 'etcdctl' : 'etcdutl';
        at(s, n).tools = [{ ...at(s, n).tools[0], name, version } as never];
      }
      s.card.etcdVersion = '';
      s.facts.clusterVersion = '';
    };
    expect(objections(change)).toEqual(
      can
        ? []
        : Array(3)
            .fill(0)
            .map((_, n) => `BUMP_UNAVAILABLE cp${n + 1}`),
    );
    expect(planned(change).plan.bump !== undefined).toBe(can);
  });

  it('are read from more than numbers', () => {
    expect(parseVersion('v1.34.1')).toEqual({ major: 1, minor: 34, patch: 1 });
    expect(parseVersion('3.6')).toEqual({ major: 3, minor: 6, patch: 0 });
    expect(parseVersion('three')).toBeUndefined();
  });
});

describe('trust', () => {
  it.each<[string, (scene: Scene) => unknown, string[]]>([
    ['in a CA that the snapshot does not name', (s) => (s.facts.clusterCaSha256 = ''), []],
    [
      'in a CA that no node could read',
      (s) => {
        for (const n of [0, 1, 2]) apiOf(s, n).clusterCaSha256 = '';
      },
      [],
    ],
    [
      'in one CA, another than the snapshot’s',
      (s) => (s.facts.clusterCaSha256 = 'of then'),
      ['CLUSTER_CA_MISMATCH cp1', 'CLUSTER_CA_MISMATCH cp2', 'CLUSTER_CA_MISMATCH cp3'],
    ],
    [
      'in two CAs where the snapshot names none',
      (s) => {
        s.facts.clusterCaSha256 = '';
        apiOf(s, 1).clusterCaSha256 = 'other';
      },
      ['CLUSTER_CA_MISMATCH cp2'],
    ],
    [
      'in the card’s CA where the bytes name none',
      (s) => {
        s.facts.clusterCaSha256 = '';
        s.card.clusterCaSha256 = 'of then';
      },
      ['CLUSTER_CA_MISMATCH cp1', 'CLUSTER_CA_MISMATCH cp2', 'CLUSTER_CA_MISMATCH cp3'],
    ],
    [
      'in keys that grew on every node',
      (s) => {
        for (const n of [0, 1, 2]) apiOf(s, n).serviceAccountKeySha256 = ['sa', 'new'];
        apiOf(s, 1).serviceAccountKeySha256 = ['new', 'sa'];
      },
      [],
    ],
    [
      'in keys that one node lacks',
      (s) => (apiOf(s, 2).serviceAccountKeySha256 = []),
      ['SERVICE_ACCOUNT_KEY_MISMATCH cp3', 'SERVICE_ACCOUNT_KEY_MISMATCH cp3'],
    ],
    [
      'where the first node has no API server',
      (s) => {
        at(s, 0).apiServer = undefined;
        apiOf(s, 2).clusterCaSha256 = 'other';
      },
      ['HOSTING_UNSUPPORTED cp1', 'CLUSTER_CA_MISMATCH cp3', 'CLUSTER_CA_MISMATCH cp3'],
    ],
  ])('%s', (_what, change, expected) => {
    expect(objections(change)).toEqual(expected);
  });
});

describe('auth and alarms', () => {
  it.each<[string, (scene: Scene) => unknown, string[]]>([
    ['a store of just its quota', (s) => (etcdOf(s, 0).quotaBytes = 20_000_000n), ['QUOTA_EXCEEDED cp1']],
    ['a store just below its quota', (s) => (etcdOf(s, 0).quotaBytes = 20_000_001n), []],
    ['a NOSPACE that the quota does not bring back', (s) => s.facts.alarms.push('NOSPACE'), []],
  ])('%s', (_what, change, expected) => {
    expect(objections(change)).toEqual(expected);
  });
});

describe('space', () => {
  const GIB = 1024n ** 3n;
  /** What the disk of the scene must have free: both halves of the need lie on it. */
  const needed = planned().plan.nodes[0]?.neededBytes ?? 0n;
  const disks = (s: Scene, freeBytes: bigint, threshold = ''): void => {
    for (const each of at(s, 1).disks) each.freeBytes = freeBytes;
    const { kubelet } = at(s, 1);
    if (kubelet !== undefined) kubelet.evictionNodefsAvailable = threshold;
  };

  it.each<[string, (scene: Scene) => unknown, string[]]>([
    ['of just the need is enough', (s) => disks(s, needed), []],
    ['of a byte less is not', (s) => disks(s, needed - 1n), ['SPACE_TOO_LITTLE cp2']],
    ['of just what kubelet keeps is enough', (s) => disks(s, needed + GIB, '1Gi'), []],
    [
      'of a byte less is not, for kubelet',
      (s) => disks(s, needed + GIB - 1n, '1Gi'),
      ['KUBELET_THRESHOLD cp2'],
    ],
    ['is not kubelet’s where it keeps nothing', (s) => disks(s, needed, 'nonsense'), []],
    [
      'on a disk that a restore does not write to is nobody’s business',
      (s) =>
        at(s, 1).disks.push({ ...at(s, 1).disks[0], purpose: 'other', device: 9n, freeBytes: -1n } as never),
      [],
    ],
    [
      'is counted by disk',
      (s) => {
        // The data's half needs the log's preallocation, the state's half does not.
        disks(s, needed - 80_000_000n);
        Object.assign(at(s, 1).disks[1] ?? {}, { device: 2n });
      },
      [],
    ],
  ])('%s', (_what, change, expected) => {
    expect(objections(change)).toEqual(expected);
  });

  it.each([
    ['10%', 100n],
    ['12.5%', 125n],
    ['500', 500n],
    ['1k', 1000n],
    ['1Ki', 1024n],
    ['1.5Mi', 1_572_864n],
    [' 1G ', 1_000_000_000n],
    ['1Ti', 1_099_511_627_776n],
    ['', 0n],
    ['ten', 0n],
  ])('%j of a disk of 1000 bytes is %s', (text, bytes) => {
    expect(thresholdBytes(text, 1000n)).toBe(bytes);
  });
});

describe('clocks', () => {
  const skewed =
    (...offsets: bigint[]) =>
    (s: Scene): void => {
      for (const [n, offset] of offsets.entries()) at(s, n).clockMs += offset;
    };
  it.each<[string, bigint[], string[]]>([
    ['ten seconds apart are in time', [0n, 10_000n, 5_000n], []],
    ['a fast one is off', [0n, 10_001n, 0n], ['CLOCK_SKEW cp2']],
    ['a slow one is off', [0n, -10_001n, 0n], ['CLOCK_SKEW cp2']],
    ['spread evenly: the slow one is told', [0n, 20_000n, 10_000n], ['CLOCK_SKEW cp1']],
  ])('%s', (_what, offsets, expected) => {
    expect(objections(skewed(...offsets))).toEqual(expected);
  });

  it('of nobody are not compared', () => {
    expect(objections((s) => (s.input = { nodes: [] }))).not.toContain('CLOCK_SKEW');
    const silent = (s: Scene): unknown =>
      (s.input = {
        nodes: nodesWithVerdict(s, Verdict.VERDICT_OPENED).map((each) => ({ ...each, report: undefined })),
      });
    expect(objections(silent)).not.toContain('CLOCK_SKEW');
  });
});

describe('who is left out', () => {
  const without = (s: Scene, names: string[], destroyed: string[] = [], answering: string[] = []): void => {
    s.input = {
      asked: { without: names, destroyed },
      nodes: nodesWithVerdict(s, Verdict.VERDICT_OPENED).map((each) =>
        [...names, ...destroyed].includes(each.node) && !answering.includes(each.node)
          ? { ...each, report: undefined }
          : each,
      ),
    };
  };
  it.each<[string, (scene: Scene) => unknown, string[]]>([
    ['may be one of three that is away', (s) => without(s, ['cp3']), []],
    ['is somebody', (s) => without(s, ['cp3', 'cp9']), ['LEFT_OUT_UNKNOWN cp9']],
    ['does not answer', (s) => without(s, ['cp3'], [], ['cp3']), ['LEFT_OUT_ALIVE cp3']],
    ['does not answer where it is gone', (s) => without(s, [], ['cp3'], ['cp3']), ['LEFT_OUT_ALIVE cp3']],
    [
      'answers only where it was set aside',
      (s) => {
        at(s, 2).setAsideOperationId = 'r-0';
        without(s, ['cp3'], [], ['cp3']);
      },
      [],
    ],
    [
      'does not answer where it is gone, set aside or not',
      (s) => {
        at(s, 2).setAsideOperationId = 'r-0';
        without(s, [], ['cp3'], ['cp3']);
      },
      ['LEFT_OUT_ALIVE cp3'],
    ],
    [
      'is gone by name: who else is gone does not make it so',
      (s) => {
        at(s, 2).setAsideOperationId = 'r-0';
        without(s, ['cp3'], ['cp2'], ['cp3']);
      },
      [],
    ],
    ['is too few to serve OLD', (s) => without(s, ['cp2', 'cp3']), ['LEFT_OUT_QUORUM']],
    ['serves nothing once it is gone', (s) => without(s, ['cp2'], ['cp3']), []],
    [
      'is no member and so counts for no quorum',
      (s) => {
        for (const n of [0, 1, 2]) etcdOf(s, n).members = MEMBERS.slice(0, 1);
        without(s, ['cp2', 'cp3']);
      },
      [],
    ],
    [
      'cannot reach NEW through an API server that asks its own member',
      (s) => {
        apiOf(s, 0).etcdServers = [
          'https://127.0.0.1:2379',
          'https://127.0.0.2:2379',
          'https://localhost:2379',
          'https://[::1]:2379',
          'https://10.0.0.1:2379',
        ];
        without(s, ['cp3']);
      },
      [],
    ],
    [
      'could reach NEW where API servers ask other members',
      (s) => {
        apiOf(s, 0).etcdServers = ['https://127.0.0.1:2379', 'https://10.0.0.2:2379'];
        without(s, ['cp3']);
      },
      ['LEFT_OUT_REACHES_NEW cp1'],
    ],
    [
      'is nobody, and API servers ask whom they like',
      (s) => (apiOf(s, 0).etcdServers = ['https://10.0.0.2:2379']),
      [],
    ],
  ])('%s', (_what, change, expected) => {
    expect(objections(change)).toEqual(expected);
  });
});

it('a snapshot that was found to be bad is planned for nobody', () => {
  const bad = Proof.fromPartial({
    kind: ProofKind.PROOF_KIND_VERIFY,
    place: 'cp2',
    at: '2026-11-22T01:00:00Z',
    failure: { code: 'SNAPSHOT_CORRUPT', message: 'page 7' },
  });
  expect(objections((s) => s.proofs.push(bad))).toEqual(['SNAPSHOT_PROVEN_BAD']);
});
