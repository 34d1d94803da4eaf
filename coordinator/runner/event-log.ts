import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { OperationEvent } from '@lockstep/shared/generated/lockstep/v1/event.ts';

/** Beyond this, progress that another will follow is no longer kept; every other event is. */
export const MAX_KEPT_PROGRESS = 10_000;

/**
 * The events of one operation, kept, and watched by any number. Each watcher reads the one list
 * at its own pace, so a slow one costs nothing and holds nobody up.
 */
export class EventLog {
  readonly #events: OperationEvent[];
  #progress = 0;
  #ended = false;
  #changed = Promise.withResolvers<void>();

  constructor(events: readonly OperationEvent[] = []) {
    this.#events = [...events];
  }

  get events(): readonly OperationEvent[] {
    return this.#events;
  }

  /** Why the last undo began, where one did. */
  get causeOfUndo(): Failure | undefined {
    const last = this.#events.findLast(({ event }) => event?.$case === 'undoStarted')?.event;
    return last?.$case === 'undoStarted' ? last.value.cause : undefined;
  }

  append(event: OperationEvent): void {
    const passing = event.event?.$case === 'nodeProgress' && !event.event.value.done;
    if (passing) {
      this.#progress += 1;
      if (this.#progress > MAX_KEPT_PROGRESS) return;
    }
    this.#events.push(event);
    this.#wake();
  }

  /** Nothing follows for now: watchers end once they have read all. */
  close(): void {
    this.#ended = true;
    this.#wake();
  }

  /** A coordinator took the operation up again. */
  reopen(): void {
    this.#ended = false;
  }

  /** What has happened from a sequence on, then live until the operation ends. */
  async *watch(fromSequence: bigint, signal: AbortSignal): AsyncGenerator<OperationEvent, void, undefined> {
    const aborted = Promise.withResolvers<void>();
    const abort = (): void => aborted.resolve();
    signal.addEventListener('abort', abort, { once: true });
    try {
      for (let index = 0; ; ) {
        signal.throwIfAborted();
        const event = this.#events[index];
        if (event !== undefined) {
          index += 1;
          if (event.sequence >= fromSequence) yield event;
          continue;
        }
        if (this.#ended) return;
        await Promise.race([this.#changed.promise, aborted.promise]);
      }
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  #wake(): void {
    const changed = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    changed.resolve();
  }
}
