import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { describe, expect, it } from 'vitest';
import type { EffectRecord } from '../ledger/records.ts';
import { builtInode } from './swap-record.ts';

/** As the ledger gives them back: 64-bit numbers are text. */
const build = (number: string | undefined): EffectRecord => ({
  sequence: 1,
  step: Step.STEP_BUILD,
  epoch: { number: 1n, coordinatorId: 'c1' },
  intendedMs: 1,
  intent: null,
  completedMs: number === undefined ? undefined : 2,
  completion: number === undefined ? undefined : { inode: { device: '1', number }, contentSha256: 'x' },
});

describe('NEW as BUILD proved it', () => {
  it.each<[string, EffectRecord[], bigint | undefined]>([
    ['is unknown before any', [], undefined],
    ['is that of the only one', [build('7')], 7n],
    ['is that of the last one', [build('7'), build('8')], 8n],
    ['is unknown once a later one was begun and did not complete', [build('7'), build(undefined)], undefined],
  ])('%s', (_what, effects, number) => {
    expect(builtInode(effects)?.number).toBe(number);
  });
});
