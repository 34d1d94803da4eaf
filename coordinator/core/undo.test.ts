import { OperationState as LedgerState, Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { describe, expect, it } from 'vitest';
import { failureOf } from './failures.ts';
import { MAX_FAULTS_PER_STEP } from './limits.ts';
import { FENCE_POSITION, positionOfStep } from './phases.ts';
import { takenOverOperation } from './state.ts';
import { modelPlan } from './testing/driver.ts';
import { Script } from './testing/script.ts';

const SWAP = positionOfStep(Step.STEP_SWAP);
const STAGE = positionOfStep(Step.STEP_STAGE);

/** An undo that began in the swap, or wherever it is said. */
function undoing(position = SWAP, plan = modelPlan()): Script {
  const script = new Script(plan).forwardTo(position);
  return script.feed({ kind: 'abort', failure: failureOf('ABORTED', 'asked for'), atMs: script.nowMs });
}

const stepOf = (script: Script, node: string): Step | undefined => {
  const ask = script.askOf(node);
  return ask.kind === 'execute' ? ask.step : undefined;
};

describe('an undo', () => {
  it('goes step by step on everyone, and ends with the cause that it had', () => {
    const script = undoing();
    for (const step of [Step.STEP_UNDO_STOP, Step.STEP_UNDO_START, Step.STEP_UNDO_VERIFY]) {
      expect(script.asked).toEqual(['cp1', 'cp2', 'cp3']);
      expect(stepOf(script, 'cp1')).toBe(step);
      script.answer('cp1').answer('cp2');
      expect([...script.stageOf('undo').pending]).toEqual(['cp3']);
      expect([...script.state.nodes.values()].filter(({ undone }) => undone).length).toBe(
        step === Step.STEP_UNDO_VERIFY ? 2 : 0,
      );
      script.answer('cp3');
    }
    expect([script.outcome, script.failure?.code]).toEqual([Outcome.OUTCOME_ROLLED_BACK, 'ABORTED']);
  });

  it('is a refusal only where something was judged and nothing was down', () => {
    const drift = { code: 'PLAN_DRIFTED', node: 'cp2', message: 'm', cure: '', causes: [] };
    const early = new Script().forwardTo(STAGE).answerStep('cp2', { failure: drift });
    for (let step = 0; step < 3; step += 1) early.answerAll();
    expect(early.outcome).toBe(Outcome.OUTCOME_REFUSED);
    const late = new Script().forwardTo(FENCE_POSITION).answerStep('cp2', { failure: drift });
    for (let step = 0; step < 3; step += 1) late.answerAll();
    expect(late.outcome).toBe(Outcome.OUTCOME_ROLLED_BACK);
    const broken = new Script().forwardTo(STAGE).fail('cp2', 'DISK_FULL');
    for (let step = 0; step < 3; step += 1) broken.answerAll();
    expect(broken.outcome).toBe(Outcome.OUTCOME_ROLLED_BACK);
  });

  it('asks nothing of those that refused the promise, and is over where nobody gave one', () => {
    const script = new Script().start().fail('cp1', 'OPERATION_IN_PROGRESS');
    expect(script.outcome).toBeUndefined();
    // Those that are still being asked may have promised.
    expect(script.asked).toEqual(['cp2', 'cp3']);
    script.fail('cp2', 'PLAN_UNKNOWN').fail('cp3', 'EPOCH_STALE');
    // What was asked of them before may still arrive: so they are asked again, and say no.
    expect(script.asked).toEqual(['cp2', 'cp3']);
    script.fail('cp2', 'LEDGER_STRANGER').fail('cp3', 'OPERATION_IN_PROGRESS');
    expect(script.outcome).toBe(Outcome.OUTCOME_REFUSED);
  });

  it('is left to who promised more, by a node that is asked to take the plan after all', () => {
    const script = new Script().start().fail('cp1', 'OPERATION_IN_PROGRESS').fail('cp2', 'PLAN_UNKNOWN');
    expect(script.fail('cp2', 'EPOCH_STALE').stage.kind).toBe('superseded');
  });

  it('has who may still take the plan take it, so that what is undone is on record there', () => {
    const script = new Script().start().fail('cp1', 'OPERATION_IN_PROGRESS').fail('cp2', 'PLAN_UNKNOWN');
    expect(script.askOf('cp2').kind).toBe('promise');
    script.answer('cp2', { kind: 'promise' });
    expect(stepOf(script, 'cp2')).toBe(Step.STEP_UNDO_STOP);
    expect(script.state.nodes.get('cp2')?.promised).toBe(true);
  });

  it('is said of nobody where no node has it on record, before the fence too', () => {
    const script = undoing(STAGE);
    for (const node of ['cp1', 'cp2', 'cp3']) script.fail(node, 'UNREACHABLE');
    script.fire('grace');
    expect(script.outcome).toBeUndefined();
    script.fire('patience');
    expect([script.outcome, script.failure?.code]).toEqual([
      Outcome.OUTCOME_NEEDS_OPERATOR,
      'UNDO_WITHOUT_QUORUM',
    ]);
    const one = undoing(STAGE);
    for (const node of ['cp2', 'cp3']) one.fail(node, 'UNREACHABLE');
    one.fire('grace').answer('cp1').answer('cp1').answer('cp1');
    expect(one.outcome).toBe(Outcome.OUTCOME_ROLLED_BACK);
  });

  it('is said of nobody where the one node that answers has not taken the plan, or failed to undo it', () => {
    const refused = new Script().start().fail('cp1', 'OPERATION_IN_PROGRESS');
    for (const node of ['cp2', 'cp3']) refused.fail(node, 'UNREACHABLE');
    expect(refused.fire('grace').outcome).toBeUndefined();
    expect([...refused.stageOf('undo').away]).toEqual([]);
    const failed = undoing(STAGE).answerAll().failRepeatedly('cp1', 'DISK_FULL', MAX_FAULTS_PER_STEP);
    for (const node of ['cp2', 'cp3']) failed.fail(node, 'UNREACHABLE');
    expect(failed.fire('grace').outcome).toBeUndefined();
    expect([...failed.stageOf('undo').away]).toEqual([]);
  });

  it('takes a node that will not take the plan for out of it, and waits for one that is busy', () => {
    const asked = (): Script => {
      const script = new Script().start().fail('cp1', 'OPERATION_IN_PROGRESS');
      return script.fail('cp2', 'PLAN_UNKNOWN');
    };
    expect([...asked().fail('cp2', 'DISK_FULL').stageOf('undo').taking]).toEqual(['cp3']);
    const busy = asked().fail('cp2', 'EFFECT_IN_FLIGHT');
    expect([...busy.stageOf('undo').taking]).toEqual(['cp2', 'cp3']);
    expect(busy.timers('retry')).toHaveLength(1);
  });

  it('is left to who promised more, by a node that is known to have promised', () => {
    expect(undoing().fail('cp2', 'EPOCH_STALE').stage.kind).toBe('superseded');
  });

  describe('that a takeover began while a node was away', () => {
    const cause = failureOf('ABORTED', 'asked for');
    const effectOf = (step: Step, index: number) => ({
      sequence: BigInt(index + 1),
      step,
      intendedMs: 500_000n,
      completedMs: 500_001n,
      detailJson: '',
      epoch: undefined,
    });
    const takenOver = (...begun: Step[]): Script => {
      const plan = modelPlan();
      const taken = takenOverOperation(plan, { number: 0n, coordinatorId: 'c2' }, 1_000_000, cause);
      const script = new Script(plan, taken).start();
      const ledger = {
        state: LedgerState.OPERATION_STATE_OPEN,
        promised: { number: 1n, coordinatorId: 'c1' },
        effects: begun.map(effectOf),
      };
      script.answerLedger('cp1', ledger).answerLedger('cp2', ledger).fail('cp3', 'UNREACHABLE').fire('grace');
      script.answerAll().answerLedger('cp1', ledger).answerLedger('cp2', ledger);
      expect(script.stage.kind).toBe('undo');
      return script;
    };

    it('settles anew where that node obeys who commanded before', () => {
      const script = takenOver().fail('cp3', 'EPOCH_STALE');
      expect([script.stageOf('settle').part, script.stageOf('settle').cause]).toEqual(['survey', cause]);
    });

    it('is left to who promised more, by a node that was there', () => {
      expect(takenOver().fail('cp1', 'EPOCH_STALE').stage.kind).toBe('superseded');
    });

    it.each([
      ['before the fence', [Step.STEP_STAGE], true],
      ['after it, where OLD served nobody before', [Step.STEP_STAGE, Step.STEP_FENCE_API], false],
    ])(
      'goes on without those that are away where it is undone on one already, %s',
      (_when, begun, serving) => {
        const plan = modelPlan();
        if (plan.baseline !== undefined) plan.baseline.serving = serving;
        const effects = begun.map(effectOf);
        const taken = takenOverOperation(plan, { number: 0n, coordinatorId: 'c2' }, 1_000_000, cause);
        const script = new Script(plan, taken).start();
        const promised = { number: 1n, coordinatorId: 'c1' };
        const undone = { state: LedgerState.OPERATION_STATE_UNDONE, promised, effects };
        const open = { state: LedgerState.OPERATION_STATE_OPEN, promised, effects };
        script.answerLedger('cp1', undone).answerLedger('cp2', open).answerLedger('cp3', open);
        script.answerAll().answerLedger('cp1', undone).answerLedger('cp2', open).answerLedger('cp3', open);
        expect(script.asked).toEqual(['cp2', 'cp3']);
        script.fail('cp2', 'UNREACHABLE').fail('cp3', 'UNREACHABLE').fire('grace');
        expect(script.outcome).toBe(Outcome.OUTCOME_ROLLED_BACK);
      },
    );

    it('settles anew where it says so only when it is asked to take the plan', () => {
      const script = takenOver(Step.STEP_STAGE).fail('cp3', 'PLAN_UNKNOWN').fail('cp3', 'EPOCH_STALE');
      expect(script.stageOf('settle').part).toBe('survey');
    });

    it('tries again where anything else keeps a node from it', () => {
      for (const node of ['cp1', 'cp3']) {
        const script = takenOver().fail(node, 'STOP_UNPROVEN');
        expect([script.stage.kind, script.timers('retry').length]).toEqual(['undo', 1]);
      }
    });

    it('does without that node where it knows nothing of the operation, and nothing was down', () => {
      const script = takenOver(Step.STEP_STAGE).fail('cp3', 'PLAN_UNKNOWN').fail('cp3', 'LEDGER_STRANGER');
      expect([...script.stageOf('undo').taking]).toEqual(['cp1', 'cp2']);
    });

    it('ends in a person’s hands where it lost its ledger during the downtime: NEW may run there', () => {
      const script = takenOver(Step.STEP_STAGE, Step.STEP_FENCE_API).fail('cp3', 'LEDGER_STRANGER');
      expect([script.outcome, script.failure?.code]).toEqual([Outcome.OUTCOME_NEEDS_OPERATOR, 'UNDO_FAILED']);
    });
  });

  it('takes a node that is undone already for done', () => {
    const script = undoing().fail('cp1', 'ALREADY_UNDONE').answer('cp2').answer('cp3');
    expect(script.asked).toEqual(['cp2', 'cp3']);
    expect(script.state.nodes.get('cp1')?.undone).toBe(true);
  });

  it('stops where a node is committed: that cannot be', () => {
    const script = undoing().fail('cp1', 'ALREADY_COMMITTED');
    expect([script.outcome, script.failure?.code]).toEqual([
      Outcome.OUTCOME_NEEDS_OPERATOR,
      'LEDGERS_DISAGREE',
    ]);
  });

  it('stops where a node that promised says that it never did', () => {
    const script = undoing().fail('cp1', 'LEDGER_STRANGER');
    expect([script.outcome, script.failure?.code]).toEqual([Outcome.OUTCOME_NEEDS_OPERATOR, 'UNDO_FAILED']);
  });

  it('takes a fault in an answer for a fault, and tries again a few times', () => {
    const failure = { code: 'STOP_UNPROVEN', node: 'cp1', message: 'm', cure: '', causes: [] };
    const script = undoing();
    for (let fault = 1; fault < MAX_FAULTS_PER_STEP; fault += 1) {
      script.answerStep('cp1', { failure });
      expect(script.stage.kind).toBe('undo');
      script.fire('retry', 'cp1');
    }
    script.answerStep('cp1', { failure });
    expect([script.outcome, script.failure?.code]).toEqual([Outcome.OUTCOME_NEEDS_OPERATOR, 'UNDO_FAILED']);
  });

  it('tries an agent that is busy as often as it takes', () => {
    expect(undoing().failRepeatedly('cp1', 'EFFECT_IN_FLIGHT', 20).stage.kind).toBe('undo');
  });

  it('goes on with the others once NEW is stopped, and then says who failed', () => {
    const script = undoing().answerAll().answer('cp2').answer('cp3');
    expect(stepOf(script, 'cp1')).toBe(Step.STEP_UNDO_START);
    script.failRepeatedly('cp1', 'KUBELET_HOLD_FAILED', MAX_FAULTS_PER_STEP);
    expect(script.asked).toEqual(['cp2', 'cp3']);
    script.answerAll();
    expect([script.outcome, script.failure?.code]).toEqual([Outcome.OUTCOME_NEEDS_OPERATOR, 'UNDO_FAILED']);
    expect(script.failure?.causes.join()).toContain('KUBELET_HOLD_FAILED');
  });
});

describe('who does not answer an undo', () => {
  it('is waited for during the grace, and then left out where the others are OLD’s quorum', () => {
    const script = undoing().answer('cp1').answer('cp2').fail('cp3', 'UNREACHABLE');
    expect([...script.stageOf('undo').pending]).toEqual(['cp3']);
    script.fire('grace');
    expect(script.stageOf('undo').index).toBe(1);
    expect(script.asked).toEqual(['cp1', 'cp2']);
    expect([...script.stageOf('undo').away]).toEqual(['cp3']);
  });

  it('is left out at once after the grace, one by one, as long as they are few enough', () => {
    const script = undoing().answer('cp1').fire('grace');
    script.fail('cp3', 'NODE_UNREACHABLE');
    expect([...script.stageOf('undo').away]).toEqual(['cp3']);
    script.fail('cp2', 'UNREACHABLE');
    // Two of three: OLD could not serve without them.
    expect(script.stageOf('undo')).toMatchObject({ index: 0, pending: new Set(['cp2']) });
    expect([...script.stageOf('undo').away]).toEqual(['cp3']);
  });

  it('is left out, however many they are, where nothing was down', () => {
    const script = undoing(STAGE).answer('cp1').fail('cp2', 'UNREACHABLE').fail('cp3', 'UNREACHABLE');
    expect(script.fire('grace').stageOf('undo').index).toBe(1);
  });

  it('is waited for where nobody has heard of the undo, though OLD served nobody before', () => {
    const plan = modelPlan();
    if (plan.baseline !== undefined) plan.baseline.serving = false;
    const nobody = undoing(SWAP, plan);
    for (const node of ['cp1', 'cp2', 'cp3']) nobody.fail(node, 'UNREACHABLE');
    expect(nobody.fire('grace').stageOf('undo')).toMatchObject({ index: 0, away: new Set() });
    // Another coordinator had taken it over, and may have committed it.
    expect(nobody.fire('retry', 'cp2').fail('cp2', 'EPOCH_STALE').stage.kind).toBe('superseded');
    const one = undoing(SWAP, plan).answer('cp1').fail('cp2', 'UNREACHABLE').fail('cp3', 'UNREACHABLE');
    expect(one.fire('grace').stageOf('undo').index).toBe(1);
    // It has the undo on record: nobody can commit any more, and each goes back when it returns.
    expect(one.fail('cp1', 'UNREACHABLE').fire('grace').outcome).toBe(Outcome.OUTCOME_ROLLED_BACK);
  });

  it('is left out only while it does not answer', () => {
    const script = undoing().answer('cp1').answer('cp2').fail('cp3', 'UNREACHABLE').fire('retry', 'cp3');
    script.fail('cp3', 'EFFECT_IN_FLIGHT').fire('grace');
    expect(script.stageOf('undo')).toMatchObject({ index: 0, away: new Set() });
    script.fire('retry', 'cp3');
    // It works: its own end is waited for.
    expect(stepOf(script, 'cp3')).toBe(Step.STEP_UNDO_STOP);
  });

  it('leaves the rest of a step to those that answer later', () => {
    const script = undoing().fail('cp3', 'UNREACHABLE').fire('grace');
    expect(script.stageOf('undo')).toMatchObject({ index: 0, pending: new Set(['cp1', 'cp2']) });
    expect(script.answer('cp1').answer('cp2').stageOf('undo').index).toBe(1);
  });

  it('and comes back too late changes nothing in this step', () => {
    const script = undoing().fail('cp3', 'UNREACHABLE').fire('retry', 'cp3').answer('cp1').fire('grace');
    expect([...script.stageOf('undo').away]).toEqual(['cp3']);
    const before = script.stageOf('undo');
    expect(script.answer('cp3').stageOf('undo')).toEqual(before);
    expect(script.effects).toEqual([]);
    expect(script.answer('cp2').asked).toEqual(['cp1', 'cp2']);
    const failing = undoing().fail('cp3', 'UNREACHABLE').fire('retry', 'cp3').fire('grace');
    expect(failing.fail('cp3', 'ALREADY_COMMITTED').stage.kind).toBe('undo');
  });

  it('is left out as soon as enough others have come back', () => {
    const script = undoing()
      .answer('cp1')
      .fail('cp2', 'UNREACHABLE')
      .fail('cp3', 'UNREACHABLE')
      .fire('grace');
    expect([...script.stageOf('undo').pending]).toEqual(['cp2', 'cp3']);
    script.fire('retry', 'cp2').answer('cp2');
    expect(script.stageOf('undo')).toMatchObject({ index: 1, away: new Set(['cp3']) });
  });

  it('ends in a person’s hands where OLD cannot serve without them', () => {
    const script = undoing()
      .answer('cp1')
      .fail('cp2', 'UNREACHABLE')
      .fail('cp3', 'UNREACHABLE')
      .fire('grace');
    expect(script.stageOf('undo').index).toBe(0);
    script.fire('patience');
    expect([script.outcome, script.failure?.code]).toEqual([
      Outcome.OUTCOME_NEEDS_OPERATOR,
      'UNDO_WITHOUT_QUORUM',
    ]);
  });

  it('is told from who answers and does not come to an end', () => {
    const script = undoing().answer('cp1').fail('cp2', 'UNREACHABLE').fire('patience');
    expect([script.outcome, script.failure?.code]).toEqual([Outcome.OUTCOME_NEEDS_OPERATOR, 'UNDO_FAILED']);
    expect(script.failure?.causes.join()).toContain('cp3: STEP_TIMED_OUT');
  });
});

describe('what an undo hears', () => {
  it('of a node that may never have promised is judged by what it says', () => {
    // Its promise was lost; a stale epoch is another’s once this coordinator has taken over.
    const lost = (): Script =>
      new Script().start().answer('cp1').fail('cp3', 'UNREACHABLE').fail('cp2', 'PLAN_UNKNOWN');
    const out = lost().fail('cp3', 'OPERATION_NOT_FOUND').fail('cp3', 'PLAN_UNKNOWN');
    expect([...out.stageOf('undo').taking]).toEqual(['cp1']);
    expect(out.state.nodes.get('cp3')?.promised).toBe(false);
    const busy = lost().fail('cp3', 'EFFECT_IN_FLIGHT');
    expect([...busy.stageOf('undo').taking]).toEqual(['cp1', 'cp3']);
    const full = lost().fail('cp3', 'DISK_FULL');
    expect([...full.stageOf('undo').taking]).toEqual(['cp1', 'cp3']);
    expect(full.timers('retry')).toHaveLength(1);
  });

  it('of a node that promised, before the fence, is that there is nothing to undo', () => {
    const script = undoing(STAGE).fail('cp2', 'PLAN_UNKNOWN');
    expect([...script.stageOf('undo').taking]).toEqual(['cp1', 'cp3']);
  });

  it('too late of another question is a defect', () => {
    expect(() => undoing().answer('cp1', { kind: 'commit' })).toThrow('commit answers execute');
  });

  it('of nobody absent, at the grace, changes nothing', () => {
    const script = undoing().answer('cp1');
    const pending = [...script.stageOf('undo').pending];
    script.fire('grace');
    expect([...script.stageOf('undo').pending]).toEqual(pending);
    expect(script.effects.some(({ kind }) => kind === 'publish')).toBe(false);
    // One that is absent only after the grace is left out by the next answer of anybody.
    script.fail('cp3', 'UNREACHABLE');
    expect([...script.stageOf('undo').away]).toEqual(['cp3']);
  });

  it('of the last that answers leaves out who is absent, after the grace and not before', () => {
    const early = undoing().fail('cp3', 'UNREACHABLE').answer('cp1');
    expect([...early.stageOf('undo').pending]).toEqual(['cp2', 'cp3']);
    early.answer('cp2');
    expect([...early.stageOf('undo').pending]).toEqual(['cp3']);
  });

  it('of a stale epoch from a node that promised is told at once, however busy it says to be', () => {
    expect(undoing().fail('cp2', 'EPOCH_STALE').stage.kind).toBe('superseded');
  });
});
