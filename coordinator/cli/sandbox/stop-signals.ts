/** Ctrl-C, and the ways in which others ask a program to end: what was made is taken away before it does. */
export class StopSignals implements Disposable {
  readonly signal: AbortSignal;
  readonly #stop: () => void;

  constructor(interrupted: AbortSignal) {
    const asked = new AbortController();
    this.#stop = () => asked.abort(new Error('asked to end'));
    this.signal = AbortSignal.any([interrupted, asked.signal]);
    for (const name of ASKING) process.on(name, this.#stop);
  }

  /** Resolves when it comes. */
  async stopped(): Promise<void> {
    if (this.signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
  }

  [Symbol.dispose](): void {
    for (const name of ASKING) process.off(name, this.#stop);
  }
}

/** SIGHUP: the terminal was closed. */
const ASKING = ['SIGTERM', 'SIGHUP'] as const;
