import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { deadline, waitFor } from './waiting.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

it('a deadline combined with another signal passes even where nobody listens to it', async () => {
  const caller = new AbortController();
  const signal = deadline(100, caller.signal);
  for (let n = 0; n < 30 && !signal.aborted; n += 1) {
    collectGarbage();
    await delay(20);
  }
  expect(signal.aborted).toBe(true);
});

it('a condition that never holds ends with the deadline', async () => {
  const never = { describe: () => 'never', check: async () => false };
  await expect(waitFor(never, 10, deadline(50))).rejects.toThrow('timeout');
});
