type Listener = (() => void) | { handleEvent(): void };

/**
 * An AbortSignal as far as the code under test uses one. Node's own is an event target with all
 * that comes with it, which costs more than most events of the simulator.
 */
class LightSignal {
  aborted = false;
  reason: unknown = undefined;
  onabort = null;
  #listeners: Listener[] | undefined;

  get hasListeners(): boolean {
    return this.#listeners !== undefined && this.#listeners.length > 0;
  }

  addEventListener(_type: 'abort', listener: Listener): void {
    if (this.aborted) return;
    this.#listeners ??= [];
    this.#listeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: Listener): void {
    if (this.#listeners === undefined) return;
    const at = this.#listeners.indexOf(listener);
    if (at >= 0) this.#listeners.splice(at, 1);
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    const listeners = this.#listeners;
    this.#listeners = undefined;
    if (listeners === undefined) return;
    for (const listener of listeners) {
      if (typeof listener === 'function') listener();
      else listener.handleEvent();
    }
  }
}

export type SimSignal = LightSignal & AbortSignal;

export function simSignal(): SimSignal {
  return new LightSignal() as unknown as SimSignal;
}

/** Made once: each costs a stack trace, and nobody looks at it. */
export const TIMED_OUT = new DOMException('The operation was aborted due to timeout', 'TimeoutError');
