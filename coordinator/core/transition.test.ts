import { OperationState as LedgerState, Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Outcome, Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { failureOf } from './failures.ts';
import { FORWARD_STEPS, UNDO_STEPS } from './phases.ts';
import { hasEnded, mayAbort } from './state.ts';
import { type Delivery, Driver, modelPlan, type World } from './testing/driver.ts';
import type { ModelAgent } from './testing/model-agent.ts';
import { step } from './transition.ts';

function outcomeOf(driver: Driver): Outcome | undefined {
  return driver.state.stage.kind === 'ended' ? driver.state.stage.outcome : undefined;
}

function codeOf(driver: Driver): string | undefined {
  return driver.state.stage.kind === 'ended' ? driver.state.stage.failure?.code : undefined;
}

function started(driver: Driver): Driver {
  driver.start();
  driver.run();
  return driver;
}

const stepsBeforeCommit = FORWARD_STEPS.flatMap((each) =>
  each.ask.kind === 'execute' && each.phase < Phase.PHASE_COMMIT ? [each.ask.step] : [],
);

describe('a restore', () => {
  it('goes through every phase in order and ends restored', () => {
    const driver = started(new Driver());
    expect(outcomeOf(driver)).toBe(Outcome.OUTCOME_RESTORED);
    expect(driver.state.phases.map((each) => each.phase)).toStrictEqual([
      ...new Set(FORWARD_STEPS.map((each) => each.phase)),
    ]);
    for (const agent of driver.agents.values()) {
      expect(agent.state).toBe(LedgerState.OPERATION_STATE_CLOSED);
      expect(agent.running).toBe('new');
    }
    expect(driver.state.proof).toMatchObject({ clusterId: 'new', hash: 7 });
  });

  it('builds on the leader last, and starts members one after another where the plan says so', () => {
    const driver = started(new Driver(undefined, modelPlan({ startMembersInTurn: true })));
    const working = driver.published.flatMap((each) =>
      each.event?.$case === 'nodeProgress' ? [each.event.value] : [],
    );
    const of = (words: string): string[] =>
      working.flatMap((each) => (each.step === words ? [`${each.node}${each.done ? '.' : ''}`] : []));
    expect(of('building the new store').slice(-2)).toStrictEqual(['cp3', 'cp3.']);
    expect(of('starting etcd')).toStrictEqual(['cp1', 'cp1.', 'cp2', 'cp2.', 'cp3', 'cp3.']);
  });

  it('numbers its events strictly upwards', () => {
    const driver = started(new Driver());
    const sequences = driver.published.map((each) => each.sequence);
    expect(sequences).toStrictEqual([...new Set(sequences)].sort((a, b) => (a < b ? -1 : 1)));
  });
});

describe('a failure before commit', () => {
  it.each(stepsBeforeCommit)('at step %i brings OLD back on every node', (failing) => {
    const driver = new Driver();
    driver
      .agent(failing === Step.STEP_PREPARE_GATE ? 'cp1' : 'cp2')
      .faults.push({ on: failing, code: 'DISK_FULL' });
    started(driver);
    expect(outcomeOf(driver)).toBe(Outcome.OUTCOME_ROLLED_BACK);
    expect(codeOf(driver)).toBe('DISK_FULL');
    for (const agent of driver.agents.values()) {
      expect(agent.state).toBe(LedgerState.OPERATION_STATE_UNDONE);
      expect(agent.running).toBe('old');
    }
  });

  it('is not made of a pull whose source was away for a moment', () => {
    const driver = new Driver();
    for (let n = 0; n < 5; n += 1)
      driver.agent('cp2').faults.push({ on: Step.STEP_STAGE, code: 'PULL_FAILED' });
    started(driver);
    expect(outcomeOf(driver)).toBe(Outcome.OUTCOME_RESTORED);
  });

  it('is a refusal where re-inspect found drift', () => {
    const driver = new Driver();
    driver.agent('cp2').faults.push({ on: Step.STEP_REINSPECT, code: 'PLAN_DRIFTED' });
    started(driver);
    expect(outcomeOf(driver)).toBe(Outcome.OUTCOME_REFUSED);
  });

  it('starts no OLD member before all of NEW is proven stopped', () => {
    const driver = new Driver();
    driver.agent('cp1').faults.push({ on: Step.STEP_PREPARE_GATE, code: 'DISK_FULL' });
    for (let n = 0; n < 3; n += 1) {
      driver.agent('cp3').faults.push({ on: Step.STEP_UNDO_STOP, code: 'STOP_UNPROVEN' });
    }
    driver.start();
    while (driver.tick()) {
      expect([driver.agent('cp3').running, driver.agent('cp1').running]).not.toStrictEqual(['new', 'old']);
    }
    expect(outcomeOf(driver)).toBe(Outcome.OUTCOME_ROLLED_BACK);
  });

  it('waits for a person where undo itself fails', () => {
    const driver = new Driver();
    driver.agent('cp1').faults.push({ on: Step.STEP_SWAP, code: 'DISK_FULL' });
    for (let n = 0; n < 9; n += 1) {
      driver.agent('cp3').faults.push({ on: Step.STEP_UNDO_STOP, code: 'STOP_UNPROVEN' });
    }
    started(driver);
    expect(outcomeOf(driver)).toBe(Outcome.OUTCOME_NEEDS_OPERATOR);
    expect(codeOf(driver)).toBe('UNDO_FAILED');
  });

  it('asks nothing more of a node whose undo failed, and says why it did', () => {
    const driver = new Driver();
    driver.agent('cp1').faults.push({ on: Step.STEP_SWAP, code: 'DISK_FULL' });
    for (let n = 0; n < 9; n += 1) {
      driver.agent('cp3').faults.push({ on: Step.STEP_UNDO_START, code: 'DISK_FULL' });
    }
    started(driver);
    const verified = (node: string): boolean =>
      driver.agent(node).effects.some(({ step }) => step === Step.STEP_UNDO_VERIFY);
    expect([verified('cp1'), verified('cp3')]).toStrictEqual([true, false]);
    const { stage } = driver.state;
    expect(stage.kind === 'ended' && stage.failure?.causes.join()).toContain('DISK_FULL');
  });
});

/** Loses every question to these nodes from the given one on. */
function cutOff(
  nodes: readonly string[],
  when: (driver: Driver) => boolean,
): { world: World; of(driver: Driver): void } {
  let driver: Driver | undefined;
  let cut = false;
  return {
    world: {
      deliver: (node): Delivery => {
        cut ||= driver !== undefined && when(driver);
        return cut && nodes.includes(node) ? 'lost' : 'answered';
      },
      pick: () => 0,
    },
    of: (each) => {
      driver = each;
    },
  };
}

describe('a node that stops answering', () => {
  it('during the swap: the others go back to OLD without it', () => {
    const cut = cutOff(['cp3'], (driver) => driver.state.phases.at(-1)?.phase === Phase.PHASE_SWAP);
    const driver = new Driver(cut.world);
    cut.of(driver);
    started(driver);
    expect(outcomeOf(driver)).toBe(Outcome.OUTCOME_ROLLED_BACK);
    expect(driver.agent('cp1').running).toBe('old');
    expect(driver.agent('cp3').state).toBe(LedgerState.OPERATION_STATE_OPEN);
  });

  it('two of three: undo does not run by itself where OLD had served', () => {
    const cut = cutOff(['cp2', 'cp3'], (driver) => driver.state.phases.at(-1)?.phase === Phase.PHASE_SWAP);
    const driver = new Driver(cut.world);
    cut.of(driver);
    started(driver);
    expect(outcomeOf(driver)).toBe(Outcome.OUTCOME_NEEDS_OPERATOR);
    expect(codeOf(driver)).toBe('UNDO_WITHOUT_QUORUM');
    expect(driver.agent('cp1').running).not.toBe('old');
  });

  it('two of three: undo runs where OLD had not served anyway', () => {
    const cut = cutOff(['cp2', 'cp3'], (driver) => driver.state.phases.at(-1)?.phase === Phase.PHASE_SWAP);
    const driver = new Driver(cut.world, modelPlan({ baseline: { serving: false, etcdClusterId: 'old' } }));
    cut.of(driver);
    started(driver);
    expect(outcomeOf(driver)).toBe(Outcome.OUTCOME_ROLLED_BACK);
  });

  it('after commit: the others serve, and a person is asked', () => {
    const cut = cutOff(['cp2'], (driver) => driver.state.phases.at(-1)?.phase === Phase.PHASE_START_API);
    const driver = new Driver(cut.world);
    cut.of(driver);
    started(driver);
    expect(outcomeOf(driver)).toBe(Outcome.OUTCOME_NEEDS_OPERATOR);
    expect(codeOf(driver)).toBe('FORWARD_FAILED');
    expect(driver.agent('cp1').apiStarted).toBe(true);
  });
});

describe('commit', () => {
  it('that fails on one node, the others having committed, is tried again and goes forward', () => {
    const driver = new Driver();
    for (let n = 0; n < 6; n += 1) driver.agent('cp2').faults.push({ on: 'commit', code: 'DISK_FULL' });
    started(driver);
    expect(outcomeOf(driver)).toBe(Outcome.OUTCOME_RESTORED);
  });

  it('that fails for good on one node waits for a person, and no API server starts', () => {
    const driver = new Driver();
    for (let n = 0; n < 100; n += 1) driver.agent('cp2').faults.push({ on: 'commit', code: 'DISK_FULL' });
    started(driver);
    expect(outcomeOf(driver)).toBe(Outcome.OUTCOME_NEEDS_OPERATOR);
    expect([...driver.agents.values()].some((agent) => agent.apiStarted)).toBe(false);
  });

  it('that one node may have recorded, unreachable since, is not undone by a coordinator that takes over', () => {
    let cut = false;
    const world: World = { deliver: (node) => (cut && node === 'cp1' ? 'lost' : 'answered'), pick: () => 0 };
    const driver = new Driver(world);
    for (const node of ['cp2', 'cp3']) {
      for (let n = 0; n < 100; n += 1) driver.agent(node).faults.push({ on: 'commit', code: 'DISK_FULL' });
    }
    driver.start();
    while (driver.agent('cp1').state !== LedgerState.OPERATION_STATE_COMMITTED) driver.tick();
    cut = true;
    driver.crash('c2');
    driver.run();
    expect(outcomeOf(driver)).toBe(Outcome.OUTCOME_NEEDS_OPERATOR);
    for (const agent of driver.agents.values()) expect(agent.running).toBe('new');
  });

  it('that a node may yet record, because it promises nothing to who takes over, is not undone', () => {
    const driver = new Driver();
    driver.start();
    const prepared = (): boolean =>
      driver.agent('cp1').effects.some((effect) => effect.step === Step.STEP_PREPARE_GATE);
    while (!prepared()) driver.tick();
    for (let n = 0; n < 1000; n += 1) driver.agent('cp2').faults.push({ on: 'promise', code: 'DISK_FULL' });
    driver.crash('c2');
    driver.feed({ kind: 'abort', failure: failureOf('ABORTED', 'asked for'), atMs: driver.nowMs });
    driver.run();
    expect(outcomeOf(driver)).toBe(Outcome.OUTCOME_NEEDS_OPERATOR);
    for (const agent of driver.agents.values()) expect(agent.running).toBe('new');
  });

  it('that fails on every node is undone, once the ledgers prove that none has it', () => {
    const driver = new Driver();
    for (const agent of driver.agents.values()) {
      for (let n = 0; n < 100; n += 1) agent.faults.push({ on: 'commit', code: 'DISK_FULL' });
    }
    started(driver);
    expect(outcomeOf(driver)).toBe(Outcome.OUTCOME_ROLLED_BACK);
    for (const agent of driver.agents.values()) expect(agent.running).toBe('old');
  });
});

describe('an operator', () => {
  it('aborts before commit, and OLD comes back', () => {
    const driver = new Driver();
    driver.start();
    while (driver.state.phases.at(-1)?.phase !== Phase.PHASE_SWAP) driver.tick();
    expect(mayAbort(driver.state)).toBe(true);
    driver.feed({ kind: 'abort', failure: failureOf('ABORTED', 'asked for'), atMs: driver.nowMs });
    driver.run();
    expect(outcomeOf(driver)).toBe(Outcome.OUTCOME_ROLLED_BACK);
    expect(codeOf(driver)).toBe('ABORTED');
  });

  it('may not once commit has begun', () => {
    const driver = new Driver();
    driver.start();
    while (driver.state.phases.at(-1)?.phase !== Phase.PHASE_COMMIT) driver.tick();
    expect(mayAbort(driver.state)).toBe(false);
  });
});

it('an outage longer than allowed is undone', () => {
  const cut = cutOff(['cp2'], (driver) => driver.state.phases.at(-1)?.phase === Phase.PHASE_SWAP);
  const driver = new Driver(cut.world, modelPlan({ maxOutageMs: 5000n }));
  cut.of(driver);
  started(driver);
  expect(codeOf(driver)).toBe('MAX_OUTAGE_EXCEEDED');
  expect(outcomeOf(driver)).toBe(Outcome.OUTCOME_ROLLED_BACK);
});

it('an event that cannot be throws', () => {
  const driver = new Driver();
  driver.start();
  expect(() => step(driver.state, { kind: 'started', atMs: 0 })).toThrow('started although');
  expect(() => step(driver.state, { kind: 'timer', timer: 999, atMs: 0 })).toThrow('never set');
  expect(() =>
    step(driver.state, { kind: 'answered', call: 999, answer: { kind: 'commit' }, atMs: 0 }),
  ).toThrow('never made');
});

/** What may never be true at once, in words. */
function contradiction(agents: readonly ModelAgent[]): string | undefined {
  const count = (holds: (agent: ModelAgent) => boolean): number => agents.filter(holds).length;
  const committed = count(
    ({ state }) =>
      state === LedgerState.OPERATION_STATE_COMMITTED || state === LedgerState.OPERATION_STATE_CLOSED,
  );
  const undone = count(({ state }) => state === LedgerState.OPERATION_STATE_UNDONE);
  const quorum = Math.floor(agents.length / 2) + 1;
  if (committed < agents.length && agents.some((agent) => agent.apiStarted))
    return 'an API server before all commits';
  if (committed > 0 && undone > 0) return 'one committed, another undone';
  if (
    count(({ running }) => running === 'old') >= quorum &&
    count(({ running }) => running === 'new') >= quorum
  ) {
    return 'two incarnations with quorum';
  }
  return undefined;
}

/** Whether what runs on the nodes is what the outcome says. */
function isTrue(outcome: Outcome | undefined, agents: readonly ModelAgent[], serving: boolean): boolean {
  const old = agents.filter((agent) => agent.running === 'old').length;
  switch (outcome) {
    case Outcome.OUTCOME_RESTORED:
      return agents.every((agent) => agent.running === 'new');
    case Outcome.OUTCOME_ROLLED_BACK:
    case Outcome.OUTCOME_REFUSED:
      return old >= (serving ? 2 : 1);
    default:
      return true;
  }
}

describe('whatever the network and the coordinators do', () => {
  /** Every run: a seed of deliveries and orders, with coordinators killed at some events. */
  const runs = fc.record({
    deliveries: fc.array(
      fc.constantFrom<Delivery>('answered', 'answered', 'answered', 'lost', 'answer-lost'),
      {
        maxLength: 60,
      },
    ),
    picks: fc.array(fc.nat(7), { minLength: 1, maxLength: 40 }),
    crashes: fc.array(fc.nat(120), { maxLength: 3 }),
    faults: fc.array(
      fc.record({
        node: fc.constantFrom('cp1', 'cp2', 'cp3'),
        on: fc.constantFrom<Step | 'commit' | 'promise'>(
          ...stepsBeforeCommit,
          ...UNDO_STEPS.map((each) => each.step),
          Step.STEP_START_API,
          'commit',
          'promise',
        ),
        times: fc.constantFrom(1, 1, 2, 4, 12),
      }),
      { maxLength: 4 },
    ),
    /** Gone for good from some question on. */
    cuts: fc.array(fc.record({ node: fc.constantFrom('cp1', 'cp2', 'cp3'), from: fc.nat(80) }), {
      maxLength: 2,
    }),
    serving: fc.boolean(),
    inTurn: fc.boolean(),
  });

  // The model agents throw on undo after commit, on START_API before commit, and on a step forward
  // after undo; the driver throws where an operation does not end.
  it('no undo follows a commit, no API server precedes all commits, and every operation ends', {
    timeout: 60_000,
  }, () => {
    fc.assert(
      fc.property(runs, (run) => {
        let asked = 0;
        const world: World = {
          deliver: (node, question) =>
            run.cuts.some((cut) => cut.node === node && question >= cut.from)
              ? 'lost'
              : (run.deliveries[question] ?? 'answered'),
          pick: (count) => (run.picks[asked++ % run.picks.length] ?? 0) % count,
        };
        const plan = modelPlan({
          baseline: { serving: run.serving, etcdClusterId: 'old' },
          startMembersInTurn: run.inTurn,
        });
        const driver = new Driver(world, plan);
        for (const { node, on, times } of run.faults) {
          for (let n = 0; n < times; n += 1) driver.agent(node).faults.push({ on, code: 'DISK_FULL' });
        }
        driver.start();
        let ticks = 0;
        let crashes = 0;
        while (driver.tick()) {
          ticks += 1;
          if (run.crashes.includes(ticks)) {
            crashes += 1;
            driver.crash(`c${crashes + 1}`);
          }
          const agents = [...driver.agents.values()];
          expect(contradiction(agents)).toBeUndefined();
        }
        expect(hasEnded(driver.state)).toBe(true);
        expect(isTrue(outcomeOf(driver), [...driver.agents.values()], run.serving)).toBe(true);
      }),
      { numRuns: 800 },
    );
  });
});
