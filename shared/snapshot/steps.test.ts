import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { finish, inSlices, SLICE_MS, type Steps } from './steps.ts';

/** As many steps, each as long. */
function* work(steps: number, stepMs: number, done: { steps: number; closed?: boolean }): Steps<number> {
  try {
    for (; done.steps < steps; done.steps++) {
      const end = performance.now() + stepMs;
      while (performance.now() < end);
      yield;
    }
    return done.steps;
  } finally {
    done.closed = true;
  }
}

describe('work in steps', () => {
  it('comes to the same at once and in slices', async () => {
    expect(finish(work(100, 0, { steps: 0 }))).toBe(100);
    await expect(inSlices(work(100, 0, { steps: 0 }), AbortSignal.any([]))).resolves.toBe(100);
  });

  it('lets the event loop turn between its slices', async () => {
    const done = { steps: 0 };
    let turns = 0;
    const running = inSlices(work(12, SLICE_MS / 3, done), AbortSignal.any([]));
    while (done.steps < 12) {
      await turn();
      turns++;
    }
    await running;
    expect(turns).toBeGreaterThanOrEqual(2);
  });

  it('ends where its signal is aborted, and closes what it had open', async () => {
    const abort = new AbortController();
    const done: { steps: number; closed?: boolean } = { steps: 0 };
    const running = inSlices(work(1000, SLICE_MS, done), abort.signal);
    abort.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    expect(done).toMatchObject({ steps: expect.toSatisfy((steps: number) => steps < 5), closed: true });
  });

  it('throws what a step throws', async () => {
    const failing = function* (): Steps<void> {
      yield;
      throw new Error('a step failed');
    };
    await expect(inSlices(failing(), AbortSignal.any([]))).rejects.toThrow('a step failed');
  });
});
