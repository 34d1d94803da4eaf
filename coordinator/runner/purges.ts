import type { Clock } from '@lockstep/shared/clock.ts';
import { timedId } from '@lockstep/shared/ids.ts';

/** As a plan: what is approved was asked for just now. */
const PURGE_EXPIRES_AFTER_MS = 15 * 60_000;
const MAX_WAITING = 100;

/** A deletion of something protected that waits for a second person. */
export interface Purge {
  readonly id: string;
  readonly snapshotId: string;
  readonly places: readonly string[];
  readonly requestedBy: string;
  readonly reason: string;
  readonly expiresMs: number;
}

/** In memory alone: a restart forgets what waits, and then nothing is deleted. */
export class Purges {
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #waiting = new Map<string, Purge>();

  constructor(clock: Pick<Clock, 'nowMs'>) {
    this.#clock = clock;
  }

  ask(wanted: Omit<Purge, 'id' | 'expiresMs'>): Purge {
    const nowMs = this.#clock.nowMs();
    const purge = { ...wanted, id: timedId('p', nowMs), expiresMs: nowMs + PURGE_EXPIRES_AFTER_MS };
    this.#waiting.set(purge.id, purge);
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size > MAX_WAITING && oldest !== undefined) this.#waiting.delete(oldest);
    return purge;
  }

  get(id: string): Purge | undefined {
    const purge = this.#waiting.get(id);
    return purge === undefined || this.#clock.nowMs() > purge.expiresMs ? undefined : purge;
  }

  drop(id: string): void {
    this.#waiting.delete(id);
  }
}
