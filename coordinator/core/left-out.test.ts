import { describe, expect, it } from 'vitest';
import type { PlanInput } from './plan-input.ts';
import { mayUndoWithout, oldQuorum, oldVoters } from './quorum.ts';
import { apiOf, at, etcdOf, planned, type Scene } from './testing/plan-scene.ts';

const NONE = { without: [], destroyed: [] };

/** Of three nodes, these do not answer; the plan is asked for without them. */
function away(
  names: readonly string[],
  asked: PlanInput['asked'],
  change: (scene: Scene) => unknown = () => undefined,
): ReturnType<typeof planned> {
  return planned((scene) => {
    change(scene);
    scene.input = {
      ...scene.input,
      asked,
      nodes: scene.reports.map((report) => ({
        node: report.node,
        address: report.advertiseAddress,
        report: names.includes(report.node) ? undefined : report,
        failure: undefined,
        askedMs: 1_000_000,
        encryption: [],
      })),
    };
  });
}

const codes = ({ refusals }: ReturnType<typeof planned>): string[] => refusals.map(({ code }) => code);

describe('a plan without a node that is away', () => {
  const without = { ...NONE, without: ['cp3'] };

  it('is of the others, and says who is left out', () => {
    const result = away(['cp3'], without);
    expect(codes(result)).toEqual([]);
    const { plan } = result;
    expect(plan.nodes.map(({ node }) => node)).toEqual(['cp2', 'cp1']);
    expect(new Set(plan.nodes.map((node) => node.etcd?.initialCluster))).toEqual(
      new Set(['cp1=https://10.0.0.1:2380,cp2=https://10.0.0.2:2380']),
    );
    expect(plan.leftOut).toEqual([
      {
        node: 'cp3',
        address: '10.0.0.3:7443',
        memberId: 'm3',
        memberName: 'cp3',
        hosts: ['10.0.0.3'],
        destroyed: false,
      },
    ]);
    expect(plan.approvalNeeds).toEqual([]);
  });

  it('counts OLD’s members by its membership, not by who takes part', () => {
    const { plan } = away(['cp3'], without);
    expect([oldVoters(plan), oldQuorum(plan)]).toEqual([3, 2]);
    expect(plan.baseline?.serving).toBe(true);
    // Two remain of three: without one more, OLD has no quorum that is certain.
    expect(mayUndoWithout(plan, new Set())).toBe(true);
    expect(mayUndoWithout(plan, new Set(['cp2']))).toBe(false);
  });

  it('says that OLD does not serve where one of the two that stay does not', () => {
    const { plan } = away(['cp3'], without, (scene) => (etcdOf(scene, 1).serving = false));
    expect(plan.baseline?.serving).toBe(false);
  });

  it('finds a member whose node nobody knows', () => {
    const result = planned((scene) => {
      scene.reports.pop();
      scene.input = { asked: without };
    });
    expect(codes(result)).toEqual([]);
    expect(result.plan.leftOut).toMatchObject([{ node: 'cp3', address: '', memberId: 'm3' }]);
  });

  it('lets the lease of its API server be, and no other’s', () => {
    expect(codes(away(['cp3'], without))).not.toContain('CLIENT_NOT_PLANNED');
    const other = away(['cp3'], without, (scene) => etcdOf(scene, 0).apiServerAddresses.push('10.0.0.9'));
    expect(codes(other)).toEqual(['CLIENT_NOT_PLANNED']);
  });
});

describe('leaving out is refused', () => {
  const cases: [string, string, readonly string[], PlanInput['asked'], ((scene: Scene) => unknown)?][] = [
    ['a node that answers', 'LEFT_OUT_ALIVE', [], { ...NONE, without: ['cp3'] }],
    ['one that answers and is said to be gone', 'LEFT_OUT_ALIVE', [], { ...NONE, destroyed: ['cp3'] }],
    ['a name that nobody has', 'LEFT_OUT_UNKNOWN', ['cp3'], { ...NONE, without: ['cp3', 'cp9'] }],
    ['a quorum', 'LEFT_OUT_QUORUM', ['cp2', 'cp3'], { ...NONE, without: ['cp2', 'cp3'] }],
    [
      'where API servers are told of other members',
      'LEFT_OUT_REACHES_NEW',
      ['cp3'],
      { ...NONE, without: ['cp3'] },
      (scene) => (apiOf(scene, 0).etcdServers = ['https://127.0.0.1:2379', 'https://10.0.0.3:2379']),
    ],
  ];
  it.each(cases)('%s: %s', (_what, code, missing, asked, change) => {
    expect(codes(away(missing, asked, change))).toContain(code);
  });

  it('but not for a node that was set aside, though it answers', () => {
    const aside = (scene: Scene): void => {
      at(scene, 2).setAsideOperationId = 'a-1';
      for (const n of [0, 1]) {
        etcdOf(scene, n).members = etcdOf(scene, n).members.slice(0, 2);
        etcdOf(scene, n).apiServerAddresses = ['10.0.0.1', '10.0.0.2'];
      }
    };
    expect(codes(away([], { ...NONE, without: ['cp3'] }, aside))).toEqual([]);
    expect(codes(away([], NONE, aside))).toEqual(['NODE_SET_ASIDE']);
    expect(codes(away([], { ...NONE, destroyed: ['cp3'] }, aside))).toEqual(['LEFT_OUT_ALIVE']);
  });
});

describe('a plan without what is gone for good', () => {
  it('may be of a minority, and needs a second person', () => {
    const result = away(['cp2', 'cp3'], { ...NONE, destroyed: ['cp2', 'cp3'] }, (scene) => {
      etcdOf(scene, 0).serving = false;
    });
    expect(codes(result)).toEqual([]);
    const { plan } = result;
    expect(plan.nodes.map(({ node }) => node)).toEqual(['cp1']);
    expect(plan.approvalNeeds).toMatchObject([{ code: 'DESTROYED' }]);
    expect(plan.baseline?.serving).toBe(false);
    expect(oldQuorum(plan)).toBe(2);
  });

  it('counts only those away against the quorum', () => {
    expect(codes(away(['cp2', 'cp3'], { without: ['cp2'], destroyed: ['cp3'] }))).toEqual([]);
  });
});
