import type { Clock } from '@lockstep/shared/clock.ts';
import type { NodeProgress } from '@lockstep/shared/generated/lockstep/v1/event.ts';

/** A person reads no faster. */
const PROGRESS_INTERVAL_MS = 200;

export type OnProgress = (progress: NodeProgress) => void;

export type WorkEvent<Result> =
  | { readonly $case: 'progress'; readonly value: NodeProgress }
  | { readonly $case: 'done'; readonly value: Result };

/**
 * Work in many places as one stream: the latest word of each place, not too often, and last the
 * result. A slow listener delays nothing; one that leaves is told to the work by the signal.
 */
export async function* streamWork<Result>(
  clock: Pick<Clock, 'delay'>,
  work: (onProgress: OnProgress) => Promise<Result>,
): AsyncGenerator<WorkEvent<Result>, void, undefined> {
  const latest = new Map<string, NodeProgress>();
  let wake = Promise.withResolvers<void>();
  let ended = false;
  const result = work((progress) => {
    latest.set(progress.node, progress);
    wake.resolve();
  }).finally(() => {
    ended = true;
    wake.resolve();
  });
  // Awaited below, once everything else was said.
  result.catch(() => undefined);
  for (;;) {
    await wake.promise;
    wake = Promise.withResolvers<void>();
    for (const value of latest.values()) yield { $case: 'progress', value };
    latest.clear();
    if (ended) break;
    await Promise.race([clock.delay(PROGRESS_INTERVAL_MS), result.catch(() => undefined)]);
  }
  yield { $case: 'done', value: await result };
}
