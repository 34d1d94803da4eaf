import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { DeleteSnapshotRequest } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { SnapshotMarks } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { describe, expect, it } from 'vitest';
import { type DeletionDependencies, deleteSnapshot } from './keeping.ts';

const CALLER = 'lockstep://lab/coordinator/c1';
const AT = '2026-11-22T00:00:00.000Z';

/** A node whose open operation restores one snapshot, and where one is pinned. */
function node(state: { restores?: string; pinned?: 'pin' | 'evidence'; busy?: boolean }) {
  const removed: string[] = [];
  const audited: string[] = [];
  const dependencies: DeletionDependencies = {
    config: { node: 'cp1' },
    ledger: {
      openOperation: () =>
        state.restores === undefined
          ? undefined
          : {
              operationId: 'r-1',
              plan: RestorePlan.encode(
                RestorePlan.fromPartial({ snapshot: { id: state.restores } }),
              ).finish(),
              planSha256: '',
              openedMs: 0,
              phase: 'open',
              effects: [],
            },
      recordAudit: ({ command, outcome }) => void audited.push(`${command} = ${outcome}`),
    },
    executor: {
      besideSteps: async (body) => {
        if (state.busy === true) throw new LockstepError('EFFECT_IN_FLIGHT');
        return await body();
      },
    },
    ports: {
      snapshots: {
        marks: async (snapshotId) =>
          state.pinned === undefined
            ? undefined
            : SnapshotMarks.fromPartial({
                snapshotId,
                pins: [{ by: 'ada', reason: 'case 42', at: AT, evidence: state.pinned === 'evidence' }],
              }),
        remove: async (id) => void removed.push(id),
      },
    },
  };
  const ask = (more: Partial<DeleteSnapshotRequest> = {}): Promise<string> =>
    deleteSnapshot(
      dependencies,
      DeleteSnapshotRequest.fromPartial({ snapshotId: 's-1', requestedBy: 'ada', reason: 'room', ...more }),
      CALLER,
    ).then(
      () => 'done',
      (thrown: LockstepError) => thrown.code,
    );
  return { ask, removed, audited };
}

describe('an agent that is told to delete a snapshot', () => {
  it.each([
    ['its open operation restores it', { restores: 's-1' }, 'SNAPSHOT_IN_USE'],
    ['it is pinned', { pinned: 'pin' as const }, 'SNAPSHOT_PINNED'],
    ['it is evidence', { pinned: 'evidence' as const }, 'SNAPSHOT_EVIDENCE'],
    ['a step is under way', { busy: true }, 'EFFECT_IN_FLIGHT'],
  ])('refuses where %s, and leaves word of it', async (_why, state, code) => {
    const { ask, removed, audited } = node(state);
    expect(await ask()).toBe(code);
    expect(removed).toEqual([]);
    expect(audited).toEqual([`DeleteSnapshot s-1 for ada: room = ${code}`]);
  });

  it('takes no one’s word for a pinned one but another person’s', async () => {
    const { ask, removed, audited } = node({ pinned: 'pin' });
    expect(await ask({ approvedBy: 'ada' })).toBe('SNAPSHOT_PINNED');
    expect(await ask({ approvedBy: 'bob' })).toBe('done');
    expect(removed).toEqual(['s-1']);
    expect(audited.at(-1)).toBe('DeleteSnapshot s-1 for ada, approved by bob: room = done');
  });

  it('refuses one that an operation restores, whoever approves', async () => {
    const { ask, removed } = node({ restores: 's-1' });
    expect(await ask({ approvedBy: 'bob' })).toBe('SNAPSHOT_IN_USE');
    expect(removed).toEqual([]);
  });

  it('deletes what another than the open operation’s is', async () => {
    const { ask, removed } = node({ restores: 's-2' });
    expect(await ask()).toBe('done');
    expect(removed).toEqual(['s-1']);
  });
});
