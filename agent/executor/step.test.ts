import { systemClock } from '@lockstep/shared/clock.ts';
import { Step, StepResult } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { describe, expect, it } from 'vitest';
import { completionOf, required, wasCompleted, wasIntended } from './step.ts';
import { ProgressSlot, streamStep } from './step-stream.ts';
import { Bench } from './testing/bench.ts';

describe('what a ledger says of a step', () => {
  const { effects } = new Bench()
    .did(Step.STEP_STAGE)
    .did(Step.STEP_BUILD)
    .did(Step.STEP_BUILD, { completion: 'first' })
    .did(Step.STEP_BUILD, { completion: 'second' });

  it('is whether it was begun, whether it was done, and what it came to first', () => {
    expect(
      [Step.STEP_STAGE, Step.STEP_BUILD, Step.STEP_SWAP].map((step) => wasIntended(effects, step)),
    ).toEqual([true, true, false]);
    expect(
      [Step.STEP_STAGE, Step.STEP_BUILD, Step.STEP_SWAP].map((step) => wasCompleted(effects, step)),
    ).toEqual([false, true, false]);
    expect(
      [Step.STEP_STAGE, Step.STEP_BUILD, Step.STEP_SWAP].map((step) => completionOf(effects, step)),
    ).toEqual([undefined, 'first', undefined]);
  });

  it('needs a part of the plan or has none', () => {
    expect(required(5, 'part', 'cp1')).toBe(5);
    expect(() => required(undefined, 'part', 'cp1')).toThrow(
      expect.objectContaining({ code: 'PLAN_UNKNOWN' }),
    );
  });
});

describe('a step as a stream', () => {
  const stream = async (
    running: Promise<StepResult>,
    progress: ProgressSlot,
    signal = new AbortController().signal,
    heard: (word: unknown) => void = () => {},
  ): Promise<unknown[]> => {
    const said: unknown[] = [];
    const timeout = { signal, node: 'cp1', what: 'STEP_BUILD', clock: systemClock };
    for await (const { event } of streamStep(running, progress, timeout)) {
      said.push(event?.$case === 'progress' ? event.value.step : (event?.value.failure?.code ?? 'done'));
      heard(said.at(-1));
    }
    return said;
  };

  it('says what it is doing, the latest word only and not too often, and then its result', async () => {
    const progress = new ProgressSlot(systemClock);
    const ended = Promise.withResolvers<StepResult>();
    progress.put('one', 0n, 0n);
    const said = await stream(ended.promise, progress, undefined, (word) => {
      if (word === 'one') for (const next of ['two', 'three', 'four']) progress.put(next, 0n, 0n);
      if (word === 'four') ended.resolve(StepResult.fromPartial({}));
    });
    expect(said).toEqual(['one', 'four', 'done']);
  });

  it('says nothing where there is nothing to say', async () => {
    const running = systemClock.delay(30).then(() => StepResult.fromPartial({}));
    expect(await stream(running, new ProgressSlot(systemClock))).toEqual(['done']);
  });

  it('ends some time after its deadline, however long the effect takes', async () => {
    const never = new Promise<StepResult>(() => {});
    const passed = AbortSignal.abort(new Error('late'));
    expect(await stream(never, new ProgressSlot(systemClock), passed)).toEqual(['STEP_TIMED_OUT']);
    const soon = new AbortController();
    void systemClock.delay(10).then(() => soon.abort(new Error('late')));
    expect(await stream(never, new ProgressSlot(systemClock), soon.signal)).toEqual(['STEP_TIMED_OUT']);
  });

  it('waits for a word, and then for time for one', async () => {
    const progress = new ProgressSlot(systemClock);
    let spoke = false;
    const next = progress.next().then(() => {
      spoke = true;
    });
    await systemClock.delay(20);
    expect(spoke).toBe(false);
    progress.put('one', 1n, 2n);
    await next;
    expect(progress.take()).toEqual({ step: 'one', doneBytes: 1n, totalBytes: 2n });
    expect(progress.take()).toBeUndefined();
    progress.put('two', 0n, 0n);
    const startedMs = performance.now();
    await progress.next();
    expect(performance.now() - startedMs).toBeGreaterThan(50);
  });
});
