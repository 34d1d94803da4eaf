import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { describe, expect, it } from 'vitest';
import type { EffectRecord } from '../ledger/records.ts';
import type { StepContext } from './step.ts';
import { builtInode, type FoundStores, forgottenExchange, swapRecord } from './swap-record.ts';
import { Bench, NEW, OLD } from './testing/bench.ts';

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

describe('an exchange that a ledger which was set back has forgotten', () => {
  const inode = (number: bigint, device = 1n) => ({ device, number });
  const context = (effects: EffectRecord[], isMountPoint = false) =>
    ({
      node: 'cp1',
      paths: { inPlace: '/var/lib/etcd', other: '/var/lib/.lockstep/r-1/store' },
      memberPlan: { oldStore: { dataDirInode: inode(4n), isMountPoint } },
      effects,
    }) as unknown as StepContext;
  const found = (inPlace: bigint | undefined, other: bigint | undefined): FoundStores => ({
    store: 'old',
    inPlace: inPlace === undefined ? undefined : inode(inPlace, 2n),
    other: other === undefined ? undefined : inode(other, 2n),
  });

  it('shows where OLD lies where NEW was built, whatever its device is called now', () => {
    const seen = found(7n, 4n);
    expect(forgottenExchange(context([build('7')]), seen)).toEqual({ old: seen.other, new: seen.inPlace });
  });

  it.each([
    ['OLD is in place', 4n, 7n],
    ['nothing was built', 4n, undefined],
    ['somebody put another store in place', 9n, 7n],
    ['nothing is in place', undefined, 4n],
    ['one directory bears both names', 4n, 4n],
  ])('is none where %s', (_what, inPlace, other) => {
    expect(forgottenExchange(context([build('7')]), found(inPlace, other))).toBeUndefined();
  });

  it('is nobody’s guess where what is in place was not proven', () => {
    expect(() => forgottenExchange(context([build('8')]), found(7n, 4n))).toThrow(
      /STORE_NOT_AS_RECORDED|inode/,
    );
    expect(() => forgottenExchange(context([]), found(7n, 4n))).toThrow(/inode/);
  });

  it('cannot be seen on a mount point of its own', () => {
    expect(forgottenExchange(context([build('7')], true), found(7n, 4n))).toBeUndefined();
  });
});

describe('the record of an exchange', () => {
  const intent = { old: { device: '1', number: '10' }, new: { device: '1', number: '20' } };

  it.each([Step.STEP_SWAP, Step.STEP_REJOIN_START] as const)(
    'is that of the first intent of step %i',
    (step) => {
      const { effects } = new Bench()
        .did(Step.STEP_BUILD)
        .did(step, { intent })
        .did(step, { intent: 'another' });
      expect(swapRecord(effects)).toEqual({ old: OLD, new: NEW });
      expect(swapRecord(new Bench().did(Step.STEP_BUILD).effects)).toBeUndefined();
    },
  );

  it('that cannot be read is not taken for none', () => {
    const { effects } = new Bench().did(Step.STEP_SWAP, { intent: 'half of it' });
    expect(() => swapRecord(effects)).toThrow(expect.objectContaining({ code: 'LEDGER_UNREADABLE' }));
  });

  it('is held against an empty store too', () => {
    const { effects } = new Bench().did(Step.STEP_REJOIN_EMPTY, {
      completion: { inode: { device: '1', number: '20' } },
    });
    expect(builtInode(effects)).toEqual(NEW);
  });
});
