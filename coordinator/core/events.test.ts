import { Step, StepProgress } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Outcome, Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { describe, expect, it } from 'vitest';
import type { Effect, EventBody } from './events.ts';
import { failureOf } from './failures.ts';
import { RETRY_FIRST_MS, RETRY_LONGEST_MS, SEQUENCES_PER_EPOCH } from './limits.ts';
import { CLOSE_POSITION, COMMIT_POSITION, FENCE_POSITION, positionOfStep } from './phases.ts';
import { hasEnded, isFenced, mayAbort, type OperationState, takenOverOperation } from './state.ts';
import { modelPlan } from './testing/driver.ts';
import { Script } from './testing/script.ts';
import { step } from './transition.ts';
import { retryDelayMs } from './turn.ts';

const STAGE = positionOfStep(Step.STEP_STAGE);
const SWAP = positionOfStep(Step.STEP_SWAP);
const ABORT = failureOf('ABORTED', 'asked for');
const takenOver = (): Script =>
  new Script(modelPlan(), takenOverOperation(modelPlan(), { number: 0n, coordinatorId: 'c2' }, 1_000_000));
const notice = (state: OperationState) =>
  step(state, { kind: 'noticed', code: 'X', message: 'm', atMs: 2_000_000 });
const published = (effects: readonly Effect[]): EventBody[] =>
  effects.flatMap((each) =>
    each.kind === 'publish' && each.event.event !== undefined ? [each.event.event] : [],
  );

/** Answers everything to the end. */
function finished(): Script {
  const script = new Script().forwardTo(CLOSE_POSITION);
  return script.answerAll();
}

describe('an event that cannot be', () => {
  it.each<[string, (script: Script) => unknown, RegExp]>([
    ['a second start', (s) => s.start(), /started although forward/],
    [
      'an answer to no question',
      (s) => s.feed({ kind: 'failed', call: 9999, failure: ABORT, atMs: 1 }),
      /never made/,
    ],
    [
      'an answer to the question before the first',
      (s) => s.feed({ kind: 'failed', call: 0, failure: ABORT, atMs: 1 }),
      /never made/,
    ],
    [
      'an answer to the next question',
      (s) => s.feed({ kind: 'failed', call: s.state.nextCall, failure: ABORT, atMs: 1 }),
      /never made/,
    ],
    ['a timer that nobody set', (s) => s.feed({ kind: 'timer', timer: 0, atMs: 1 }), /never set/],
    [
      'the timer after the last',
      (s) => s.feed({ kind: 'timer', timer: s.state.nextTimer, atMs: 1 }),
      /never set/,
    ],
    ['a timer of long after', (s) => s.feed({ kind: 'timer', timer: 9999, atMs: 1 }), /never set/],
    ['an answer to another question', (s) => s.answer('cp1', { kind: 'commit' }), /commit answers execute/],
  ])('is %s: it throws', (_what, feed, words) => {
    expect(() => feed(new Script().forwardTo(STAGE))).toThrow(words);
  });

  it('is one after the end, and an abort after the commit had begun', () => {
    const ended = finished();
    expect(ended.outcome).toBe(Outcome.OUTCOME_RESTORED);
    expect(() => notice(ended.state)).toThrow('after the end');
    for (const position of [COMMIT_POSITION, CLOSE_POSITION]) {
      const script = new Script().forwardTo(position);
      expect(() => script.feed({ kind: 'abort', failure: ABORT, atMs: 1 })).toThrow('after commit had begun');
    }
    expect(() => ended.feed({ kind: 'abort', failure: ABORT, atMs: 1 })).toThrow('abort although ended');
  });
});

describe('an event that is late', () => {
  it('changes nothing: an answer that nobody waits for, a timer that was cleared', () => {
    const script = new Script().forwardTo(STAGE);
    const [call] = script.state.calls.keys();
    const [timer] = script.state.timers.keys();
    script.forwardTo(SWAP);
    const { state } = script;
    expect(script.feed({ kind: 'failed', call: call ?? 0, failure: ABORT, atMs: 5 }).state).toEqual(state);
    const answer = { kind: 'commit' } as const;
    expect(script.feed({ kind: 'answered', call: call ?? 0, answer, atMs: 5 }).state).toEqual(state);
    expect(script.feed({ kind: 'timer', timer: timer ?? 0, atMs: 5 }).state).toEqual(state);
    expect(script.effects).toEqual([]);
  });

  it('is told of its node while the step lasts: progress, in the step’s words where it has none', () => {
    const script = new Script().forwardTo(STAGE);
    const [call] = script.state.calls.keys();
    const progress = StepProgress.fromPartial({ step: '', doneBytes: 5n });
    script.feed({ kind: 'progressed', call: call ?? 0, progress, atMs: 1 });
    expect(published(script.effects)).toMatchObject([
      { value: { node: 'cp1', step: 'pulling the snapshot', doneBytes: 5n } },
    ]);
    script.feed({
      kind: 'progressed',
      call: call ?? 0,
      progress: { ...progress, step: 'verifying' },
      atMs: 1,
    });
    expect(published(script.effects)).toMatchObject([{ value: { step: 'verifying' } }]);
    script.feed({ kind: 'progressed', call: 9999, progress, atMs: 1 });
    expect(script.effects).toEqual([]);
  });
});

describe('an abort', () => {
  it('is undone at once on the way forward, and remembered where the ledgers are being read', () => {
    const forward = new Script().forwardTo(COMMIT_POSITION - 1);
    forward.feed({ kind: 'abort', failure: ABORT, atMs: 1 });
    expect(forward.stageOf('undo')).toMatchObject({ cause: ABORT, fromPhase: Phase.PHASE_START_ETCD });
    const settling = takenOver().start();
    settling.feed({ kind: 'abort', failure: ABORT, atMs: 1 });
    expect([settling.stage.kind, settling.state.abort]).toEqual(['settle', ABORT]);
    settling.feed({ kind: 'abort', failure: failureOf('ABORTED', 'again'), atMs: 1 });
    expect(settling.state.abort).toEqual(ABORT);
    const fresh = new Script();
    fresh.feed({ kind: 'abort', failure: ABORT, atMs: 1 });
    expect(fresh.stage.kind).toBe('new');
  });

  it('may be asked for as long as nobody can have committed', () => {
    const at = (position: number): boolean => mayAbort(new Script().forwardTo(position).state);
    expect([at(STAGE), at(COMMIT_POSITION - 1), at(COMMIT_POSITION)]).toEqual([true, true, false]);
    expect(mayAbort(new Script().state)).toBe(true);
    const undoing = new Script().forwardTo(STAGE).feed({ kind: 'abort', failure: ABORT, atMs: 1 });
    expect(mayAbort(undoing.state)).toBe(true);
    expect(mayAbort(takenOver().start().state)).toBe(false);
    expect(mayAbort({ ...takenOver().start().state, mayBeCommitted: false })).toBe(false);
    expect(mayAbort(finished().state)).toBe(false);
  });
});

describe('the end', () => {
  it('leaves nothing open, and is told once', () => {
    const script = finished();
    expect([script.state.calls.size, script.state.timers.size, script.state.endedMs]).toEqual([
      0,
      0,
      script.nowMs,
    ]);
    expect(script.state.phases.every(({ endedMs }) => endedMs !== undefined)).toBe(true);
    expect(published(script.effects).at(-1)).toMatchObject({ $case: 'operationEnded' });
    expect([hasEnded(script.state), hasEnded(new Script().forwardTo(STAGE).state)]).toEqual([true, false]);
  });

  it('of who was superseded leaves nothing open either, and says why', () => {
    const script = new Script().forwardTo(STAGE).fail('cp2', 'EPOCH_STALE');
    expect([script.state.calls.size, script.state.timers.size, hasEnded(script.state)]).toEqual([0, 0, true]);
    expect(published(script.effects).at(-1)).toMatchObject({
      $case: 'notice',
      value: { code: 'EPOCH_STALE' },
    });
  });
});

describe('a phase', () => {
  it('begins once, and ends when the next one begins', () => {
    const script = new Script().forwardTo(FENCE_POSITION);
    const begun = script.state.phases.length;
    const told = published(script.effects).map(({ $case }) => $case);
    expect(told.filter((each) => each.startsWith('phase'))).toEqual(['phaseEnded', 'phaseStarted']);
    script.forwardTo(FENCE_POSITION + 1);
    expect(script.state.phases).toHaveLength(begun);
    expect(published(script.effects).some(({ $case }) => $case === 'phaseStarted')).toBe(false);
    script.forwardTo(SWAP);
    expect(script.state.phases).toHaveLength(begun + 1);
    expect(script.state.phases.filter(({ endedMs }) => endedMs === undefined)).toHaveLength(1);
  });

  it('begins anew where it had ended, and what had ended stays so', () => {
    const phases = [{ phase: Phase.PHASE_PROMISE, startedMs: 1, endedMs: 2 }];
    const script = new Script(modelPlan(), { ...new Script().state, phases }).start();
    expect(script.state.phases).toMatchObject([
      phases[0],
      { phase: Phase.PHASE_PROMISE, endedMs: undefined },
    ]);
    expect(published(script.effects).some(({ $case }) => $case === 'phaseEnded')).toBe(false);
  });

  it('of downtime begins with the fence', () => {
    expect(isFenced(new Script().state)).toBe(false);
    expect(isFenced(new Script().forwardTo(FENCE_POSITION - 1).state)).toBe(false);
    const fenced = new Script().forwardTo(FENCE_POSITION).state;
    expect(isFenced(fenced)).toBe(true);
    expect(isFenced({ ...fenced, fencedMs: undefined })).toBe(true);
    expect(isFenced({ ...new Script().state, fencedMs: 1 })).toBe(true);
    expect(isFenced({ ...finished().state, fencedMs: undefined })).toBe(false);
  });
});

describe('what must hold of every state', () => {
  const undoing = (): OperationState =>
    new Script().forwardTo(SWAP).feed({ kind: 'abort', failure: ABORT, atMs: 1 }).state;
  const withNode = (state: OperationState, change: object): OperationState => {
    const nodes = new Map(state.nodes);
    nodes.set('cp1', { ...(nodes.get('cp1') as NonNullable<ReturnType<typeof nodes.get>>), ...change });
    return { ...state, nodes };
  };

  it('no undo while an agent may have committed, or has', () => {
    expect(() => notice(undoing())).not.toThrow();
    expect(() => notice({ ...undoing(), mayBeCommitted: true })).toThrow('may have committed');
    expect(() => notice(withNode(undoing(), { committed: true }))).toThrow('has committed');
  });

  it('no step past the commit before all have it', () => {
    const past = new Script().forwardTo(COMMIT_POSITION + 1).state;
    expect(() => notice(past)).not.toThrow();
    expect(() => notice(withNode(past, { committed: false }))).toThrow('past commit although cp1 has not');
    const at = new Script().forwardTo(COMMIT_POSITION).state;
    expect(() => notice(at)).not.toThrow();
  });

  it('no restore that somebody has not closed', () => {
    const script = new Script().forwardTo(CLOSE_POSITION).answer('cp1').answer('cp2');
    const [call] = script.state.calls.keys();
    const open = withNode(script.state, { closed: false });
    const answer = {
      kind: 'execute',
      result: { failure: undefined, newStore: undefined, drift: [], canaryRevision: 0n },
    } as const;
    expect(() => step(open, { kind: 'answered', call: call ?? 0, answer: answer as never, atMs: 1 })).toThrow(
      'not closed',
    );
  });

  it('no more events than an epoch has numbers', () => {
    const { state } = new Script().forwardTo(STAGE);
    const last = 2n * SEQUENCES_PER_EPOCH - 1n;
    expect(notice({ ...state, nextSequence: last }).state.nextSequence).toBe(last + 1n);
    expect(() => notice({ ...state, nextSequence: last + 1n })).toThrow('more events');
  });
});

it('a repetition waits twice as long as the one before, up to its limit', () => {
  expect([0, 1, 2, 30].map(retryDelayMs)).toEqual([
    RETRY_FIRST_MS,
    2 * RETRY_FIRST_MS,
    4 * RETRY_FIRST_MS,
    RETRY_LONGEST_MS,
  ]);
});

it('a node is at work until it is done, and is told so', () => {
  expect([...new Script().state.nodes.values()].map(({ done }) => done)).toEqual([false, false, false]);
  const flags = (effects: readonly Effect[]): boolean[] =>
    published(effects).flatMap((each) => (each.$case === 'nodeProgress' ? [each.value.done] : []));
  const script = new Script().forwardTo(STAGE);
  expect(flags(script.effects)).toEqual([true, false, false, false]);
  const node = () => script.state.nodes.get('cp1')?.done;
  expect(node()).toBe(false);
  const [call] = [...script.state.calls].find(([, each]) => each.node === 'cp1') ?? [];
  if (call === undefined) throw new Error('cp1 is asked nothing');
  const progress = StepProgress.fromPartial({ step: 'copying' });
  script.feed({ kind: 'progressed', call, progress, atMs: script.nowMs });
  expect(flags(script.effects)).toEqual([false]);
  script.answer('cp1');
  expect([flags(script.effects), node()]).toEqual([[true], true]);
});
