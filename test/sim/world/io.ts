import type { RunnableStep } from '@lockstep/agent/core/operation.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Epoch } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { SimNode } from './node.ts';
import type { Actor } from './scheduler.ts';

/** A look that takes no longer is seldom an event of its own. */
const SHORT_LOOK_MS = 4;
const AT_ONCE = 0.9;

/**
 * How one run of an agent touches the world: each read, change and sync is an event of its own,
 * before and after which the process may die, and which the disk may refuse. What a dead process
 * had asked for never happens, and its promises never settle.
 */
export class AgentIo {
  readonly node: SimNode;
  readonly actor: Actor;
  /** Of the step that was intended last: the one whose effects these are. */
  step: RunnableStep | undefined;
  epoch: Epoch | undefined;

  constructor(node: SimNode, actor: Actor) {
    this.node = node;
    this.actor = actor;
  }

  /**
   * Looks at something; changes nothing. Most looks come at once: what may happen between a look
   * and what follows from it happens before that, which is an event.
   */
  read<T>(what: string, get: () => T, slowestMs = 4): Promise<T> {
    return new Promise((resolve, reject) => {
      if (slowestMs <= SHORT_LOOK_MS && !this.actor.dead && this.node.world.random.chance(AT_ONCE)) {
        try {
          resolve(get());
        } catch (thrown) {
          reject(thrown);
        }
        return;
      }
      this.node.host.at(
        this.#random(slowestMs),
        'read',
        what,
        () => {
          try {
            resolve(get());
          } catch (thrown) {
            reject(thrown);
          }
        },
        this.actor,
      );
    });
  }

  /** Changes something, at once and whole. */
  effect(what: string, apply: () => void, slowestMs = 4): Promise<void> {
    return this.#act('effect', what, apply, slowestMs);
  }

  sync(what: string, apply: () => void): Promise<void> {
    return this.#act('sync', what, apply, 3);
  }

  /** A change that is not the disk's: what the disk refuses it does not stop. */
  ask(what: string, apply: () => void, slowestMs = 10): Promise<void> {
    return this.#act('ask', what, apply, slowestMs);
  }

  #act(kind: 'effect' | 'sync' | 'ask', what: string, apply: () => void, slowestMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const { node } = this;
      const run = (): void => {
        const point = kind === 'sync' ? 'sync' : 'effect';
        if (node.armed.length > 0 && node.diesAt(point, 'before')) return;
        node.effectBegins(what, this.step, this.epoch);
        const refused = kind === 'ask' ? undefined : node.diskRefuses(kind);
        if (refused !== undefined) {
          reject(refused);
          return;
        }
        try {
          apply();
        } catch (thrown) {
          reject(thrown);
          return;
        }
        if (node.armed.length > 0 && node.diesAt(point, 'after')) return;
        resolve();
      };
      node.host.at(this.#random(slowestMs), kind === 'sync' ? 'sync' : 'effect', what, run, this.actor);
    });
  }

  #random(slowestMs: number): number {
    return 0.1 + this.node.world.random.below(slowestMs * 10) / 10;
  }
}

/** What a full or failing disk makes of a call, as the adapters word it. */
export function diskError(kind: 'disk-full' | 'disk-error' | 'disk-read-only' | 'sync-failed'): Error {
  switch (kind) {
    case 'disk-full':
      return new LockstepError('DISK_FULL', { message: 'the disk is full' });
    case 'sync-failed':
      return new LockstepError('SYNC_FAILED', { message: 'could not be synced' });
    case 'disk-error':
      return Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
    case 'disk-read-only':
      return Object.assign(new Error('EROFS: read-only file system'), { code: 'EROFS' });
    default:
      return kind satisfies never;
  }
}
