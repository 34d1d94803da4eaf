import { OperationState as LedgerState, Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Outcome, Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { failureOf } from './failures.ts';
import { FORWARD_STEPS, UNDO_STEPS } from './phases.ts';
import { commitIsPossible, type LedgerView } from './recovery.ts';
import { hasEnded, mayAbort } from './state.ts';
import { type Delivery, Driver, modelPlan, type World } from './testing/driver.ts';
import { PEERS } from './testing/model-agent.ts';

const KUBERNETES = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
const ETCD_HOSTS = ['etcd1', 'etcd2', 'etcd3'];
const CONTROL_PLANES = ['cp1', 'cp2'];

/** Three members on hosts of their own, and two API servers that are told of them. */
function externalPlan(change: object = {}): RestorePlan {
  return modelPlan({
    nodes: [
      ...ETCD_HOSTS.map((node, order) => ({
        node,
        ledgerId: `ledger-${node}`,
        order,
        hosting: 'systemd',
        etcdUnit: 'etcd.service',
        etcd: { name: node, initialAdvertisePeerUrls: [PEERS[order] ?? ''] },
      })),
      ...CONTROL_PLANES.map((node, index) => ({
        node,
        ledgerId: `ledger-${node}`,
        order: ETCD_HOSTS.length + index,
        hosting: 'static-pod',
        manifests: KUBERNETES.map((component) => ({ component, fileName: `${component}.yaml` })),
      })),
    ],
    ...change,
  });
}

function run(driver: Driver): Driver {
  driver.start();
  driver.run();
  return driver;
}

const outcomeOf = ({ state: { stage } }: Driver): Outcome | undefined =>
  stage.kind === 'ended' ? stage.outcome : undefined;
const takenBy = (driver: Driver, node: string): Step[] => driver.agent(node).effects.map(({ step }) => step);

describe('etcd hosts and control-plane hosts in one plan', () => {
  it('are restored, and each was asked for its own steps', () => {
    const driver = run(new Driver(undefined, externalPlan({ startMembersInTurn: true })));
    expect(outcomeOf(driver)).toBe(Outcome.OUTCOME_RESTORED);
    for (const agent of driver.agents.values()) expect(agent.state).toBe(LedgerState.OPERATION_STATE_CLOSED);
    for (const node of ETCD_HOSTS) {
      expect(takenBy(driver, node)).toEqual(expect.arrayContaining([Step.STEP_FENCE_API, Step.STEP_SWAP]));
      expect(takenBy(driver, node)).not.toContain(Step.STEP_START_KUBELET);
      expect(takenBy(driver, node)).not.toContain(Step.STEP_START_API);
    }
    for (const node of CONTROL_PLANES) {
      expect(takenBy(driver, node)).toEqual([
        Step.STEP_SAFEGUARD,
        Step.STEP_REINSPECT,
        Step.STEP_FENCE_API,
        Step.STEP_START_KUBELET,
        Step.STEP_START_API,
        Step.STEP_START_CONTROLLERS,
        Step.STEP_CLOSE,
      ]);
    }
  });

  it('has the gate prepared by a member, and the leader built last, whoever else is in the plan', () => {
    const driver = run(new Driver(undefined, externalPlan()));
    const prepared = [...driver.agents].filter(([node]) =>
      takenBy(driver, node).includes(Step.STEP_PREPARE_GATE),
    );
    expect(prepared.map(([node]) => node)).toEqual(['etcd1']);
    const built = driver.published.flatMap(({ event }) =>
      event?.$case === 'nodeProgress' && event.value.phase === Phase.PHASE_BUILD && event.value.done
        ? [event.value.node]
        : [],
    );
    expect(built.at(-1)).toBe('etcd3');
    expect(built.toSorted()).toEqual(ETCD_HOSTS);
  });

  it.each(['etcd2', 'cp2'])('all go back where the fence fails on %s', (node) => {
    const driver = new Driver(undefined, externalPlan());
    driver.agent(node).faults.push({ on: Step.STEP_FENCE_API, code: 'STOP_UNPROVEN' });
    run(driver);
    expect(outcomeOf(driver)).toBe(Outcome.OUTCOME_ROLLED_BACK);
    for (const agent of driver.agents.values()) expect(agent.state).toBe(LedgerState.OPERATION_STATE_UNDONE);
  });

  it('no member of OLD starts before an API server without one is stopped again', () => {
    const driver = new Driver(undefined, externalPlan());
    driver.agent('etcd1').faults.push({ on: Step.STEP_PREPARE_GATE, code: 'DISK_FULL' });
    for (let n = 0; n < 3; n += 1)
      driver.agent('cp1').faults.push({ on: Step.STEP_UNDO_STOP, code: 'STOP_UNPROVEN' });
    driver.start();
    while (driver.tick()) {
      const stopped = takenBy(driver, 'cp1').includes(Step.STEP_UNDO_STOP);
      expect(stopped || !takenBy(driver, 'etcd1').includes(Step.STEP_UNDO_START)).toBe(true);
    }
    expect(outcomeOf(driver)).toBe(Outcome.OUTCOME_ROLLED_BACK);
  });
});

describe('whether a commit is possible', () => {
  const plan = externalPlan();
  const known = (begun: number, ...completed: Step[]): LedgerView => ({
    kind: 'known',
    state: LedgerState.OPERATION_STATE_OPEN,
    begun,
    completed: new Set(completed),
    undoBegun: false,
  });
  const gate = FORWARD_STEPS.findIndex(({ ask }) => ask.kind === 'gate');
  it.each<[string, Record<string, LedgerView>, boolean]>([
    [
      'only a control plane answers, which had done its part',
      { cp1: known(gate, Step.STEP_START_KUBELET) },
      true,
    ],
    [
      'only a control plane answers, whose kubelet never started',
      { cp1: known(gate, Step.STEP_FENCE_API) },
      false,
    ],
    [
      'a member had not started',
      { cp1: known(gate, Step.STEP_START_KUBELET), etcd2: known(gate, Step.STEP_SWAP) },
      false,
    ],
    ['the first member had not prepared the gate', { etcd1: known(gate - 2, Step.STEP_START_ETCD) }, false],
    ['another member has started', { etcd2: known(gate - 2, Step.STEP_START_ETCD) }, true],
  ])('%s', (_what, views, possible) => {
    expect(commitIsPossible(plan, new Map(Object.entries(views)))).toBe(possible);
  });
});

describe('whatever the network and the coordinators do', () => {
  const nodes = [...ETCD_HOSTS, ...CONTROL_PLANES];
  const steps = FORWARD_STEPS.flatMap(({ ask, phase }) =>
    ask.kind === 'execute' && phase < Phase.PHASE_COMMIT ? [ask.step] : [],
  );
  const runs = fc.record({
    deliveries: fc.array(
      fc.constantFrom<Delivery>('answered', 'answered', 'answered', 'lost', 'answer-lost'),
      {
        maxLength: 80,
      },
    ),
    picks: fc.array(fc.nat(7), { minLength: 1, maxLength: 40 }),
    crashes: fc.array(fc.nat(160), { maxLength: 3 }),
    faults: fc.array(
      fc.record({
        node: fc.constantFrom(...nodes),
        on: fc.constantFrom<Step | 'commit' | 'promise'>(
          ...steps,
          ...UNDO_STEPS.map(({ step }) => step),
          Step.STEP_START_API,
          'commit',
          'promise',
        ),
        times: fc.constantFrom(1, 1, 2, 4, 12),
      }),
      { maxLength: 4 },
    ),
    cuts: fc.array(fc.record({ node: fc.constantFrom(...nodes), from: fc.nat(120) }), { maxLength: 2 }),
    abortAt: fc.option(fc.nat(200), { nil: undefined }),
    serving: fc.boolean(),
  });

  // The model agents throw on a step that is not theirs, on undo after commit, and on START_API before it.
  it('no write dies, no two stores serve, and every operation ends', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(runs, (given) => {
        let asked = 0;
        const world: World = {
          deliver: (node, question) =>
            given.cuts.some((cut) => cut.node === node && question >= cut.from)
              ? 'lost'
              : (given.deliveries[question] ?? 'answered'),
          pick: (count) => (given.picks[asked++ % given.picks.length] ?? 0) % count,
        };
        const plan = externalPlan({ baseline: { serving: given.serving, etcdClusterId: 'old' } });
        const driver = new Driver(world, plan);
        for (const { node, on, times } of given.faults) {
          for (let n = 0; n < times; n += 1) driver.agent(node).faults.push({ on, code: 'DISK_FULL' });
        }
        driver.start();
        let ticks = 0;
        while (driver.tick()) {
          ticks += 1;
          if (given.crashes.includes(ticks)) driver.crash(`c${ticks}`);
          if (ticks === given.abortAt && mayAbort(driver.state)) {
            driver.feed({ kind: 'abort', failure: failureOf('ABORTED', 'asked for'), atMs: driver.nowMs });
          }
          const agents = [...driver.agents.values()];
          const committed = agents.filter(
            ({ state }) =>
              state === LedgerState.OPERATION_STATE_COMMITTED || state === LedgerState.OPERATION_STATE_CLOSED,
          );
          const undone = agents.filter(({ state }) => state === LedgerState.OPERATION_STATE_UNDONE);
          const isOpen = agents.some(({ apiStarted }) => apiStarted);
          expect(isOpen && committed.length < agents.length).toBe(false);
          expect(committed.length > 0 && undone.length > 0).toBe(false);
          const members = ETCD_HOSTS.map((node) => driver.agent(node).running);
          const quorums = ['old', 'new'].filter(
            (store) => members.filter((each) => each === store).length >= 2,
          );
          expect(quorums.length).toBeLessThan(2);
        }
        expect(hasEnded(driver.state)).toBe(true);
        const running = ETCD_HOSTS.map((node) => driver.agent(node).running);
        const isRestored = outcomeOf(driver) === Outcome.OUTCOME_RESTORED;
        expect(isRestored && running.some((each) => each !== 'new')).toBe(false);
        const isBack = outcomeOf(driver) === Outcome.OUTCOME_ROLLED_BACK && given.serving;
        expect(isBack && running.filter((each) => each === 'old').length < 2).toBe(false);
      }),
      { numRuns: 150 },
    );
  });
});
