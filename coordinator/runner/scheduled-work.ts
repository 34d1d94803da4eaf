import { fromFailure, LockstepError, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { newestToDrill } from '../core/drill-choice.ts';
import type { Schedule } from '../core/schedule.ts';
import { reasonOf } from '../core/schedule-memory.ts';
import type { Catalogue } from './catalogue.ts';
import type { Keeping } from './keeping.ts';
import type { Drills, Saves } from './ports.ts';

export interface ScheduledWorkSettings {
  readonly saves: Saves;
  readonly drills: Drills;
  readonly keeping: Pick<Keeping, 'prune' | 'retention'>;
  readonly catalogue: Pick<Catalogue, 'read'>;
}

export interface WorkDone {
  /** "done", or a code. */
  readonly outcome: string;
  readonly message: string;
  readonly snapshotId: string;
}

/** What one run of a schedule does. */
export class ScheduledWork {
  readonly #settings: ScheduledWorkSettings;

  constructor(settings: ScheduledWorkSettings) {
    this.#settings = settings;
  }

  /** Never rejects: what went wrong is how it ended. */
  async run(schedule: Schedule, signal: AbortSignal): Promise<WorkDone> {
    try {
      return await (schedule.action === 'save'
        ? this.#save(schedule, signal)
        : this.#drill(schedule, signal));
    } catch (thrown) {
      const why: unknown = signal.aborted ? signal.reason : thrown;
      return failed(toFailure(why), '');
    }
  }

  /** A copy or a deletion that failed does not undo the snapshot, and is told all the same. */
  async #save(schedule: Schedule, signal: AbortSignal): Promise<WorkDone> {
    const { saves, keeping } = this.#settings;
    const reason = reasonOf(schedule);
    const { snapshot, failures } = await saves.run({ node: schedule.node, reason }, signal);
    const snapshotId = snapshot.card?.id ?? '';
    const [failure] = [...failures, ...(keeping.retention === undefined ? [] : await this.#prune(signal))];
    if (failure === undefined) return { outcome: 'done', message: '', snapshotId };
    return failed(failure, snapshotId, `${snapshotId} is taken, but: `);
  }

  async #prune(signal: AbortSignal): Promise<Failure[]> {
    try {
      const decisions = await this.#settings.keeping.prune(false, signal);
      return decisions.flatMap(({ failure }) => (failure === undefined ? [] : [failure]));
    } catch (thrown) {
      return [toFailure(thrown)];
    }
  }

  /** One that a copy made doubtful is drilled before an older one: the doubt ends with it. */
  async #drill({ node }: Schedule, signal: AbortSignal): Promise<WorkDone> {
    const { entries, failures } = await this.#settings.catalogue.read(signal);
    const newest = newestToDrill(entries);
    if (newest === undefined) {
      const silent = failures.map(({ node }) => node).join(', ');
      throw new LockstepError(silent === '' ? 'SNAPSHOT_NOT_FOUND' : 'UNREACHABLE', {
        message: `There is nothing to drill: no snapshot that is not known to be bad lies on a node, or unencrypted in a store${silent === '' ? '' : `, of those that answer; ${silent} did not`}.`,
      });
    }
    const { failure } = await this.#settings.drills.run(newest, node, signal);
    return failure === undefined
      ? { outcome: 'done', message: '', snapshotId: newest }
      : failed(toFailure(fromFailure(failure)), newest);
  }
}

function failed(failure: Failure, snapshotId: string, before = ''): WorkDone {
  const { code, message, node } = failure;
  const [cause] = failure.causes;
  const words = cause === undefined ? message : `${message} (${cause})`;
  return { outcome: code, message: `${before}${node === '' ? '' : `${node}: `}${words}`, snapshotId };
}
