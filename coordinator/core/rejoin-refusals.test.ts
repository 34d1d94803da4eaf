import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { describe, expect, it } from 'vitest';
import type { InspectedNode } from './inspected-node.ts';
import { SPACE_MARGIN_BYTES, WAL_BYTES } from './limits.ts';
import { makeRejoinPlan, type RejoinInput } from './rejoin.ts';
import { report as healthyReport, MEMBERS, type Reported } from './testing/plan-scene.ts';

const OWN_BYTES = 30_000_000n + WAL_BYTES + SPACE_MARGIN_BYTES;
const AWAY = { address: '', memberId: '', memberName: '', hosts: [], destroyed: false };

/** Four nodes: cp1 and cp2 serve, cp3 is set aside and is to come back, cp4 bears no etcd. */
class Scene {
  readonly reports: Reported[] = [1, 2, 3, 4].map((n) => healthyReport(n));
  readonly silent = new Set<string>();
  input: Partial<RejoinInput> = {};

  constructor() {
    for (const n of [0, 1]) this.etcd(n).members = structuredClone(MEMBERS.slice(0, 2));
    this.etcd(2).serving = false;
    this.at(2).setAsideOperationId = 'a-1';
    this.at(3).etcd = undefined;
  }

  at(n: number): Reported {
    const each = this.reports[n];
    if (each === undefined) throw new Error('no report');
    return each;
  }

  etcd(n: number): NonNullable<Reported['etcd']> {
    const { etcd } = this.at(n);
    if (etcd === undefined) throw new Error('no etcd');
    return etcd;
  }

  plan(): ReturnType<typeof makeRejoinPlan> {
    const nodes = this.reports.map(
      (each): InspectedNode => ({
        node: each.node,
        address: each.advertiseAddress,
        report: this.silent.has(each.node) ? undefined : each,
        failure: undefined,
        askedMs: 0,
        encryption: [],
      }),
    );
    const etcd = { name: 'cp3', initialAdvertisePeerUrls: ['https://10.0.0.3:2380'] };
    return makeRejoinPlan({
      operationId: 'r-2',
      cluster: 'lab',
      nowMs: 1_000_000,
      planExpiryMs: 900_000,
      requestedBy: 'lockstep://lab/operator/alice',
      reason: '',
      node: 'cp3',
      nodes,
      setAside: RestorePlan.fromPartial({ operationId: 'a-1', nodes: [{ node: 'cp3', etcd }] }),
      leftOut: [{ ...AWAY, node: 'cp3' }],
      ...this.input,
    });
  }
}

function refusalsOf(change: (scene: Scene) => unknown): string[] {
  const scene = new Scene();
  change(scene);
  return scene.plan().refusals.map(({ code, node }) => `${code} ${node}`.trim());
}

describe('a re-join is refused', () => {
  const cases: readonly (readonly [string, (scene: Scene) => unknown, readonly string[]])[] = [
    ['for nothing where all is well', () => {}, []],
    [
      'while the node has an operation open',
      (s) => (s.at(2).openOperationId = 'r-9'),
      ['OPERATION_IN_PROGRESS cp3'],
    ],
    [
      'for what is open there before all else',
      (s) => {
        s.at(2).openOperationId = 'r-9';
        s.input = { setAside: undefined };
      },
      ['OPERATION_IN_PROGRESS cp3'],
    ],
    [
      'where the agent knows of no setting aside',
      (s) => (s.at(2).setAsideOperationId = ''),
      ['REJOIN_NOT_SET_ASIDE cp3'],
    ],
    ['where nobody serves etcd', (s) => [0, 1].map((n) => (s.at(n).etcd = undefined)), ['NODE_MISSING']],
    ['for one that does not answer', (s) => s.silent.add('cp1'), ['NODE_MISSING cp1']],
    [
      'for nothing where the one that does not answer is left out as well',
      (s) => {
        s.silent.add('cp1');
        s.input = { leftOut: ['cp1', 'cp3'].map((node) => ({ ...AWAY, node })) };
        s.etcd(1).members = structuredClone(MEMBERS.slice(1, 2));
      },
      [],
    ],
    [
      'for one that was left out, and has joined anew, and does not answer',
      (s) => {
        s.silent.add('cp1');
        s.input = { leftOut: ['cp1', 'cp3'].map((node) => ({ ...AWAY, node })) };
      },
      ['NODE_MISSING cp1'],
    ],
    [
      'for nothing where one that does not serve is set aside as well',
      (s) => {
        s.etcd(1).serving = false;
        s.at(1).setAsideOperationId = 'a-2';
      },
      [],
    ],
    ['where a member does not serve', (s) => (s.etcd(1).serving = false), ['REJOIN_UNHEALTHY cp2']],
    [
      'where a member has its peer URL',
      (s) =>
        (s.etcd(0).members = structuredClone(MEMBERS).map((each) => ({ ...each, name: `x${each.name}` }))),
      ['REJOIN_MISMATCH cp3'],
    ],
    [
      'where a learner is there already',
      (s) => Object.assign(s.etcd(0).members[1] ?? {}, { learner: true }),
      ['MEMBER_LEARNER'],
    ],
    ['where its version is not known', (s) => (s.etcd(2).version = ''), ['REJOIN_MISMATCH cp3']],
    ['where their version is not known', (s) => (s.etcd(0).version = ''), ['REJOIN_MISMATCH cp3']],
    [
      'where neither version is known',
      (s) => [0, 2].map((n) => (s.etcd(n).version = '')),
      ['REJOIN_MISMATCH cp3'],
    ],
    ['for nothing over a patch of a version', (s) => (s.etcd(2).version = '3.5.9'), []],
    [
      'where its cluster CA is another',
      (s) => Object.assign(s.at(2).apiServer ?? {}, { clusterCaSha256: 'other' }),
      ['REJOIN_MISMATCH cp3'],
    ],
    [
      'where its service-account keys are others',
      (s) => Object.assign(s.at(2).apiServer ?? {}, { serviceAccountKeySha256: ['sa', 'more'] }),
      ['REJOIN_MISMATCH cp3'],
    ],
    [
      'for nothing where the keys are the same in another order',
      (s) =>
        [0, 1, 2].map((n) =>
          Object.assign(s.at(n).apiServer ?? {}, {
            serviceAccountKeySha256: n === 2 ? ['b', 'a'] : ['a', 'b'],
          }),
        ),
      [],
    ],
    [
      'where neither has an API server it is not',
      (s) => [0, 1, 2].map((n) => (s.at(n).apiServer = undefined)),
      [],
    ],
    [
      'where the disk of its data has a byte too little',
      (s) => Object.assign(s.at(2).disks[0] ?? {}, { freeBytes: OWN_BYTES - 1n }),
      ['SPACE_TOO_LITTLE cp3'],
    ],
    [
      'for nothing where that has what is needed, and another has not',
      (s) => {
        Object.assign(s.at(2).disks[0] ?? {}, { freeBytes: OWN_BYTES });
        Object.assign(s.at(2).disks[1] ?? {}, { freeBytes: 0n });
      },
      [],
    ],
    ['for nothing where no disk is reported', (s) => (s.at(2).disks = []), []],
    ['for nothing more where it runs no etcd', (s) => (s.at(2).etcd = undefined), []],
  ];
  it.each(cases)('%s', (_what, change, expected) => {
    expect(refusalsOf(change)).toEqual(expected);
  });
});

describe('what a re-join says of who is out', () => {
  it('names no more who has joined anew', () => {
    const scene = new Scene();
    scene.input = { leftOut: ['cp2', 'cp3', 'cp9'].map((node) => ({ ...AWAY, node })) };
    expect(scene.plan().plan.leftOut.map(({ node }) => node)).toEqual(['cp9']);
  });

  it('does not name the node itself, which etcd does not list', () => {
    expect(new Scene().plan().plan.leftOut).toEqual([]);
  });
});

it('a member that is a unit is not re-joined', () => {
  const scene = new Scene();
  scene.at(2).hosting = 'systemd';
  expect(scene.plan().refusals).toMatchObject([{ code: 'HOSTING_UNSUPPORTED', node: 'cp3' }]);
  scene.input = { setAside: undefined };
  expect(scene.plan().refusals).toMatchObject([{ code: 'REJOIN_NOT_SET_ASIDE', node: 'cp3' }]);
});
