import {
  OperationState as LedgerState,
  type ReadLedgerResponse,
  Step,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { describe, expect, it } from 'vitest';
import { failureOf } from './failures.ts';
import { MAX_FAULTS_PER_STEP, MAX_SETTLE_ROUNDS, SEQUENCES_PER_EPOCH } from './limits.ts';
import { COMMIT_POSITION, positionOfStep } from './phases.ts';
import { takenOverOperation } from './state.ts';
import { modelPlan } from './testing/driver.ts';
import { Script } from './testing/script.ts';

const ALL = ['cp1', 'cp2', 'cp3'];

function effects(...steps: Step[]): ReadLedgerResponse['effects'] {
  return steps.map((step, index) => ({
    sequence: BigInt(index + 1),
    step,
    intendedMs: BigInt(500_000 + index),
    completedMs: BigInt(500_001 + index),
    detailJson: '',
    epoch: undefined,
  }));
}

const promisedBy = (number: bigint, coordinatorId = 'c1') => ({ number, coordinatorId });
const open = (...steps: Step[]): Partial<ReadLedgerResponse> => ({
  state: LedgerState.OPERATION_STATE_OPEN,
  promised: promisedBy(1n),
  effects: effects(...steps),
});
const SWAPPING = open(Step.STEP_FENCE_API, Step.STEP_FENCE_ETCD, Step.STEP_SWAP);
const GATED = open(Step.STEP_FENCE_API, Step.STEP_START_ETCD, Step.STEP_PREPARE_GATE);

function takingOver(plan = modelPlan(), abort?: ReturnType<typeof failureOf>): Script {
  return new Script(
    plan,
    takenOverOperation(plan, { number: 0n, coordinatorId: 'c2' }, 1_000_000, abort),
  ).start();
}

/** Survey, promise and read with the same answers on every node. */
function settledOn(script: Script, ledger: Partial<ReadLedgerResponse>): Script {
  for (const node of ALL) script.answerLedger(node, ledger);
  script.answerAll();
  for (const node of ALL) script.answerLedger(node, ledger);
  return script;
}

describe('a takeover', () => {
  it('surveys, promises above everybody, and reads again before it decides', () => {
    const script = takingOver();
    expect(script.stageOf('settle').part).toBe('survey');
    expect(ALL.map((node) => script.askOf(node).kind)).toEqual(['read-ledger', 'read-ledger', 'read-ledger']);
    script.answerLedger('cp1', SWAPPING);
    script.answerLedger('cp2', { ...SWAPPING, promised: promisedBy(9n, 'c0') });
    expect(script.stageOf('settle').part).toBe('survey');
    script.answerLedger('cp3', SWAPPING);
    expect(script.askOf('cp1')).toEqual({ kind: 'promise', epoch: { number: 10n, coordinatorId: 'c2' } });
    expect(script.state.nextSequence).toBe(10n * SEQUENCES_PER_EPOCH + 1n);
    script.answerAll();
    expect([script.stageOf('settle').part, script.askOf('cp1').kind]).toEqual(['read', 'read-ledger']);
    for (const node of ALL) script.answerLedger(node, SWAPPING);
    expect(script.stageOf('forward').position).toBe(positionOfStep(Step.STEP_SWAP));
    expect(script.state.mayBeCommitted).toBe(false);
    expect(script.state.fencedMs).toBe(500_000);
    expect([...script.state.nodes.values()].map(({ promised }) => promised)).toEqual([true, true, true]);
  });

  it('settles anew where one has come to obey another since it was surveyed', () => {
    const script = takingOver();
    script.answerLedger('cp1', { state: LedgerState.OPERATION_STATE_UNSPECIFIED, operationId: '' });
    script.answerLedger('cp2', open());
    script.answerLedger('cp3', open());
    expect(script.asked).toEqual(['cp2', 'cp3']);
    script.answerAll();
    // In between it took the plan from who commanded before.
    script.answerLedger('cp1', open(Step.STEP_STAGE), 'another');
    script.answerLedger('cp2', open());
    script.answerLedger('cp3', open());
    expect(script.stageOf('settle').part).toBe('survey');
    settledOn(script, open(Step.STEP_STAGE));
    expect(script.stageOf('forward').position).toBe(positionOfStep(Step.STEP_STAGE));
    expect([...script.state.nodes.values()].map(({ promised }) => promised)).toEqual([true, true, true]);
  });

  it.each<[string, Partial<ReadLedgerResponse>]>([
    ['a number that is not its own', { promised: promisedBy(3n, 'c2') }],
    ['another’s promise of the same number', { promised: promisedBy(2n, 'c9') }],
    ['another that it has committed for', { ...GATED, state: LedgerState.OPERATION_STATE_COMMITTED }],
  ])('settles anew where a node obeys %s', (_what, ledger) => {
    const script = takingOver();
    for (const node of ALL) script.answerLedger(node, GATED);
    script.answerAll();
    const { settleRounds } = script.state;
    expect(script.state.epoch.number).toBe(2n);
    script.answerLedger('cp1', { ...GATED, ...ledger }, 'another');
    script.answerLedger('cp2', GATED).answerLedger('cp3', GATED);
    expect([script.stage.kind, script.state.settleRounds]).toEqual(['settle', settleRounds + 1]);
  });

  it('does not wait for what a node has open of another operation', () => {
    const script = takingOver();
    const { settleRounds } = script.state;
    const read = (): unknown =>
      script
        .answerLedger('cp1', { ...open(), operationId: 'r-9' }, 'another')
        .answerLedger('cp2', open())
        .answerLedger('cp3', open());
    read();
    script.answerAll();
    read();
    expect([script.stage.kind, script.state.settleRounds]).toEqual(['forward', settleRounds]);
  });

  it('leaves the operation to another that takes what it was promised, again and again', () => {
    const script = takingOver();
    for (let round = script.state.settleRounds; round <= MAX_SETTLE_ROUNDS; round += 1) {
      for (const node of ALL) script.answerLedger(node, open());
      script.answerAll();
      for (const node of ALL) script.answerLedger(node, open(), 'another');
    }
    expect(script.stage.kind).toBe('superseded');
  });

  it('numbers its events above those of every epoch before', () => {
    const plan = modelPlan();
    const later = {
      ...takenOverOperation(plan, { number: 0n, coordinatorId: 'c2' }, 1_000_000),
      nextSequence: 10n ** 12n,
    };
    const script = new Script(plan, later).start();
    for (const node of ALL) script.answerLedger(node, SWAPPING);
    expect(script.state.nextSequence).toBe(10n ** 12n);
  });

  it('asks no promise of what cannot obey: an ended ledger, a strange one, one that knows nothing', () => {
    const script = takingOver();
    script.answerLedger('cp1', { ...SWAPPING, state: LedgerState.OPERATION_STATE_UNDONE });
    script.answerLedger('cp2', { ...SWAPPING, ledgerId: 'another' });
    script.fail('cp3', 'OPERATION_NOT_FOUND');
    expect(script.stageOf('settle').part).toBe('read');
    const other = takingOver();
    other.answerLedger('cp1', { ...GATED, state: LedgerState.OPERATION_STATE_COMMITTED });
    other
      .answerLedger('cp2', { ...GATED, state: LedgerState.OPERATION_STATE_CLOSED })
      .answerLedger('cp3', GATED);
    expect(other.asked).toEqual(['cp1', 'cp3']);
  });

  it('ends what has ended, asking nobody for anything', () => {
    const script = takingOver();
    const closed = { ...GATED, state: LedgerState.OPERATION_STATE_CLOSED };
    for (const node of ALL) script.answerLedger(node, closed);
    expect(script.stageOf('settle').part).toBe('read');
    for (const node of ALL) script.answerLedger(node, closed);
    expect(script.outcome).toBe(Outcome.OUTCOME_RESTORED);
  });

  it('goes forward from the commit on, once one is committed, and remembers that it may be', () => {
    const script = settledOn(takingOver(), { ...GATED, state: LedgerState.OPERATION_STATE_COMMITTED });
    expect(script.stageOf('forward').position).toBe(COMMIT_POSITION);
    expect(script.state.mayBeCommitted).toBe(true);
  });

  it('undoes where somebody asked for it, before or meanwhile, and no one has committed', () => {
    const before = settledOn(takingOver(modelPlan(), failureOf('ABORTED', 'before')), SWAPPING);
    expect(before.stageOf('undo').cause.message).toBe('before');
    const meanwhile = takingOver();
    meanwhile.feed({ kind: 'abort', failure: failureOf('ABORTED', 'meanwhile'), atMs: meanwhile.nowMs });
    expect(settledOn(meanwhile, SWAPPING).stageOf('undo').cause.message).toBe('meanwhile');
    expect(meanwhile.state.mayBeCommitted).toBe(false);
  });

  it('undoes what nobody has begun once the plan has expired, and not a moment before', () => {
    const at = (expiresMs: bigint): Script =>
      settledOn(takingOver(modelPlan({ expiresMs })), open(Step.STEP_STAGE));
    const inTime = at(10n ** 15n);
    expect(inTime.stage.kind).toBe('forward');
    expect(at(BigInt(inTime.nowMs)).stage.kind).toBe('forward');
    expect(at(BigInt(inTime.nowMs - 1)).stageOf('undo').cause.code).toBe('PLAN_EXPIRED');
  });

  it('ends an undo in the words that began it, which alone decide nothing', () => {
    const undoneFor = failureOf('MAX_OUTAGE_EXCEEDED', 'too long');
    const on = (ledger: Partial<ReadLedgerResponse>): Script => {
      const plan = modelPlan();
      const taken = takenOverOperation(plan, { number: 0n, coordinatorId: 'c2' }, 1_000_000);
      return settledOn(new Script(plan, { ...taken, undoneFor }).start(), ledger);
    };
    const undoing = open(Step.STEP_FENCE_API, Step.STEP_UNDO_STOP);
    expect(on(undoing).stageOf('undo').cause).toEqual(undoneFor);
    expect(on(SWAPPING).stage.kind).toBe('forward');
    const script = new Script(modelPlan(), {
      ...takenOverOperation(modelPlan(), { number: 0n, coordinatorId: 'c2' }, 1_000_000),
      undoneFor,
    }).start();
    const undone = { ...undoing, state: LedgerState.OPERATION_STATE_UNDONE };
    for (const part of ['survey', 'read']) {
      expect(script.stageOf('settle').part).toBe(part);
      for (const node of ALL) script.answerLedger(node, undone);
    }
    expect([script.outcome, script.failure]).toEqual([Outcome.OUTCOME_ROLLED_BACK, undoneFor]);
  });

  it('counts the outage from the ledgers’ fence, and undoes once it lasts too long', () => {
    const script = settledOn(takingOver(modelPlan({ maxOutageMs: 600_000n })), SWAPPING);
    const [timer] = script.timers('max-outage');
    expect(timer).toBeDefined();
    expect(script.fire('max-outage').stageOf('undo').cause.code).toBe('MAX_OUTAGE_EXCEEDED');
    expect(settledOn(takingOver(), SWAPPING).timers('max-outage')).toEqual([]);
    const untouched = settledOn(takingOver(modelPlan({ maxOutageMs: 600_000n })), open(Step.STEP_STAGE));
    expect([untouched.state.fencedMs, untouched.timers('max-outage')]).toEqual([undefined, []]);
  });

  it('remembers phases and ends of nodes from the ledgers', () => {
    const script = takingOver();
    const undone = { ...SWAPPING, state: LedgerState.OPERATION_STATE_UNDONE };
    script
      .answerLedger('cp1', undone)
      .answerLedger('cp2', SWAPPING)
      .answerLedger('cp3', SWAPPING)
      .answerAll();
    script.answerLedger('cp1', undone).answerLedger('cp2', SWAPPING).answerLedger('cp3', SWAPPING);
    expect(script.stageOf('undo').taking).toEqual(new Set(['cp2', 'cp3']));
    expect(script.state.startedMs).toBe(500_000);
    expect(script.state.phases.map(({ startedMs }) => startedMs)).toEqual([500_000, 500_002, script.nowMs]);
  });

  it('leaves a lost ledger’s node out of an undo only before the fence', () => {
    const lost = (ledger: Partial<ReadLedgerResponse>): Script => {
      const script = takingOver(modelPlan(), failureOf('ABORTED', 'x'));
      const read = (): unknown =>
        script.answerLedger('cp1', ledger).answerLedger('cp2', ledger).fail('cp3', 'OPERATION_NOT_FOUND');
      read();
      script.answerAll();
      read();
      return script;
    };
    expect([...lost(open(Step.STEP_STAGE)).stageOf('undo').taking]).toEqual(['cp1', 'cp2']);
    expect([...lost(SWAPPING).stageOf('undo').taking]).toEqual(ALL);
  });
});

describe('who promised more', () => {
  const raced = (): Script => {
    const script = takingOver();
    for (const node of ALL) script.answerLedger(node, SWAPPING);
    return script.fail('cp1', 'EPOCH_STALE');
  };

  it('is looked at again', () => {
    expect(raced().stageOf('settle').part).toBe('survey');
  });

  it('has the operation where that repeats itself', () => {
    const script = raced();
    for (let round = 2; script.stage.kind === 'settle'; round += 1) {
      expect(round).toBeLessThan(MAX_SETTLE_ROUNDS);
      for (const node of ALL) script.answerLedger(node, SWAPPING);
      script.fail('cp1', 'EPOCH_STALE');
    }
    expect(script.stage.kind).toBe('superseded');
    expect(script.state.settleRounds).toBe(MAX_SETTLE_ROUNDS);
  });

  it('is not taken for one that never took the plan', () => {
    const script = takingOver();
    for (const node of ALL) script.answerLedger(node, SWAPPING);
    script.fail('cp1', 'PLAN_UNKNOWN').answer('cp2').answer('cp3');
    expect(script.stageOf('settle').part).toBe('read');
  });
});

describe('who does not answer a takeover', () => {
  it('is waited for during the grace, and then left out', () => {
    const script = takingOver()
      .answerLedger('cp1', open(Step.STEP_STAGE))
      .answerLedger('cp2', open(Step.STEP_STAGE));
    script.fail('cp3', 'UNREACHABLE');
    expect(script.stageOf('settle').part).toBe('survey');
    script.fire('grace');
    expect(script.asked).toEqual(['cp1', 'cp2']);
    script.answerAll();
    script.answerLedger('cp1', open(Step.STEP_STAGE)).answerLedger('cp2', open(Step.STEP_STAGE));
    expect(script.stageOf('undo').cause.code).toBe('NODE_UNREACHABLE');
  });

  it('is not left out while it may yet answer', () => {
    const script = takingOver().answerLedger('cp1', SWAPPING).fail('cp3', 'UNREACHABLE').fire('grace');
    expect(script.stageOf('settle').part).toBe('survey');
    expect(script.fail('cp2', 'UNREACHABLE').stageOf('settle').part).toBe('promise');
  });

  it('is waited for where nobody answers at all', () => {
    const script = takingOver();
    for (const node of ALL) script.fail(node, 'UNREACHABLE');
    const { epoch, settleRounds } = script.state;
    const { patient } = script.stageOf('settle');
    expect(script.fire('grace').stageOf('settle')).toMatchObject({ part: 'survey', patient });
    // Nothing was settled with nobody: neither a promise nor a round.
    expect([script.state.epoch, script.state.settleRounds]).toEqual([epoch, settleRounds]);
    expect(script.timers('retry')).toHaveLength(ALL.length);
  });

  it('and may have committed is waited for, and whoever is first back goes on', () => {
    const script = takingOver()
      .answerLedger('cp1', GATED)
      .answerLedger('cp2', GATED)
      .fail('cp3', 'UNREACHABLE')
      .fire('grace');
    script.answerAll();
    script.answerLedger('cp1', GATED).answerLedger('cp2', GATED);
    expect(script.stageOf('settle')).toMatchObject({
      part: 'survey',
      patient: true,
      pending: new Set(['cp3']),
    });
    expect(script.asked).toEqual([]);
    expect(script.effects.some((effect) => effect.kind === 'publish')).toBe(true);
    // Its silence is told once, and nobody goes on for it.
    script.fire('retry', 'cp3').fail('cp3', 'UNREACHABLE');
    expect(script.stageOf('settle').part).toBe('survey');
    script.fire('retry', 'cp3').answerLedger('cp3', GATED);
    expect(script.asked).toEqual(ALL);
    script.answerAll();
    for (const node of ALL) script.answerLedger(node, GATED);
    expect(script.stage.kind).toBe('forward');
  });

  it('together with another is waited for no longer once one of them is back', () => {
    const script = takingOver().answerLedger('cp1', GATED);
    script.fail('cp2', 'UNREACHABLE').fail('cp3', 'UNREACHABLE').fire('grace').answerAll();
    script.answerLedger('cp1', GATED);
    expect([...script.stageOf('settle').pending]).toEqual(['cp2', 'cp3']);
    script.fire('retry', 'cp2').answerLedger('cp2', GATED);
    expect([script.stageOf('settle').part, script.asked]).toEqual(['promise', ['cp1', 'cp2']]);
  });

  it('ends in a person’s hands once patience is over', () => {
    const script = takingOver().answerLedger('cp1', SWAPPING).fail('cp3', 'UNREACHABLE').fire('patience');
    expect([script.outcome, script.failure?.code]).toEqual([
      Outcome.OUTCOME_NEEDS_OPERATOR,
      'NODE_UNREACHABLE',
    ]);
  });

  it('with a fault in its ledger is asked again', () => {
    const script = takingOver().fail('cp1', 'LEDGER_UNREADABLE');
    expect(script.timers('retry')).toHaveLength(1);
    expect(script.fire('retry', 'cp1').askOf('cp1').kind).toBe('read-ledger');
  });

  it('with a fault in its promise is asked for it again: it may still obey another', () => {
    const script = takingOver();
    for (const node of ALL) script.answerLedger(node, SWAPPING);
    script.answer('cp1').answer('cp3').fail('cp2', 'DISK_FULL');
    expect(script.stageOf('settle').part).toBe('promise');
    expect(script.fire('retry', 'cp2').askOf('cp2').kind).toBe('promise');
    expect(script.answer('cp2').stageOf('settle').part).toBe('read');
  });
});

describe('while it settles', () => {
  it('drops every timer of the way forward but that of the longest outage', () => {
    const script = new Script(modelPlan({ maxOutageMs: 600_000n })).forwardTo(COMMIT_POSITION);
    script.failRepeatedly('cp1', 'DISK_FULL', MAX_FAULTS_PER_STEP);
    expect(script.stage.kind).toBe('settle');
    expect([script.timers('step-deadline'), script.timers('retry')]).toEqual([[], []]);
    expect([script.timers('grace').length, script.timers('patience').length]).toEqual([1, 1]);
  });

  it('remembers who promised, as soon as it did', () => {
    const script = takingOver();
    for (const node of ALL) script.answerLedger(node, SWAPPING);
    script.answer('cp1');
    expect(script.state.nodes.get('cp1')?.promised).toBe(true);
    expect(script.state.nodes.get('cp2')?.promised).toBeUndefined();
  });

  it('asks a busy agent again without a word, one with a fault aloud', () => {
    const script = takingOver().fail('cp1', 'EFFECT_IN_FLIGHT');
    expect(script.effects.some(({ kind }) => kind === 'publish')).toBe(false);
    expect(script.fail('cp2', 'LEDGER_UNREADABLE').effects.some(({ kind }) => kind === 'publish')).toBe(true);
    for (const code of ['EFFECT_IN_FLIGHT', 'UNREACHABLE']) {
      const promising = takingOver();
      for (const node of ALL) promising.answerLedger(node, SWAPPING);
      expect(promising.fail('cp1', code).effects.some(({ kind }) => kind === 'publish')).toBe(false);
    }
  });

  it('looks for another’s higher promise only where one was asked for', () => {
    const script = takingOver().fail('cp1', 'EPOCH_STALE');
    expect(script.stageOf('settle').part).toBe('survey');
    expect(script.state.settleRounds).toBe(1 + 1);
    expect(script.timers('retry')).toHaveLength(1);
  });

  it('forgets what it knew of a node that it cannot reach', () => {
    const script = takingOver(modelPlan(), failureOf('ABORTED', 'x'));
    script
      .answerLedger('cp1', SWAPPING)
      .answerLedger('cp2', SWAPPING)
      .fail('cp3', 'UNREACHABLE')
      .fire('grace');
    script.answerAll().answerLedger('cp1', SWAPPING).answerLedger('cp2', SWAPPING);
    expect(script.stageOf('undo').taking).toEqual(new Set(ALL));
    expect(script.state.nodes.get('cp3')?.promised).toBeUndefined();
  });

  it('keeps the moment of the fence, and the phases, that it saw itself', () => {
    const script = new Script().forwardTo(COMMIT_POSITION);
    const { fencedMs } = script.state;
    const begun = script.state.phases.map(({ startedMs }) => startedMs);
    script.failRepeatedly('cp1', 'DISK_FULL', MAX_FAULTS_PER_STEP);
    settledOn(script, { ...GATED, state: LedgerState.OPERATION_STATE_COMMITTED });
    expect(script.state.fencedMs).toBe(fencedMs);
    expect(script.state.phases.map(({ startedMs }) => startedMs).slice(0, begun.length)).toEqual(begun);
  });

  it('tells once of whom it waits for', () => {
    const script = takingOver()
      .answerLedger('cp1', GATED)
      .answerLedger('cp2', GATED)
      .fail('cp3', 'UNREACHABLE')
      .fire('grace');
    const notices = (): number =>
      script.effects.filter((each) => each.kind === 'publish' && each.event.event?.$case === 'notice').length;
    script.answerAll().answerLedger('cp1', GATED).answerLedger('cp2', GATED);
    expect(notices()).toBe(1);
    script
      .fire('retry', 'cp3')
      .answerLedger('cp3', GATED)
      .answer('cp1')
      .answer('cp2')
      .fail('cp3', 'UNREACHABLE');
    script.answerLedger('cp1', GATED).answerLedger('cp2', GATED);
    expect(script.stageOf('settle')).toMatchObject({ part: 'survey', patient: true });
    expect(notices()).toBe(0);
  });

  it('counts a closed ledger for committed too', () => {
    const script = takingOver();
    const closed = { ...GATED, state: LedgerState.OPERATION_STATE_CLOSED };
    const committed = { ...GATED, state: LedgerState.OPERATION_STATE_COMMITTED };
    const read = (): unknown =>
      script.answerLedger('cp1', closed).answerLedger('cp2', committed).answerLedger('cp3', committed);
    read();
    script.answerAll();
    read();
    expect([...script.state.nodes.values()].map(({ committed: has, closed: is }) => [has, is])).toEqual([
      [true, true],
      [true, false],
      [true, false],
    ]);
  });
});

describe('a commit that did not come through', () => {
  it('is settled by the ledgers: nobody has it, so it is undone for what kept it', () => {
    const script = new Script().forwardTo(COMMIT_POSITION);
    for (const node of ALL) {
      script.failRepeatedly(node, 'DISK_FULL', MAX_FAULTS_PER_STEP);
      if (script.stage.kind === 'settle') break;
    }
    expect(script.state.mayBeCommitted).toBe(true);
    expect(settledOn(script, GATED).stageOf('undo').cause.code).toBe('DISK_FULL');
  });

  it('ends in a person’s hands where no round settles it', () => {
    const script = new Script().forwardTo(COMMIT_POSITION);
    for (let round = 0; script.stage.kind !== 'ended'; round += 1) {
      expect(round).toBeLessThanOrEqual(MAX_SETTLE_ROUNDS);
      script.failRepeatedly('cp1', 'DISK_FULL', MAX_FAULTS_PER_STEP);
      if (script.stage.kind !== 'settle') continue;
      for (const node of ALL)
        script.answerLedger(node, { ...GATED, state: LedgerState.OPERATION_STATE_COMMITTED });
      script.answerAll();
      for (const node of ALL) {
        script.answerLedger(node, { ...GATED, state: LedgerState.OPERATION_STATE_COMMITTED });
      }
    }
    expect([script.outcome, script.failure?.code]).toEqual([Outcome.OUTCOME_NEEDS_OPERATOR, 'DISK_FULL']);
  });
});
