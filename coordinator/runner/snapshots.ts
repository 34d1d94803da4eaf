import type { Clock } from '@lockstep/shared/clock.ts';
import { deadline } from '@lockstep/shared/deadline.ts';
import { catalogue, isErrorCode } from '@lockstep/shared/errors/catalogue.ts';
import { LockstepError, refusal, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Failure, Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { SnapshotVerdict } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type { StoredSnapshot } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { askAll, type Inspection, inspectNodes } from './inventory.ts';
import type { AgentClient, Agents } from './ports.ts';

const LIST_TIMEOUT_MS = 15_000;
/** Reading a store of 8 GB whole takes about a minute. */
const VERIFY_TIMEOUT_MS = 15 * 60_000;

export interface Holding {
  readonly client: AgentClient;
  readonly snapshot: StoredSnapshot;
}

/** Every stored snapshot on every agent that answers, newest first. */
export async function listSnapshots(
  agents: Agents,
  signal: AbortSignal,
): Promise<{ snapshots: StoredSnapshot[]; failures: Failure[] }> {
  const answers = await askAll(agents, (client) => client.listSnapshots(deadline(LIST_TIMEOUT_MS, signal)));
  return {
    snapshots: answers
      .flatMap(({ result, client }) => (result ?? []).map((each) => ({ ...each, node: client.node })))
      .sort((a, b) => compareText(b.card?.takenAt, a.card?.takenAt) || compareText(a.node, b.node)),
    failures: answers.flatMap(({ failure }) => (failure === undefined ? [] : [failure])),
  };
}

/** Who holds a snapshot of that id. */
export async function findHolders(agents: Agents, id: string, signal: AbortSignal): Promise<Holding[]> {
  const answers = await askAll(agents, (client) => client.listSnapshots(deadline(LIST_TIMEOUT_MS, signal)));
  return answers.flatMap(({ client, result }) =>
    (result ?? []).filter((each) => each.card?.id === id).map((snapshot) => ({ client, snapshot })),
  );
}

/** Each holder reads its copy whole. What is wrong with a copy is a refusal, never an exception. */
export async function verifyCopies(
  holders: readonly Holding[],
  id: string,
  signal: AbortSignal,
): Promise<SnapshotVerdict[]> {
  return Promise.all(
    holders.map(async ({ client }): Promise<SnapshotVerdict> => {
      const { node } = client;
      try {
        const { facts, refusals } = await client.verifySnapshot(id, deadline(VERIFY_TIMEOUT_MS, signal));
        return {
          node,
          facts,
          refusals: refusals.map((each) => ({ ...each, node: each.node || node })),
          note: '',
        };
      } catch (thrown) {
        return { node, facts: undefined, refusals: [asRefusal(toFailure(thrown, node), node)], note: '' };
      }
    }),
  );
}

/** The node to take a snapshot on: a healthy follower, else whoever serves. Throws where none does. */
export async function chooseSource(
  agents: Agents,
  clock: Clock,
  node: string,
  signal: AbortSignal,
): Promise<AgentClient> {
  if (node !== '') {
    const known = agents.known().find((each) => each.node === node);
    if (known === undefined) {
      throw new LockstepError('NODE_MISSING', { message: `There is no node ${node}.`, node });
    }
    return agents.client(known);
  }
  const [chosen] = bySuitability(await inspectNodes(agents, clock, signal));
  if (chosen === undefined) {
    throw new LockstepError('ETCD_UNREACHABLE', { message: 'No agent that answered has a serving member.' });
  }
  return agents.client(chosen);
}

/** A member so many raft entries behind is not just a heartbeat late. */
const LAG_ENTRIES = 1_000n;

/**
 * Those whose member serves, best first: one that lags would give an old snapshot, a learner may
 * lag without a word, and the leader has most to do.
 */
export function bySuitability<Inspected extends Pick<Inspection, 'report'>>(
  inspections: readonly Inspected[],
): Inspected[] {
  const serving = inspections.filter(({ report }) => report?.etcd?.serving === true);
  const newest = serving.reduce((max, { report }) => {
    const index = report?.etcd?.raftIndex ?? 0n;
    return index > max ? index : max;
  }, 0n);
  const burden = ({ report }: Inspected): number => {
    const { learner = false, leader = false, raftIndex = 0n } = report?.etcd ?? {};
    return Number(raftIndex + LAG_ENTRIES < newest) * 4 + Number(learner) * 2 + Number(leader);
  };
  return serving.toSorted((a, b) => burden(a) - burden(b));
}

function asRefusal(failure: Failure, node: string): Refusal {
  if (isErrorCode(failure.code) && catalogue[failure.code].class !== 'fault') {
    return refusal(failure.code, failure.message, node);
  }
  return refusal('NODE_INSPECTION_FAILED', `${failure.code}: ${failure.message}`, node);
}

function compareText(a: string | undefined, b: string | undefined): number {
  const [left, right] = [a ?? '', b ?? ''];
  return left < right ? -1 : left > right ? 1 : 0;
}
