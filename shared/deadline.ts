/** The caller's signal, or a deadline of its own, whichever comes first. */
export function deadline(timeoutMs: number, signal?: AbortSignal): AbortSignal {
  const timeout = AbortSignal.timeout(timeoutMs);
  // Node collects a timeout that only a combined signal refers to, and it never fires then; one
  // that somebody listens to is kept.
  timeout.addEventListener('abort', () => undefined, { once: true });
  return signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
}
