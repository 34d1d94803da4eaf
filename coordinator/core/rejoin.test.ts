import {
  OperationState as LedgerState,
  ReadLedgerResponse,
  Step,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { describe, expect, it } from 'vitest';
import type { InspectedNode } from './inspected-node.ts';
import { makeRejoinPlan, nextOfRejoin, type RejoinInput } from './rejoin.ts';
import { report as healthyReport } from './testing/plan-scene.ts';

const PLAN = RestorePlan.fromPartial({
  operationId: 'r-1',
  rejoins: { node: 'cp3' },
  nodes: [
    { node: 'cp1', ledgerId: 'l1' },
    { node: 'cp3', ledgerId: 'l3' },
  ],
});

/** What the two ledgers hold, and whether etcd lists the node as a voter. */
interface Model {
  readonly sponsor: LedgerState;
  readonly joiner: LedgerState;
  /** "STEP" intended, "STEP!" completed. */
  readonly did: readonly string[];
  readonly votes: boolean;
}

const START: Model = {
  sponsor: LedgerState.OPERATION_STATE_OPEN,
  joiner: LedgerState.OPERATION_STATE_OPEN,
  did: [],
  votes: false,
};

function ledgersOf({ sponsor, joiner, did }: Model): Map<string, ReadLedgerResponse> {
  const ledger = (node: string, state: LedgerState): ReadLedgerResponse =>
    ReadLedgerResponse.fromPartial({
      node,
      operationId: state === LedgerState.OPERATION_STATE_UNSPECIFIED ? 'r-0' : 'r-1',
      state,
      effects: did
        .filter((each) => each.startsWith(`${node} `))
        .map((each) => {
          const [step = '', mark = ''] = each.slice(node.length + 1).split('!');
          return { step: Number(step) as Step, completedMs: each.endsWith('!') && mark === '' ? 1n : 0n };
        }),
    });
  return new Map([
    ['cp1', ledger('cp1', sponsor)],
    ['cp3', ledger('cp3', joiner)],
  ]);
}

/** What may come of a step: done, done with the record lost, or failed after its intent. */
function after(model: Model, node: string, step: Step): Model[] {
  const { OPERATION_STATE_CLOSED: CLOSED, OPERATION_STATE_UNDONE: UNDONE } = LedgerState;
  const side = node === 'cp1' ? 'sponsor' : 'joiner';
  const backBegun = model.did.some((each) => each.startsWith(`${node} ${Step.STEP_REJOIN_BACK}`));
  // As the agents' own rules have it.
  if (step === Step.STEP_REJOIN_BACK && side === 'sponsor' && model.votes) return [model];
  if (step !== Step.STEP_REJOIN_BACK && backBegun) throw new Error(`${step} after the way back had begun`);
  const intended = { ...model, did: [...model.did, `${node} ${step}`] };
  const done = { ...model, did: [...model.did, `${node} ${step}!`] };
  switch (step) {
    case Step.STEP_REJOIN_PROMOTE:
      return [{ ...done, votes: true, sponsor: CLOSED }, { ...intended, votes: true }, intended];
    case Step.STEP_REJOIN_SERVE:
      if (!model.votes) throw new Error('an API server over a member that does not vote');
      return [{ ...done, joiner: CLOSED }, intended];
    case Step.STEP_REJOIN_BACK:
      if (model.votes) throw new Error('OLD back beside a member that votes');
      return [{ ...done, [side]: UNDONE }, intended];
    default:
      return [done, intended];
  }
}

describe('a re-join', () => {
  it('ends as it should from wherever it is taken up, forward or back, whatever is lost', () => {
    const seen = new Set<string>();
    const ends = new Set<string>();
    const queue: Model[] = [START, { ...START, joiner: LedgerState.OPERATION_STATE_UNSPECIFIED }];
    for (let model = queue.pop(); model !== undefined; model = queue.pop()) {
      const key = JSON.stringify({ ...model, did: [...new Set(model.did)].sort() });
      if (seen.has(key)) continue;
      seen.add(key);
      for (const back of [false, true]) {
        const next = nextOfRejoin(PLAN, ledgersOf(model), back);
        expect(next.kind, key).not.toBe('impossible');
        if (next.kind === 'ended') {
          ends.add(`${next.outcome} ${model.votes ? 'votes' : 'is none'}`);
        }
        if (next.kind === 'step') queue.push(...after(model, next.node, next.step));
      }
    }
    expect(seen.size).toBeGreaterThan(20);
    expect(ends).toEqual(
      new Set([`${Outcome.OUTCOME_RESTORED} votes`, `${Outcome.OUTCOME_ROLLED_BACK} is none`]),
    );
  });

  it('stops where a ledger is as none of it leaves one', () => {
    const { OPERATION_STATE_UNDONE: UNDONE, OPERATION_STATE_CLOSED: CLOSED } = LedgerState;
    for (const [sponsor, joiner] of [
      [CLOSED, UNDONE],
      [UNDONE, CLOSED],
      [LedgerState.OPERATION_STATE_OPEN, CLOSED],
    ] as const) {
      expect(nextOfRejoin(PLAN, ledgersOf({ ...START, sponsor, joiner }), false).kind).toBe('impossible');
    }
    expect(nextOfRejoin(PLAN, new Map(), false).kind).toBe('impossible');
  });
});

const MEMBERS = [1, 2].map((n) => ({
  id: `n${n}`,
  name: `cp${n}`,
  peerUrls: [`https://10.0.0.${n}:2380`],
  clientUrls: [`https://10.0.0.${n}:2379`],
  learner: false,
}));

function input(
  change: (nodes: InspectedNode[], input: RejoinInput) => Partial<RejoinInput> | void = () => {},
) {
  const nodes = [1, 2, 3].map((n): InspectedNode => {
    const report = healthyReport(n);
    if (report.etcd !== undefined && n < 3) report.etcd.members = structuredClone(MEMBERS);
    if (n === 3) report.setAsideOperationId = 'a-1';
    return {
      node: `cp${n}`,
      address: `10.0.0.${n}:7443`,
      report,
      failure: undefined,
      askedMs: 0,
      encryption: [],
    };
  });
  const whole: RejoinInput = {
    operationId: 'r-2',
    cluster: 'lab',
    nowMs: 1_000_000,
    planExpiryMs: 900_000,
    requestedBy: 'lockstep://lab/operator/alice',
    reason: '',
    node: 'cp3',
    nodes,
    setAside: RestorePlan.fromPartial({
      operationId: 'a-1',
      nodes: [
        {
          node: 'cp3',
          ledgerId: 'ledger-3',
          etcd: { name: 'cp3', initialAdvertisePeerUrls: ['https://10.0.0.3:2380'] },
          manifests: [{ fileName: 'etcd.yaml', component: 'etcd' }],
        },
      ],
    }),
    leftOut: [
      { node: 'cp3', address: '', memberId: 'm3', memberName: 'cp3', hosts: [], destroyed: false },
      { node: 'cp4', address: '', memberId: 'm4', memberName: 'cp4', hosts: [], destroyed: true },
    ],
  };
  return { ...whole, ...change(nodes, whole) };
}

describe('the plan of a re-join', () => {
  const codes = (of: RejoinInput): string[] => makeRejoinPlan(of).refusals.map(({ code }) => code);

  it('has a follower stand in for it, and names every member that there will be', () => {
    const { plan, refusals } = makeRejoinPlan(input());
    expect(refusals).toEqual([]);
    expect(plan.nodes.map(({ node, order }) => [node, order])).toEqual([
      ['cp2', 0],
      ['cp3', 1],
    ]);
    expect(plan.nodes[1]).toMatchObject({
      ledgerId: 'ledger-3',
      etcd: {
        initialCluster: 'cp1=https://10.0.0.1:2380,cp2=https://10.0.0.2:2380,cp3=https://10.0.0.3:2380',
      },
    });
    expect(plan.subjectOperationId).toBe('a-1');
    expect(plan.leftOut.map(({ node }) => node)).toEqual(['cp4']);
    expect(plan.rejoins?.memberId).toBe('m3');
  });

  const report = (nodes: InspectedNode[], n: number): NonNullable<InspectedNode['report']> => {
    const found = nodes[n]?.report;
    if (found?.etcd === undefined) throw new Error('no report');
    return found;
  };
  const refused: [string, string, Parameters<typeof input>[0]][] = [
    ['NODE_MISSING', 'a node that nobody knows', () => ({ node: 'cp9' })],
    ['NODE_MISSING', 'one that does not answer', (nodes) => ({ nodes: nodes.map(silent('cp3')) })],
    ['NODE_MISSING', 'while another does not answer', (nodes) => ({ nodes: nodes.map(silent('cp1')) })],
    ['REJOIN_NOT_SET_ASIDE', 'one that is not set aside', () => ({ setAside: undefined })],
    [
      'OPERATION_IN_PROGRESS',
      'while an operation is open',
      (nodes) => void (report(nodes, 0).openOperationId = 'r-9'),
    ],
    [
      'REJOIN_UNHEALTHY',
      'while a member does not serve',
      (nodes) => void Object.assign(report(nodes, 1).etcd ?? {}, { serving: false }),
    ],
    [
      'REJOIN_MISMATCH',
      'into a cluster of another version',
      (nodes) => void Object.assign(report(nodes, 2).etcd ?? {}, { version: '3.4.30' }),
    ],
    [
      'REJOIN_MISMATCH',
      'under another CA',
      (nodes) => void Object.assign(report(nodes, 2).etcd ?? {}, { caSha256: 'another' }),
    ],
    [
      'REJOIN_MISMATCH',
      'where a member bears its name',
      (nodes) =>
        void report(nodes, 0).etcd?.members.push({
          id: 'n3',
          name: 'cp3',
          peerUrls: [],
          clientUrls: [],
          learner: false,
        }),
    ],
    [
      'SPACE_TOO_LITTLE',
      'onto a disk that is full',
      (nodes) => {
        for (const disk of report(nodes, 2).disks) disk.freeBytes = 0n;
      },
    ],
  ];
  it.each(refused)('is refused (%s) %s', (code, _what, change) => {
    expect(codes(input(change))).toContain(code);
  });
});

function silent(name: string): (node: InspectedNode) => InspectedNode {
  return (node) => (node.node === name ? { ...node, report: undefined } : node);
}
