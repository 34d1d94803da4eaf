export type Verdict =
  | { readonly kind: 'killed'; readonly by: string }
  | { readonly kind: 'timeout'; readonly by: string }
  | { readonly kind: 'survived' };

/** A trial that takes this much longer than without a mutant hangs. */
const TIMES_SLOWER = 4;
const SLOWER_MS = 10_000;

export function limitOf(usualMs: number): number {
  return usualMs * TIMES_SLOWER + SLOWER_MS;
}
