import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import { OperationState as LedgerState, Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { describe, expect, it } from 'vitest';
import { MAX_FAULTS_PER_STEP, MAX_PULLS, MAX_UNANSWERED_IN_DOWNTIME, STEP_TIMEOUT_MS } from './limits.ts';
import {
  CLOSE_POSITION,
  COMMIT_POSITION,
  FENCE_POSITION,
  PREPARE_GATE_POSITION,
  positionOfStep,
} from './phases.ts';
import { takenOverOperation } from './state.ts';
import { modelPlan } from './testing/driver.ts';
import { Script, servingMember } from './testing/script.ts';

const STAGE = positionOfStep(Step.STEP_STAGE);
const REINSPECT = positionOfStep(Step.STEP_REINSPECT);
const SWAP = positionOfStep(Step.STEP_SWAP);
const START_API = positionOfStep(Step.STEP_START_API);
const GATE = PREPARE_GATE_POSITION + 1;

describe('a promise', () => {
  it('that was refused for its epoch is no word of another coordinator: what was promised is undone', () => {
    const script = new Script().start().fail('cp2', 'EPOCH_STALE');
    expect(script.stage.kind).toBe('undo');
  });

  it('that was refused leaves its node out of the undo, one that was lost does not', () => {
    const script = new Script().start().answer('cp1').fail('cp3', 'UNREACHABLE').fail('cp2', 'PLAN_UNKNOWN');
    expect([...script.stageOf('undo').taking]).toEqual(['cp1', 'cp3']);
  });

  it('is asked for of those that have not given it', () => {
    const script = new Script(
      modelPlan(),
      takenOverOperation(modelPlan(), { number: 0n, coordinatorId: 'c2' }, 1_000_000),
    );
    script.start();
    const open = { state: LedgerState.OPERATION_STATE_OPEN, promised: { number: 1n, coordinatorId: 'c1' } };
    const read = (): void => {
      script.answerLedger('cp1', open).answerLedger('cp2', open).fail('cp3', 'OPERATION_NOT_FOUND');
    };
    read();
    expect(script.asked).toEqual(['cp1', 'cp2']);
    script.answerAll();
    read();
    expect(script.stageOf('forward').position).toBe(0);
    expect(script.asked).toEqual(['cp3']);
  });
});

describe('a step', () => {
  it('fails where its result says so, and is a refusal where it drifted', () => {
    const failure = { code: 'DISK_FULL', node: 'cp2', message: 'full', cure: '', causes: [] };
    const failed = new Script().forwardTo(STAGE).answerStep('cp2', { failure });
    expect(failed.stageOf('undo').cause).toMatchObject({ code: 'DISK_FULL', node: 'cp2' });
    const drift = [refusal('PLAN_DRIFTED', 'a manifest was another', 'cp2')];
    const drifted = new Script().forwardTo(REINSPECT).answerStep('cp2', { drift });
    expect(drifted.stageOf('undo').cause).toMatchObject({ code: 'PLAN_DRIFTED', node: 'cp2' });
  });

  it('waits for its own deadline, and for none of a step before it', () => {
    const script = new Script().forwardTo(SWAP);
    expect(script.timers('step-deadline')).toHaveLength(1);
    script.fire('step-deadline');
    expect(script.stageOf('undo').cause).toMatchObject({ code: 'STEP_TIMED_OUT', node: 'cp1' });
  });

  it('refused for its epoch leaves the operation to who promised more', () => {
    expect(new Script().forwardTo(STAGE).fail('cp2', 'EPOCH_STALE').stage.kind).toBe('superseded');
  });

  it('gets what is left of its time, and never less than a second', () => {
    const script = new Script().forwardTo(SWAP);
    script.nowMs += STEP_TIMEOUT_MS.swap;
    script.fail('cp2', 'UNREACHABLE').fire('retry', 'cp2');
    expect(script.askOf('cp2')).toMatchObject({ kind: 'execute', timeoutMs: 1000 });
  });

  it('is done in groups: followers before the leader, and one by one where members check their peers', () => {
    const script = new Script().forwardTo(positionOfStep(Step.STEP_BUILD));
    expect(script.asked).toEqual(['cp1', 'cp2']);
    script.answer('cp1');
    expect(script.asked).toEqual(['cp2']);
    expect(script.answer('cp2').asked).toEqual(['cp3']);
    const inTurn = new Script(modelPlan({ startMembersInTurn: true })).forwardTo(
      positionOfStep(Step.STEP_START_ETCD),
    );
    expect(inTurn.asked).toEqual(['cp1']);
    expect(inTurn.answer('cp1').asked).toEqual(['cp2']);
  });
});

describe('patience', () => {
  it('has no end before the fence', () => {
    const script = new Script().forwardTo(STAGE).failRepeatedly('cp2', 'UNREACHABLE', 30);
    expect(script.stageOf('forward').position).toBe(STAGE);
  });

  it.each([FENCE_POSITION, SWAP, GATE - 1])(
    'ends with the last of its asks in downtime, at %i',
    (position) => {
      const node = position === PREPARE_GATE_POSITION ? 'cp1' : 'cp2';
      const script = new Script().forwardTo(position);
      script.failRepeatedly(node, 'UNREACHABLE', MAX_UNANSWERED_IN_DOWNTIME);
      expect(script.stageOf('forward').position).toBe(position);
      script.fire('retry', node).fail(node, 'UNREACHABLE');
      expect(script.stageOf('undo').cause).toMatchObject({ code: 'NODE_UNREACHABLE', node });
    },
  );

  it('with an agent that is at work has the step’s own end', () => {
    const script = new Script().forwardTo(SWAP).failRepeatedly('cp2', 'EFFECT_IN_FLIGHT', 30);
    expect(script.stageOf('forward').position).toBe(SWAP);
  });

  it('has no end from the commit on but the step’s own', () => {
    for (const position of [COMMIT_POSITION, START_API]) {
      const script = new Script().forwardTo(position).failRepeatedly('cp2', 'UNREACHABLE', 30);
      expect(script.stageOf('forward')).toMatchObject({ position, behind: new Map() });
    }
  });

  it('with a pull that fails ends with the last of its tries', () => {
    const script = new Script().forwardTo(STAGE).failRepeatedly('cp2', 'PULL_FAILED', MAX_PULLS);
    expect(script.stageOf('forward').position).toBe(STAGE);
    script.fire('retry', 'cp2').fail('cp2', 'PULL_FAILED');
    expect(script.stageOf('undo').cause).toMatchObject({ code: 'PULL_FAILED' });
  });
});

describe('the longest outage', () => {
  const limited = modelPlan({ maxOutageMs: 60_000n });

  it('begins with the fence, lasts to the commit, and is counted once', () => {
    const script = new Script(limited).forwardTo(REINSPECT);
    expect([script.state.fencedMs, script.timers('max-outage')]).toEqual([undefined, []]);
    script.forwardTo(FENCE_POSITION);
    const { fencedMs } = script.state;
    expect(fencedMs).toBe(script.nowMs);
    const [timer] = script.timers('max-outage');
    script.forwardTo(GATE);
    expect([script.state.fencedMs, script.timers('max-outage')]).toEqual([fencedMs, [timer]]);
    script.forwardTo(COMMIT_POSITION);
    expect([script.state.fencedMs, script.timers('max-outage')]).toEqual([fencedMs, []]);
  });

  it('ends in an undo, and in none where nobody set one', () => {
    const script = new Script(limited).forwardTo(SWAP).fire('max-outage');
    expect(script.stageOf('undo').cause).toMatchObject({ code: 'MAX_OUTAGE_EXCEEDED' });
    expect(new Script().forwardTo(SWAP).timers('max-outage')).toEqual([]);
  });
});

describe('the gate', () => {
  it('asks again where a member did not say, whatever kept it', () => {
    const script = new Script().forwardTo(GATE).answer('cp1').answer('cp2').fail('cp3', 'EPOCH_STALE');
    expect(script.stageOf('forward').position).toBe(GATE);
    expect(script.timers('gate-retry')).toHaveLength(1);
    expect(script.fire('gate-retry').asked).toEqual(['cp1', 'cp2', 'cp3']);
  });

  it('pins the revision of the canary', () => {
    const script = new Script().forwardTo(PREPARE_GATE_POSITION).answerStep('cp1', { canaryRevision: 42n });
    expect(script.askOf('cp2')).toEqual({ kind: 'observe', hashRevision: 42n });
  });

  it('says at its deadline what it had waited for', () => {
    const script = new Script().forwardTo(GATE).answer('cp1').answer('cp2');
    script.answer('cp3', { kind: 'observe', member: { ...servingMember('cp3'), serving: false } });
    script.fire('gate-retry').fire('step-deadline');
    expect(script.stageOf('undo').cause.message).toContain('the member on cp3 does not serve yet');
  });
});

describe('from the commit on', () => {
  it('a fault is tried again a few times; nobody is left behind by the commit itself', () => {
    const script = new Script().forwardTo(COMMIT_POSITION).answer('cp1').answer('cp3');
    script.failRepeatedly('cp2', 'DISK_FULL', MAX_FAULTS_PER_STEP - 1);
    expect(script.stageOf('forward').position).toBe(COMMIT_POSITION);
    expect(script.fire('retry', 'cp2').fail('cp2', 'DISK_FULL').stage.kind).toBe('settle');
  });

  it.each(['DISK_FULL', 'PULL_FAILED'])(
    'who cannot go on for %s is left behind and the others do, but close nothing',
    (code) => {
      const script = new Script().forwardTo(START_API).answer('cp1').answer('cp3');
      script.failRepeatedly('cp2', code, MAX_FAULTS_PER_STEP - 1);
      expect(script.stageOf('forward').position).toBe(START_API);
      script.fire('retry', 'cp2').fail('cp2', code);
      expect(script.stageOf('forward').position).toBe(START_API + 1);
      expect(script.asked).toEqual(['cp1', 'cp3']);
      script.answerAll();
      expect([script.outcome, script.failure?.code]).toEqual([
        Outcome.OUTCOME_NEEDS_OPERATOR,
        'FORWARD_FAILED',
      ]);
      expect([...script.state.nodes.values()].some(({ closed }) => closed)).toBe(false);
    },
  );

  it('everyone who is late is left behind together', () => {
    const script = new Script().forwardTo(START_API).answer('cp1').fire('step-deadline');
    expect([...script.stageOf('forward').behind.keys()]).toEqual(['cp2', 'cp3']);
    expect(script.asked).toEqual(['cp1']);
  });

  it('a closed ledger takes no more steps', () => {
    const plan = modelPlan();
    const script = new Script(
      plan,
      takenOverOperation(plan, { number: 0n, coordinatorId: 'c2' }, 1_000_000),
    ).start();
    const promised = { number: 1n, coordinatorId: 'c1' };
    const committed = { state: LedgerState.OPERATION_STATE_COMMITTED, promised };
    const closed = { state: LedgerState.OPERATION_STATE_CLOSED, promised };
    const read = (): void => {
      script.answerLedger('cp1', closed).answerLedger('cp2', committed).answerLedger('cp3', committed);
    };
    read();
    script.answerAll();
    read();
    expect(script.stageOf('forward').position).toBe(COMMIT_POSITION);
    for (let position = COMMIT_POSITION; position <= CLOSE_POSITION; position += 1) {
      expect(script.asked).toEqual(['cp2', 'cp3']);
      script.answerAll();
    }
    expect(script.outcome).toBe(Outcome.OUTCOME_RESTORED);
  });
});
