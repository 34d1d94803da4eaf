import type { Clock } from '@lockstep/shared/clock.ts';
import { LockstepError, refusal, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Failure, Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { RefusalClass } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type {
  OperatorServiceDeleteSnapshotRequest,
  OperatorServiceDeleteSnapshotResponse,
  PinSnapshotRequest,
  PinSnapshotResponse,
  PruneDecision,
} from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type { CatalogueEntry } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import { pinsOn } from '@lockstep/shared/marks.ts';
import { candidateOf, judgeDeletion } from '../core/protection.ts';
import { decideRetention, type RetentionPolicy } from '../core/retention.ts';
import { placesOf } from '../core/standing.ts';
import type { Catalogue, CatalogueView } from './catalogue.ts';
import type { Agents, Copies, UnexpiredPlans } from './ports.ts';
import { type Purge, Purges } from './purges.ts';
import { findUses } from './uses.ts';

/** An agent waits for an effect that is just ending; removing a file of gigabytes takes seconds. */
const DELETE_TIMEOUT_MS = 60_000;

export interface KeepingSettings {
  readonly cluster: string;
  /** As an identity is named: who deletes where retention does. */
  readonly self: string;
  readonly agents: Agents;
  readonly copies: Copies;
  readonly catalogue: Catalogue;
  readonly plans: UnexpiredPlans;
  /** Undefined: nothing is ever deleted unasked. */
  readonly retention: RetentionPolicy | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Who had something deleted, and who else stands for it. */
interface Mandate {
  readonly requestedBy: string;
  /** Empty where nobody had to approve. */
  readonly approvedBy: string;
  readonly reason: string;
}

/** Pins, deletion and retention: what decides whether a snapshot stays. */
export class Keeping {
  readonly #settings: KeepingSettings;
  readonly #purges: Purges;

  constructor(settings: KeepingSettings) {
    this.#settings = settings;
    this.#purges = new Purges(settings.clock);
  }

  get retention(): RetentionPolicy | undefined {
    return this.#settings.retention;
  }

  /** Beside every copy that is reached. Throws SNAPSHOT_NOT_FOUND, SNAPSHOT_REASON_MISSING, SNAPSHOT_NOT_PINNED. */
  async pin(request: PinSnapshotRequest, by: string, signal: AbortSignal): Promise<PinSnapshotResponse> {
    const { snapshotId, reason, evidence, remove } = request;
    const entry = await this.#entry(snapshotId, signal);
    const at = new Date(this.#settings.clock.nowMs()).toISOString();
    if (!remove && reason.trim() === '') throw new LockstepError('SNAPSHOT_REASON_MISSING');
    const pins = remove
      ? removable(entry).map((pin) => ({ ...pin, removedAt: at }))
      : [{ by, reason, at, evidence, removedAt: '' }];
    const marks = { snapshotId, pins, proofs: [] };
    const failures = await this.#markAll(entry, marks, signal);
    return { entry: await this.#entry(snapshotId, signal), failures };
  }

  async delete(
    request: OperatorServiceDeleteSnapshotRequest,
    by: string,
    signal: AbortSignal,
  ): Promise<OperatorServiceDeleteSnapshotResponse> {
    const { cluster, catalogue, clock } = this.#settings;
    const { snapshotId, reason, confirmCluster } = request;
    if (confirmCluster !== cluster) {
      const words = `"${confirmCluster}" was confirmed; this is cluster ${cluster}`;
      return refused(refusal('CONFIRMATION_MISMATCH', words));
    }
    const purge = this.#purges.get(request.approvedPurge);
    if (request.approvedPurge !== '') {
      if (purge?.snapshotId !== snapshotId) {
        return refused(
          refusal('PURGE_NOT_FOUND', `no purge ${request.approvedPurge} of ${snapshotId} waits`),
        );
      }
      if (purge.requestedBy === by) {
        return refused(refusal('PURGE_BY_REQUESTER', `${purge.id} was asked for by ${by}`));
      }
    } else if (reason.trim() === '')
      return refused(refusal('SNAPSHOT_REASON_MISSING', 'no reason was given'));
    const view = await catalogue.read(signal);
    const entry = find(view, snapshotId);
    const held = placesOf(entry);
    const places = purge?.places ?? (request.places.length === 0 ? held : request.places);
    const strange = places.filter((place) => !held.includes(place));
    if (strange.length > 0) {
      const words = `${strange.join(', ')}: not among ${held.join(', ') || 'any place that answered'}`;
      return refused(refusal('SNAPSHOT_PLACE_UNKNOWN', words));
    }
    const uses = await findUses(this.#settings, signal);
    const nowMs = clock.nowMs();
    const refusals = judgeDeletion({ entry, places, all: view.entries, uses: uses.bySnapshot, nowMs });
    const never = refusals.filter((each) => each.class !== RefusalClass.REFUSAL_CLASS_SECOND_PERSON);
    if (never.length > 0) return refused(...refusals);
    if (refusals.length > 0 && purge === undefined) {
      const asked = this.#purges.ask({ snapshotId, places, requestedBy: by, reason });
      return { ...refused(...refusals), purgeId: asked.id, purgeExpiresMs: BigInt(asked.expiresMs) };
    }
    const deletion = await this.#deleteFrom(entry, places, mandateOf(request, purge, by), signal);
    if (purge !== undefined && deletion.failures.length === 0) this.#purges.drop(purge.id);
    return { ...deletion, refusals: [], purgeId: '', purgeExpiresMs: 0n };
  }

  /**
   * What retention keeps and deletes now, over the places that answer; with `dryRun` it deletes
   * nothing. Throws RETENTION_MISSING.
   */
  async prune(dryRun: boolean, signal: AbortSignal): Promise<PruneDecision[]> {
    const { catalogue, retention, clock, self, logger } = this.#settings;
    if (retention === undefined) throw new LockstepError('RETENTION_MISSING');
    const view = await catalogue.read(signal);
    if (!dryRun) await this.#spreadMarks(view, signal);
    const uses = await findUses(this.#settings, signal);
    const candidates = view.entries.map((entry) => candidateOf(entry, uses.bySnapshot));
    const decisions: PruneDecision[] = [];
    for (const { id, keptFor, deletedFor } of decideRetention(retention, candidates, clock.nowMs())) {
      const decision = {
        snapshotId: id,
        deleted: false,
        keptFor: [...keptFor],
        deletedFor,
        failure: undefined,
      };
      if (deletedFor === '' || dryRun) {
        decisions.push({ ...decision, deleted: deletedFor !== '' });
        continue;
      }
      const entry = find(view, id);
      const mandate = { requestedBy: self, approvedBy: '', reason: `retention: ${deletedFor}` };
      const { failures } = await this.#deleteFrom(entry, placesOf(entry), mandate, signal);
      const [failure] = failures;
      logger.info({ snapshotId: id, deletedFor, code: failure?.code }, 'retention deletes a snapshot');
      decisions.push({ ...decision, deleted: failure === undefined, failure });
    }
    return decisions;
  }

  async #entry(id: string, signal: AbortSignal): Promise<CatalogueEntry> {
    return find(await this.#settings.catalogue.read(signal), id);
  }

  /** One place after the other; each refuses by itself what it knows better. */
  async #deleteFrom(
    entry: CatalogueEntry,
    places: readonly string[],
    mandate: Mandate,
    signal: AbortSignal,
  ): Promise<{ deletedFrom: string[]; failures: Failure[] }> {
    const { agents, copies, clock, logger } = this.#settings;
    const snapshotId = entry.card?.id ?? '';
    const deletedFrom: string[] = [];
    const failures: Failure[] = [];
    for (const place of places) {
      const until = clock.deadline(DELETE_TIMEOUT_MS, signal);
      try {
        const node = agents.known().find((each) => each.node === place);
        if (node === undefined) await copies.remove(place, snapshotId, until);
        else await agents.client(node).deleteSnapshot({ snapshotId, ...mandate }, until);
        deletedFrom.push(place);
      } catch (thrown) {
        failures.push(toFailure(thrown, place));
      }
    }
    logger.warn({ snapshotId, ...mandate, deletedFrom, failures }, 'a snapshot is deleted');
    return { deletedFrom, failures };
  }

  /** Throws the first failure where no place took them. */
  async #markAll(
    entry: CatalogueEntry,
    marks: Parameters<Catalogue['mark']>[1],
    signal: AbortSignal,
  ): Promise<Failure[]> {
    const places = placesOf(entry);
    const results = await Promise.allSettled(
      places.map((place) => this.#settings.catalogue.mark(place, marks, signal)),
    );
    const failures = results.flatMap((result, index) =>
      result.status === 'rejected' ? [{ thrown: result.reason as unknown, place: places[index] ?? '' }] : [],
    );
    const [first] = failures;
    if (first !== undefined && failures.length === places.length) throw first.thrown;
    return failures.map(({ thrown, place }) => toFailure(thrown, place));
  }

  /** A copy that was away when something was pinned hears of it before anything is deleted. */
  async #spreadMarks({ behind }: CatalogueView, signal: AbortSignal): Promise<void> {
    const { catalogue, logger } = this.#settings;
    for (const { place, marks } of behind) {
      await catalogue.mark(place, marks, signal).catch((thrown: unknown) => {
        const { code, message } = toFailure(thrown, place);
        logger.warn(
          { place, snapshotId: marks.snapshotId, code, reason: message },
          'marks are not everywhere',
        );
      });
    }
  }
}

function find({ entries, failures }: CatalogueView, id: string): CatalogueEntry {
  const entry = entries.find(({ card }) => card?.id === id);
  if (entry !== undefined) return entry;
  const silent = failures.length === 0 ? '' : `; ${failures.length} places did not answer`;
  throw new LockstepError('SNAPSHOT_NOT_FOUND', { message: `No place that answered holds ${id}${silent}.` });
}

/** Evidence stays pinned: else who pinned it could delete it alone. */
function removable(entry: CatalogueEntry): ReturnType<typeof pinsOn> {
  const pins = pinsOn(entry.marks);
  const off = pins.filter(({ evidence }) => !evidence);
  if (off.length > 0) return off;
  const [evidence] = pins;
  if (evidence === undefined) {
    throw new LockstepError('SNAPSHOT_NOT_PINNED', { message: `${entry.card?.id} is not pinned.` });
  }
  throw new LockstepError('SNAPSHOT_EVIDENCE', {
    message: `${entry.card?.id} is pinned as evidence by ${evidence.by}: ${evidence.reason}`,
  });
}

function mandateOf(
  { reason }: OperatorServiceDeleteSnapshotRequest,
  purge: Purge | undefined,
  by: string,
): Mandate {
  if (purge === undefined) return { requestedBy: by, approvedBy: '', reason };
  return { requestedBy: purge.requestedBy, approvedBy: by, reason: purge.reason };
}

function refused(...refusals: Refusal[]): OperatorServiceDeleteSnapshotResponse {
  return { deletedFrom: [], refusals, failures: [], purgeId: '', purgeExpiresMs: 0n };
}
