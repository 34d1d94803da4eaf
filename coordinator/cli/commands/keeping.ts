import {
  type OperatorServiceDeleteSnapshotResponse,
  OperatorServiceService,
} from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type { CatalogueEntry } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { placesOf } from '../../core/standing.ts';
import type { Answer } from '../answer.ts';
import { type Coordinator, WAIT_MS } from '../coordinator.ts';
import { EXIT } from '../exit-codes.ts';
import { type Invocation, withCoordinator } from '../invocation.ts';
import {
  catalogueList,
  deletionPage,
  isFailed,
  marksOf,
  pruneList,
  scheduleList,
} from '../render/catalogue.ts';
import { wrap } from '../render/layout.ts';
import { command } from '../render/plan.ts';
import { failure } from '../render/refusals.ts';
import { refusalView } from '../views/refusals.ts';

export async function listCatalogue(invocation: Invocation): Promise<Answer> {
  return await withCoordinator(invocation, async (coordinator) => {
    const { entries, failures } = await coordinator.call(
      OperatorServiceService.getCatalogue,
      {},
      WAIT_MS.nodes,
    );
    return {
      data: { entries, snapshots: entries.flatMap(copiesOnNodes), failures },
      names: entries.map(({ card }) => card?.id ?? ''),
      render: (layout) => catalogueList(layout, entries, failures, invocation.terminal.nowMs()),
    };
  });
}

/** One a node: what scripts that know of no stores go by. */
export function copiesOnNodes({ card, held, marks }: CatalogueEntry): CatalogueEntry['held'] {
  return held.map((each) => ({ ...each, card, marks }));
}

/** Undefined where no place that answered holds it. */
export async function findEntry(coordinator: Coordinator, id: string): Promise<CatalogueEntry | undefined> {
  const { entries } = await coordinator.call(OperatorServiceService.getCatalogue, {}, WAIT_MS.nodes);
  return entries.find(({ card }) => card?.id === id);
}

export interface PinOptions {
  readonly reason?: string;
  readonly evidence?: boolean;
}

export async function pinSnapshot(
  invocation: Invocation,
  snapshotId: string,
  { reason = '', evidence = false }: PinOptions,
): Promise<Answer> {
  return await marked(invocation, { snapshotId, reason, evidence, remove: false });
}

export async function unpinSnapshot(invocation: Invocation, snapshotId: string): Promise<Answer> {
  return await marked(invocation, { snapshotId, reason: '', evidence: false, remove: true });
}

async function marked(
  invocation: Invocation,
  request: { snapshotId: string; reason: string; evidence: boolean; remove: boolean },
): Promise<Answer> {
  return await withCoordinator(invocation, async (coordinator) => {
    const { entry, failures } = await coordinator.call(
      OperatorServiceService.pinSnapshot,
      request,
      WAIT_MS.nodes,
    );
    return {
      data: { entry, failures },
      names: [request.snapshotId],
      render: (layout) => [
        ...(entry === undefined ? [] : marksOf(layout, entry)),
        ...failures.flatMap((one) => ['', ...failure(layout, one, layout.wide)]),
      ],
    };
  });
}

export interface DeleteOptions {
  readonly from: readonly string[];
  readonly confirm?: string;
  readonly reason?: string;
  readonly approve?: string;
}

/** Shows what would go; deletes it only where the cluster is named. */
export async function deleteSnapshot(
  invocation: Invocation,
  snapshotId: string,
  { from, confirm, reason = '', approve = '' }: DeleteOptions,
): Promise<Answer> {
  return await withCoordinator(invocation, async (coordinator) => {
    if (confirm === undefined) return unconfirmed(coordinator, snapshotId, from);
    const response = await coordinator.call(
      OperatorServiceService.deleteSnapshot,
      { snapshotId, places: [...from], reason, approvedPurge: approve, confirmCluster: confirm },
      WAIT_MS.snapshot,
    );
    return deletionAnswer(snapshotId, confirm, response);
  });
}

async function unconfirmed(
  coordinator: Coordinator,
  snapshotId: string,
  from: readonly string[],
): Promise<Answer> {
  const entry = await findEntry(coordinator, snapshotId);
  const places = entry === undefined ? [] : placesOf(entry);
  const going = from.length === 0 ? places : from;
  const { cluster } = coordinator.context;
  return {
    data: { entry, places: going },
    names: [snapshotId],
    exit: EXIT.refused,
    code: entry === undefined ? 'SNAPSHOT_NOT_FOUND' : 'CONFIRMATION_MISMATCH',
    render: (layout) => [
      ...wrap(
        layout,
        entry === undefined
          ? `No place that answered holds ${snapshotId}.`
          : `${snapshotId} is held by ${places.join(', ')}. To delete it from ${going.join(', ')}, type`,
      ),
      ...(entry === undefined
        ? []
        : command(
            layout,
            `lockstep snapshot delete ${snapshotId} ${from.map((place) => `--from ${place} `).join('')}--confirm ${cluster} --reason "..."`,
          )),
    ],
  };
}

function deletionAnswer(
  snapshotId: string,
  cluster: string,
  response: OperatorServiceDeleteSnapshotResponse,
): Answer {
  const { deletedFrom, refusals, failures, purgeId, purgeExpiresMs } = response;
  const [refused] = refusals;
  const [failed] = failures;
  const exit = refused !== undefined ? EXIT.refused : failed !== undefined ? EXIT.failedUnchanged : EXIT.done;
  const code = refused?.code ?? failed?.code;
  return {
    data: {
      deletedFrom,
      refusals: refusals.map(refusalView),
      failures,
      purgeId,
      purgeExpiresAt: purgeId === '' ? '' : new Date(Number(purgeExpiresMs)).toISOString(),
    },
    names: [purgeId || snapshotId],
    // Some copies are gone and some are not: that is no "unchanged".
    exit: deletedFrom.length > 0 && failed !== undefined ? EXIT.findings : exit,
    ...(code === undefined ? {} : { code }),
    render: (layout) => deletionPage(layout, snapshotId, cluster, response),
  };
}

export async function listSchedules(invocation: Invocation): Promise<Answer> {
  return await withCoordinator(invocation, async (coordinator) => {
    const { schedules, retention } = await coordinator.call(OperatorServiceService.listSchedules, {});
    const trouble = schedules.find((one) => isFailed(one) || one.late);
    return {
      data: { schedules, retention },
      names: schedules.map(({ name }) => name),
      ...(trouble === undefined
        ? {}
        : { exit: EXIT.findings, code: isFailed(trouble) ? trouble.lastOutcome : 'SCHEDULE_LATE' }),
      render: (layout) => scheduleList(layout, schedules, retention, invocation.terminal.nowMs()),
    };
  });
}

export async function pruneSnapshots(invocation: Invocation, dryRun: boolean): Promise<Answer> {
  return await withCoordinator(invocation, async (coordinator) => {
    const { decisions } = await coordinator.call(
      OperatorServiceService.pruneSnapshots,
      { dryRun },
      WAIT_MS.snapshot,
    );
    const failed = decisions.find((each) => each.failure !== undefined)?.failure;
    return {
      data: { dryRun, decisions },
      names: decisions.filter(({ deletedFor }) => deletedFor !== '').map(({ snapshotId }) => snapshotId),
      ...(failed === undefined ? {} : { exit: EXIT.findings, code: failed.code }),
      render: (layout) => pruneList(layout, decisions, dryRun),
    };
  });
}
