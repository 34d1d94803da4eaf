import { systemClock } from '@lockstep/shared/clock.ts';
import { fromFailure, LockstepError, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type { DrillSnapshotResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { OperationEvent } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { RunDrillRequest } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import {
  Proof,
  type SnapshotMarks,
  StoredSnapshot,
} from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { createLogger } from '@lockstep/shared/logging.ts';
import { describe, expect, it } from 'vitest';
import { SnapshotDrills } from './drills.ts';
import type { AgentAddress, AgentClient, Agents } from './ports.ts';
import type { CopyInStore } from './stored-cards.ts';

type Answer = 'good' | 'bad' | 'SPACE_TOO_LITTLE' | 'DRILL_FAILED' | 'silent';
const signal = (): AbortSignal => AbortSignal.timeout(5_000);

/** Agents by name: what each holds, and how a drill on it ends. */
function scene(
  nodes: Readonly<
    Record<
      string,
      { holds?: readonly string[]; answer?: Answer; leader?: boolean; open?: string; proofs?: Proof[] }
    >
  >,
  stored?: LockstepError,
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
        (holds.get(node) ?? []).map((id) =>
          StoredSnapshot.fromPartial({
            node,
            card: { id, takenAt: id },
            marks: { snapshotId: id, proofs: nodes[node]?.proofs ?? [] },
          }),
        ),
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
      find: async ({ snapshotId }) => {
        if (stored instanceof LockstepError) throw stored;
        return { store: 'vault', copy: { snapshotId } } as CopyInStore;
      },
      fromStore: async ({ store }, { client: { node }, holds: hasIt }) => {
        brought.push(`${store} to ${node}${hasIt ? ', which has it' : ''}`);
        return { takeAway: async () => void brought.push(`away from ${node}`) };
      },
      fromAgent: async (id, { node }) => {
        brought.push(`${id} to ${node}`);
        return { takeAway: async () => void brought.push(`away from ${node}`) };
      },
      mark: async (id) => void (marked['store'] ??= []).push({ snapshotId: id, pins: [], proofs: [] }),
    },
    announcer: { announce: (event) => void announced.push(event) },
    clock: systemClock,
    logger: createLogger('drills', 'silent'),
  });
  return { drills, asked, marked, brought, announced };
}

async function proofsOf(drills: SnapshotDrills, request: Partial<RunDrillRequest>): Promise<Proof[]> {
  const proofs: Proof[] = [];
  for await (const { event } of drills.drill(RunDrillRequest.fromPartial(request), signal())) {
    if (event?.$case === 'failure') throw fromFailure(event.value);
    if (event?.$case === 'proof') proofs.push(event.value);
  }
  return proofs;
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

  it('that are called off wake nobody', async () => {
    const { drills, announced } = scene({ cp1: { holds: ['s1'], answer: 'DRILL_FAILED' } });
    const stopped = AbortSignal.abort(new LockstepError('INTERNAL', { message: 'the coordinator stops' }));
    await expect(drills.run('s1', '', stopped)).rejects.toBeInstanceOf(LockstepError);
    expect(announced).toStrictEqual([]);
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
    expect({ asked, brought }).toStrictEqual({ asked: ['cp2'], brought: ['s1 to cp2', 'away from cp2'] });
    const stored = scene({ cp1: {} });
    expect(await stored.drills.run('s2', '', signal())).toMatchObject({ place: 'vault' });
    expect(stored.brought).toStrictEqual(['vault to cp1', 'away from cp1']);
  });

  it('of a copy in a store go where it does not lie already, and speak for the store', async () => {
    const { drills, asked, brought, marked } = scene({ cp1: { holds: ['s1'] }, cp2: {} });
    const [proof] = await proofsOf(drills, { snapshotId: 's1', store: 'vault' });
    expect(proof).toMatchObject({ place: 'vault', failure: undefined });
    expect(proof?.note).toContain('drilled on cp2, which kept nothing of it');
    expect({ asked, brought }).toStrictEqual({ asked: ['cp2'], brought: ['vault to cp2', 'away from cp2'] });
    expect(marked).toMatchObject({ cp1: [{ proofs: [{ place: 'vault' }] }] });
  });

  it('of a copy in a store blame a node’s own bytes on the node', async () => {
    const { drills } = scene({ cp1: { holds: ['s1'], answer: 'bad' } });
    const [proof] = await proofsOf(drills, { snapshotId: 's1', store: 'vault', node: 'cp1' });
    expect(proof).toMatchObject({ place: 'cp1', failure: { code: 'SNAPSHOT_CORRUPT' } });
  });

  it('find a copy in a store damaged, mark and announce that, and ask no agent', async () => {
    const damaged = new LockstepError('COPY_DAMAGED', { node: 'vault', message: 'It is cut off.' });
    const { drills, asked, announced } = scene({ cp1: {} }, damaged);
    const [proof] = await proofsOf(drills, { snapshotId: 's1', store: 'vault' });
    expect(proof).toMatchObject({ place: 'vault', failure: { code: 'COPY_DAMAGED' } });
    expect(asked).toStrictEqual([]);
    expect(announced).toMatchObject([{ operationId: 'drill', event: { value: { code: 'COPY_DAMAGED' } } }]);
  });

  it('take a store that does not answer for no proof', async () => {
    const away = new LockstepError('STORE_MISSING', { node: 'vault', message: 'It is not mounted.' });
    const { drills } = scene({ cp1: {} }, away);
    await expect(proofsOf(drills, { snapshotId: 's1', store: 'vault' })).rejects.toMatchObject({
      code: 'STORE_MISSING',
    });
  });

  it('ask those last whose own copy was found broken', async () => {
    const broken = Proof.fromPartial({ place: 'cp1', at: '2026-11-22T01:00:00Z', failure: { code: 'X' } });
    const { drills } = scene({
      cp1: { holds: ['s1'], proofs: [broken] },
      cp2: { holds: ['s1'], leader: true },
    });
    expect(await drills.run('s1', '', signal())).toMatchObject({ place: 'cp2' });
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
