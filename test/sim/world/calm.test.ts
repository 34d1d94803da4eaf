import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { expect, it } from 'vitest';
import { simulate } from '../simulate.ts';

const SEEDS = 40;

it('without a fault every operation ends restored, whatever the cluster is like', async () => {
  const ends = new Set<string>();
  for (let index = 0; index < SEEDS; index += 1) {
    const { outcome, code, broken } = await simulate({ seed: 1, index, script: [] });
    // An outage may be longer than the plan allows, where it allows little.
    if (code !== 'MAX_OUTAGE_EXCEEDED') ends.add(`${outcome} ${broken?.message ?? ''}`);
  }
  expect([...ends]).toEqual([`${Outcome.OUTCOME_RESTORED} `]);
});
