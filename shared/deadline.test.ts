import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { deadline } from './deadline.ts';

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
