import type { Clock } from '@lockstep/shared/clock.ts';
import type { ErrorCode } from '@lockstep/shared/errors/catalogue.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { diskFull } from './memory-ledger.ts';
import { NOW_MS } from './plan.ts';
import type { World } from './world.ts';

/** How one thing that a step asked of the outside was answered. */
export type Entry = { readonly said: unknown } | { readonly thrown: ErrorCode } | 'expired';

/**
 * `go`: until the next effect is done. `fail`: the next effect fails instead. `abort`: the caller
 * gives up. `expire`: whoever waits has waited too long.
 */
export type Mode = 'go' | 'fail' | 'abort' | 'expire';

/** A wait that a step enters for ever: its deadline passes, and then its time as a whole. */
const MAX_EXPIRIES = 4;
const LONG_MS = 3_600_000;

/**
 * Runs real asynchronous code in single steps. What it asked of the outside so far is answered
 * again from the log; then it may look at the world and change it once, and stands still. A step
 * under way is thereby a value, the log, which can be kept, compared, and gone on with in two ways.
 *
 * Holds as long as the code is a function of what it is answered: it reads no clock but the one
 * here, and throws no dice. A run that stands still for another reason throws.
 */
export class Recorder {
  readonly mode: Mode;
  readonly broken: boolean;
  readonly log: Entry[];
  world: World;
  /** True once this run has changed something: it goes no further. */
  moved = false;
  /** True where this run stands before something that does not hold yet. */
  waiting = false;
  /** What it did that must never be done. */
  violation: string | undefined;
  readonly call = new AbortController();
  readonly clock: Clock;
  #position = 0;
  #expiries = 0;
  #jumpedMs = 0;
  readonly #controllers = new WeakMap<AbortSignal, AbortController>();
  readonly #alarms = new Set<() => void>();

  constructor(world: World, log: readonly Entry[], mode: Mode, broken: boolean) {
    this.world = world;
    this.log = [...log];
    this.mode = mode;
    this.broken = broken;
    this.#controllers.set(this.call.signal, this.call);
    this.clock = {
      nowMs: () => NOW_MS,
      monotonicMs: () => this.#jumpedMs,
      delay: (_ms, signal) => this.#delay(signal),
      deadline: (_ms, signal) => this.#deadline(signal),
      after: (_ms, call) => {
        this.#alarms.add(call);
        return { [Symbol.dispose]: () => void this.#alarms.delete(call) };
      },
    };
  }

  /** Looks at the world as it is now. */
  async read<Value>(look: (world: World) => Value): Promise<Value> {
    const kept = this.#replayed();
    if (kept !== undefined) return said(kept) as Value;
    await this.#new();
    try {
      const value = look(this.world);
      this.log.push({ said: value });
      return value;
    } catch (thrown) {
      if (thrown instanceof LockstepError) this.log.push({ thrown: thrown.code });
      throw thrown;
    }
  }

  /** Changes the world, and stands still. `through`: not even the caller's giving up stops it. */
  async act(change: (world: World) => World, through = false): Promise<void> {
    const kept = this.#replayed();
    if (kept !== undefined) return void said(kept);
    if (!(through && this.mode === 'abort')) await this.#new();
    if (this.#fails()) {
      this.log.push({ thrown: 'DISK_FULL' });
      throw diskFull();
    }
    this.world = change(this.world);
    this.log.push({ said: undefined });
    if (this.mode === 'abort') return;
    this.moved = true;
    await never();
  }

  /** A synchronous record in the ledger. It cannot stand still by itself; what follows it does. */
  record(): void {
    const kept = this.#replayed();
    if (kept !== undefined) return void said(kept);
    if (this.#fails()) {
      this.log.push({ thrown: 'DISK_FULL' });
      throw diskFull();
    }
    this.log.push({ said: undefined });
    this.moved = true;
  }

  /** Until it holds; `code` where the signal comes first. */
  async wait(holds: (world: World) => boolean, code: ErrorCode, signal: AbortSignal): Promise<void> {
    const kept = this.#replayed();
    if (kept === 'expired') return this.#giveUp(code, signal);
    if (kept !== undefined) return void said(kept);
    await this.#new();
    if (holds(this.world)) {
      this.log.push({ said: undefined });
      return;
    }
    if (this.mode === 'expire' && this.#expiries < MAX_EXPIRIES) {
      this.log.push('expired');
      return this.#giveUp(code, signal);
    }
    this.waiting = true;
    await never();
  }

  violate(words: string): void {
    this.violation ??= words;
  }

  /** Everyone who waits for a while has waited for it. */
  ring(): void {
    for (const call of this.#alarms) call();
  }

  /** Until nothing more happens by itself. */
  async quiet(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }

  #replayed(): Entry | undefined {
    const kept = this.log[this.#position];
    this.#position += 1;
    return kept;
  }

  async #new(): Promise<void> {
    if (this.mode === 'abort') {
      this.call.abort(new Error('the caller gave up'));
      throw this.call.signal.reason;
    }
    if (this.moved) await never();
  }

  #fails(): boolean {
    return this.broken || (this.mode === 'fail' && !this.moved);
  }

  #giveUp(code: ErrorCode, signal: AbortSignal): never {
    this.#expiries += 1;
    this.#abort(signal);
    throw new LockstepError(code, { message: 'a wait was too long' });
  }

  #abort(signal: AbortSignal): void {
    this.#controllers.get(signal)?.abort(new DOMException('too long', 'TimeoutError'));
  }

  /** First its own patience passes, then its deadline: whoever looks at either has the time to act on it. */
  async #delay(signal: AbortSignal | undefined): Promise<void> {
    if (signal === undefined) return;
    // Of those who wait here only polls have a deadline of this clock's.
    if (!this.#controllers.has(signal)) return never();
    const kept = this.#replayed();
    if (kept === undefined) {
      await this.#new();
      if (this.mode !== 'expire' || this.#expiries >= MAX_EXPIRIES) {
        this.waiting = true;
        return never();
      }
      this.log.push('expired');
    }
    this.#expiries += 1;
    this.#jumpedMs += LONG_MS;
    if (this.#expiries === 1) return;
    this.#abort(signal);
    throw signal.reason;
  }

  #deadline(parent: AbortSignal | undefined): AbortSignal {
    const controller = new AbortController();
    this.#controllers.set(controller.signal, controller);
    if (parent?.aborted === true) controller.abort(parent.reason);
    parent?.addEventListener('abort', () => controller.abort(parent.reason), { once: true });
    return controller.signal;
  }
}

function said(entry: Entry): unknown {
  if (entry === 'expired') throw new Error('a log that was made by other code');
  if ('thrown' in entry) throw new LockstepError(entry.thrown, { message: 'as it was answered before' });
  return entry.said;
}

function never(): Promise<never> {
  return new Promise(() => {});
}

export function entryKey(entry: Entry): string {
  if (entry === 'expired') return 'x';
  if ('thrown' in entry) return entry.thrown;
  return (
    JSON.stringify(entry.said, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)) ??
    '.'
  );
}
