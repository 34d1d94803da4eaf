import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type {
  CompareLiveRequest,
  CompareLiveResponse,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { PlaceCure } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { describesPlace, MAX_CURES_BYTES, placeCures } from '@lockstep/shared/plan/place.ts';
import { compareLive } from '@lockstep/shared/snapshot/compare-live.ts';
import { runTask } from '@lockstep/shared/snapshot/in-worker.ts';
import { rowsOf } from '@lockstep/shared/snapshot/live-index.ts';
import type { AgentPorts } from '../assembly.ts';

/** A snapshot of this node held against the live store: what a restore would change, and in another place cure. */
export async function compare(
  { snapshots, member }: Pick<AgentPorts, 'snapshots' | 'member'>,
  { snapshotId, anotherPlace }: CompareLiveRequest,
  signal: AbortSignal,
): Promise<CompareLiveResponse> {
  const { card } = await snapshots.get(snapshotId);
  const registryPrefix = card.facts?.registryPrefix || '/registry';
  const snapshotPath = snapshots.pathOf(snapshotId);
  const consequences = await compareLive(
    {
      snapshotPath,
      registryPrefix,
      live: member.listKeys(`${registryPrefix}/`, signal),
      getLive: (key) => member.getValue(key, signal),
      passesOver: (key) => anotherPlace && describesPlace(key, registryPrefix),
    },
    signal,
  );
  if (!anotherPlace) return { consequences, cures: [] };
  const index = await runTask('liveIndex', { path: snapshotPath, registryPrefix }, signal);
  const live = await livePlace(member, registryPrefix, signal);
  return { consequences, cures: bounded(placeCures(registryPrefix, keysOf(rowsOf(index)), live)) };
}

async function livePlace(
  member: AgentPorts['member'],
  registryPrefix: string,
  signal: AbortSignal,
): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  for await (const { key } of member.listKeys(`${registryPrefix}/`, signal)) {
    const name = Buffer.from(key).toString('latin1');
    if (!describesPlace(name, registryPrefix)) continue;
    const value = await member.getValue(key, signal);
    if (value !== undefined) found.set(name, value);
  }
  return found;
}

function* keysOf(rows: Iterable<[string, unknown]>): Iterable<string> {
  for (const [key] of rows) yield key;
}

function bounded(cures: PlaceCure[]): PlaceCure[] {
  const sizeBytes = cures.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
  if (sizeBytes <= MAX_CURES_BYTES) return cures;
  throw new LockstepError('PLACE_UNKNOWN', {
    message: `What describes hosts is ${sizeBytes} bytes; a plan carries ${MAX_CURES_BYTES}.`,
  });
}
