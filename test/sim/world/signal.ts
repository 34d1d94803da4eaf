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
  #children: Set<LightSignal> | undefined;

  get hasListeners(): boolean {
    return (this.#listeners?.length ?? 0) > 0 || (this.#children?.size ?? 0) > 0;
  }

  /** Ends with this one, for as long as it is not released. */
  adopt(child: LightSignal): void {
    this.#children ??= new Set();
    this.#children.add(child);
  }

  release(child: LightSignal): void {
    this.#children?.delete(child);
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
    const children = this.#children;
    this.#listeners = undefined;
    this.#children = undefined;
    if (children !== undefined) for (const child of children) child.abort(reason);
    if (listeners === undefined) return;
    for (const listener of listeners) {
      if (typeof listener === 'function') listener();
      else listener.handleEvent();
    }
  }
}

export type SimSignal = LightSignal & AbortSignal;

const bridges = new WeakMap<AbortSignal, SimSignal>();

/** The same signal, light: a foreign one is listened to once, by all that hang on it here. */
export function lightOf(signal: AbortSignal): SimSignal {
  if (signal instanceof LightSignal) return signal;
  let bridge = bridges.get(signal);
  if (bridge === undefined) {
    bridge = simSignal();
    const light = bridge;
    if (signal.aborted) light.abort(signal.reason);
    else signal.addEventListener('abort', () => light.abort(signal.reason), { once: true });
    bridges.set(signal, bridge);
  }
  return bridge;
}

export function simSignal(): SimSignal {
  return new LightSignal() as unknown as SimSignal;
}

/** Made once: each costs a stack trace, and nobody looks at it. */
export const TIMED_OUT = new DOMException('The operation was aborted due to timeout', 'TimeoutError');
