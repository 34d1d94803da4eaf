import { describe, expect, it } from 'vitest';
import { nextBatch } from './schedule.ts';
import { type Target, targetsOf } from './target.ts';

const NODES = ['cp1', 'cp2', 'cp3'];

function targets(...names: string[]): Target[] {
  return targetsOf(new Map(NODES.map((node) => [node, names])));
}

function killsOf(waiting: Target[], everywhere: ReadonlySet<Target> = new Set()) {
  const batch = nextBatch(waiting, NODES, everywhere);
  return batch?.kills.map(({ target, at }) => `${target.name} ${at.join(',')}`);
}

describe('what one operation carries', () => {
  it('kills each node once in downtime', () => {
    const waiting = targets(
      'agent:stores.exchange:before@STEP_SWAP',
      'agent:stores.exchange:after@STEP_SWAP',
      'agent:hosting.stopComponents:before@STEP_FENCE_ETCD',
      'agent:hosting.stopComponents:after@STEP_FENCE_ETCD',
    );
    expect(killsOf(waiting)).toEqual([
      'agent:stores.exchange:before@STEP_SWAP cp1',
      'agent:stores.exchange:after@STEP_SWAP cp2',
      'agent:hosting.stopComponents:before@STEP_FENCE_ETCD cp3',
    ]);
    expect(waiting.map(({ name }) => name)).toEqual(['agent:hosting.stopComponents:after@STEP_FENCE_ETCD']);
  });

  it('kills nobody twice in one step, and twice in what is before downtime', () => {
    const waiting = targets(
      ...['before', 'after', 'acknowledged'].flatMap((moment) => [
        `agent:pull:${moment}@STEP_STAGE`,
        `agent:builder.restore:${moment}@STEP_BUILD`,
        `agent:stores.writeFile:${moment}@STEP_SAFEGUARD`,
      ]),
    );
    expect(killsOf(waiting)).toHaveLength(6);
    expect(waiting).toHaveLength(3);
  });

  it('keeps apart what goes through and what goes back', () => {
    const waiting = targets('agent:stores.exchange:after@STEP_UNDO_STOP', 'agent:pull:before@STEP_STAGE');
    expect(nextBatch(waiting, NODES, new Set())?.kind).toBe('rollback');
    expect(nextBatch(waiting, NODES, new Set())?.kind).toBe('restore');
    expect(nextBatch(waiting, NODES, new Set())).toBeUndefined();
  });

  it('arms every node where nobody knows which one it will be', () => {
    const waiting = targets(
      'agent:member.writeCanary:after@STEP_PREPARE_GATE',
      'agent:pull:after@STEP_STAGE',
    );
    const [, pull] = waiting;
    if (pull === undefined) throw new Error('no target');
    expect(killsOf(waiting, new Set([pull]))).toEqual([
      'agent:member.writeCanary:after@STEP_PREPARE_GATE cp1,cp2,cp3',
      'agent:pull:after@STEP_STAGE cp1,cp2,cp3',
    ]);
  });

  it('reaches what a program crosses at its start by killing it of something else', () => {
    const waiting = targets('agent:hosting.prepareHold:after@start', 'agent:pull:before@STEP_STAGE');
    expect(killsOf(waiting)).toEqual([
      'agent:pull:before@STEP_STAGE cp1',
      'agent:hosting.prepareHold:after@start cp1',
    ]);
    expect(() => killsOf(targets('agent:hosting.prepareHold:after@start'))).toThrow('no program');
  });
});
