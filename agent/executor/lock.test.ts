import { describe, expect, it } from 'vitest';
import { type FileLocks, takeExecutorLock } from './lock.ts';

/** Free after so many tries; a clock that each try moves on. */
function lockedFor(tries: number): { locks: FileLocks; now: () => number; tried: () => number } {
  let tried = 0;
  return {
    locks: {
      tryLock: () => {
        tried += 1;
        return tried > tries;
      },
    },
    now: () => tried * 1_000,
    tried: () => tried,
  };
}

const take = ({ locks, now }: ReturnType<typeof lockedFor>, patienceMs: number): Promise<Disposable> =>
  takeExecutorLock('/dev/null', locks, patienceMs, now);

describe('the executor’s lock', () => {
  it('is taken at once where nobody has it, whatever the patience', async () => {
    const free = lockedFor(0);
    using _lock = await take(free, 0);
    expect(free.tried()).toBe(1);
  });

  it('is waited for while its holder is on its way out', async () => {
    const leaving = lockedFor(1);
    using _lock = await take(leaving, 2_000);
    expect(leaving.tried()).toBe(2);
  });

  it('is not had where its holder stays, once patience is over', async () => {
    const staying = lockedFor(9);
    await expect(take(staying, 1_000)).rejects.toMatchObject({ code: 'EXECUTOR_BUSY' });
    expect(staying.tried()).toBe(1);
  });
});
