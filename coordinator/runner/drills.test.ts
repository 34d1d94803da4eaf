import { systemClock } from '@lockstep/shared/clock.ts';
import { LockstepError, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type { DrillSnapshotResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { OperationEvent } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import {
  Proof,
  type SnapshotMarks,
  StoredSnapshot,
} from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { createLogger } from '@lockstep/shared/logging.ts';
import { describe, expect, it } from 'vitest';
import { SnapshotDrills } from './drills.ts';
import type { AgentAddress, AgentClient, Agents } from './ports.ts';

type Answer = 'good' | 'bad' | 'SPACE_TOO_LITTLE' | 'DRILL_FAILED' | 'silent';
const signal = (): AbortSignal => AbortSignal.timeout(5_000);

/** Agents by name: what each holds, and how a drill on it ends. */
function scene(
  nodes: Readonly<
    Record<string, { holds?: readonly string[]; answer?: Answer; leader?: boolean; open?: string }>
  >,
) {
  const asked: string[] = [];
  const marked: Record<string, SnapshotMarks[]> = {};
  const brought: string[] = [];
  const announced: OperationEvent[] = [];
  const holds = new Map(Object.entries(nodes).map(([name, { holds: ids = [] }]) => [name, [...ids]]));
  const client = ({ node }: AgentAddress): AgentClient =>
    ({
      node,
      address: node,
      describe: async () =>
        NodeReport.fromPartial({
          etcd: { leader: nodes[node]?.leader ?? false },
          openOperationId: nodes[node]?.open ?? '',
        }),
      listSnapshots: async () =>
        (holds.get(node) ?? []).map((id) => StoredSnapshot.fromPartial({ node, card: { id, takenAt: id } })),
      markSnapshot: async (marks: SnapshotMarks) => {
        (marked[node] ??= []).push(marks);
        return marks;
      },
      async *drillSnapshot(): AsyncGenerator<DrillSnapshotResponse> {
        asked.push(node);
        const answer = nodes[node]?.answer ?? 'good';
        if (answer === 'silent') return;
        if (answer === 'good' || answer === 'bad') {
          const failure = answer === 'bad' ? { code: 'SNAPSHOT_CORRUPT', message: 'page 7' } : undefined;
          yield {
            event: { $case: 'proof', value: Proof.fromPartial({ place: node, ...(failure && { failure }) }) },
          };
        } else {
          yield { event: { $case: 'failure', value: toFailure(new LockstepError(answer, { node })) } };
        }
      },
    }) as unknown as AgentClient;
  const agents: Agents = { known: () => Object.keys(nodes).map((node) => ({ node, address: node })), client };
  const drills = new SnapshotDrills({
    agents,
    copies: {
      bring: async (id, node) => {
        brought.push(`${id} to ${node}`);
        holds.get(node === '' ? (Object.keys(nodes)[0] ?? '') : node)?.push(id);
      },
      mark: async (id) => void (marked['store'] ??= []).push({ snapshotId: id, pins: [], proofs: [] }),
    },
    announcer: { announce: (event) => void announced.push(event) },
    clock: systemClock,
    logger: createLogger('drills', 'silent'),
  });
  return { drills, asked, marked, brought, announced };
}

describe('drills from a coordinator', () => {
  it('ask who is disturbed least, and make a good proof known beside every other copy, quietly', async () => {
    const { drills, asked, marked, announced } = scene({
      cp1: { holds: ['s1'], leader: true },
      cp2: { holds: ['s1'] },
      cp3: {},
    });
    expect(await drills.run('s1', '', signal())).toMatchObject({ place: 'cp2', failure: undefined });
    expect(asked).toStrictEqual(['cp2']);
    expect(Object.keys(marked).sort()).toStrictEqual(['cp1', 'store']);
    expect(announced).toStrictEqual([]);
  });

  it('announce what was found to be bad', async () => {
    const { drills, marked, announced } = scene({
      cp1: { holds: ['s1'], answer: 'bad' },
      cp2: { holds: ['s1'], leader: true },
    });
    expect(await drills.run('s1', '', signal())).toMatchObject({ failure: { code: 'SNAPSHOT_CORRUPT' } });
    expect(announced).toMatchObject([{ event: { $case: 'notice', value: { code: 'SNAPSHOT_CORRUPT' } } }]);
    expect(marked['cp2']).toMatchObject([
      { snapshotId: 's1', proofs: [{ failure: { code: 'SNAPSHOT_CORRUPT' } }] },
    ]);
  });

  it('try another node where one has no room, and say what was missing where none has', async () => {
    const one = scene({
      cp1: { holds: ['s1'], answer: 'SPACE_TOO_LITTLE' },
      cp2: { holds: ['s1'], leader: true },
    });
    expect(await one.drills.run('s1', '', signal())).toMatchObject({ place: 'cp2' });
    const none = scene({ cp1: { holds: ['s1'], answer: 'SPACE_TOO_LITTLE' } });
    await expect(none.drills.run('s1', '', signal())).rejects.toMatchObject({ code: 'SPACE_TOO_LITTLE' });
    expect(none.announced).toHaveLength(1);
  });

  it('try nobody else where the drill itself failed, and announce that', async () => {
    const { drills, asked, announced } = scene({
      cp1: { holds: ['s1'], answer: 'DRILL_FAILED' },
      cp2: { holds: ['s1'], leader: true },
    });
    await expect(drills.run('s1', '', signal())).rejects.toMatchObject({ code: 'DRILL_FAILED' });
    expect(asked).toStrictEqual(['cp1']);
    expect(announced).toMatchObject([{ event: { value: { code: 'DRILL_FAILED' } } }]);
  });

  it('bring the snapshot first where nobody, or not the named node, holds it', async () => {
    const { drills, asked, brought } = scene({ cp1: { holds: ['s1'] }, cp2: {} });
    await drills.run('s1', 'cp2', signal());
    expect({ asked, brought }).toStrictEqual({ asked: ['cp2'], brought: ['s1 to cp2'] });
    const stored = scene({ cp1: {} });
    await stored.drills.run('s2', '', signal());
    expect(stored.brought).toStrictEqual(['s2 to ']);
  });

  it('take the newest where none is named, and refuse where there is none, or no such node', async () => {
    const { drills, marked } = scene({
      cp1: { holds: ['s1', 's3'] },
      cp2: { holds: ['s2', 's3'], leader: true },
    });
    await drills.run('', '', signal());
    expect(marked['cp2']).toMatchObject([{ snapshotId: 's3' }]);
    await expect(scene({ cp1: {} }).drills.run('', '', signal())).rejects.toMatchObject({
      code: 'SNAPSHOT_NOT_FOUND',
    });
    await expect(drills.run('s1', 'cp9', signal())).rejects.toMatchObject({ code: 'NODE_MISSING' });
  });

  it('wait for no operation: they say which one is in the way', async () => {
    const { drills, brought } = scene({ cp1: { holds: ['s1'], open: 'r-1' } });
    await expect(drills.run('s1', '', signal())).rejects.toMatchObject({
      code: 'OPERATION_IN_PROGRESS',
      node: 'cp1',
    });
    expect(brought).toStrictEqual([]);
  });

  it('never take silence for a proof', async () => {
    const { drills } = scene({ cp1: { holds: ['s1'], answer: 'silent' } });
    await expect(drills.run('s1', '', signal())).rejects.toMatchObject({ code: 'UNREACHABLE' });
  });
});
