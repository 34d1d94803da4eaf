import { LockstepError, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';

/** What could not be observed and why: one unreadable file must not hide all the rest. */
export class InspectionNotes {
  readonly #failures: Failure[] = [];

  get failures(): Failure[] {
    return [...this.#failures];
  }

  add(thrown: unknown): void {
    this.#failures.push(toFailure(thrown));
  }

  /** `subject` reads well before "could not be read"; `otherwise` stands for what is not known. */
  async attempt<T>(subject: string, otherwise: T, look: () => Promise<T> | T): Promise<T> {
    try {
      return await look();
    } catch (thrown) {
      const message = `On this node ${subject} could not be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
      this.add(
        thrown instanceof LockstepError
          ? thrown
          : new LockstepError('NODE_INSPECTION_FAILED', { message, cause: thrown }),
      );
      return otherwise;
    }
  }
}
